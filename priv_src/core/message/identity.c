#include "identity.h"

#include <string.h>

#include "utf8.h"

/* What takes no second look; most names have nothing else but their '@', and every beat carries one. */
static bool plain(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '@' && c != '\\';
}

static uint32_t code_point(const unsigned char *s, size_t len)
{
    uint32_t code = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (s[i] & 0x3fu);
    }
    return code;
}

/* Whether a character beyond ASCII controls a terminal or deceives the eye: Unicode's Cc, Cf, Zl, Zp and Zs,
 * as of version 15. */
static bool is_unseen(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x80, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},
        {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},   {0x180e, 0x180e},
        {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x2064},   {0x2066, 0x206f},   {0x3000, 0x3000},
        {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
        {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

/* A node that has no name calls itself this. */
static const char NOBODY[] = "nonode@nohost";

int name_set(struct name *name, const void *text, size_t len)
{
    if (len < 3 || len > NAME_MAX_LEN) {
        return -1;
    }
    const unsigned char *s = text;
    size_t at = len;
    size_t step = 0;
    for (size_t i = 0; i < len; i += step) {
        while (plain(s[i]) && i < len - 1) {
            i++;
        }
        step = utf8_length(s + i, len - i);
        if (step == 0 || s[i] <= 0x20 || s[i] == 0x7f || s[i] == '"' || s[i] == '\\' ||
            (step > 1 && is_unseen(code_point(s + i, step)))) {
            return -1; /* it will stand in logs and in quotes */
        }
        if (s[i] == '@') {
            if (at != len) {
                return -1;
            }
            at = i;
        }
    }
    bool nobody = len == sizeof NOBODY - 1 && memcmp(text, NOBODY, len) == 0;
    if (at == 0 || at >= len - 1 || nobody) {
        return -1;
    }
    memset(name, 0, sizeof *name);
    memcpy(name->text, text, len);
    name->len = (uint8_t)len;
    return 0;
}

bool name_same(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

int host_set(struct host *host, const uint8_t *bytes, size_t len)
{
    *host = (struct host){0};
    if (len == 0) {
        return -1;
    }
    size_t at = 1;
    for (unsigned i = 0; i < HOST_ADDRS && at < len && addr_ip_len(bytes[at]) > 0; i++) {
        size_t size = 1 + addr_ip_len(bytes[at]);
        if (size > len - at) {
            return -1;
        }
        at += size;
    }
    memcpy(host->bytes, bytes, at);
    host->bytes[0] = bytes[0] != 0;
    host->len = (uint8_t)at;
    return 0;
}

bool host_same(const struct host *a, const struct host *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
