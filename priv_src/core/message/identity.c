#include "identity.h"

#include <string.h>

#include "utf8.h"

/* What takes no second look; most names have nothing else but their '@', and every beat carries one. */
static bool plain(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '@' && c != '\\';
}

static bool deceives(const unsigned char *s, size_t len)
{
    uint32_t code = utf8_code(s, len);
    return utf8_is_unseen(code) || utf8_is_space(code);
}

/* A node that has no name calls itself this. */
static const char NOBODY[] = "nonode@nohost";

int name_set(struct name *name, const void *text, size_t len)
{
    if (len > NAME_MAX_LEN) {
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
        if (step == 0 || s[i] == '"' || s[i] == '\\' || deceives(s + i, step)) {
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
    if (at == 0 || at + 1 >= len || nobody) { /* three bytes are the least for that */
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

size_t host_addresses(const struct host *host, uint16_t port, struct addr out[static HOST_ADDRS])
{
    size_t count = 0, at = 1;
    while (at < host->len && count < HOST_ADDRS) {
        size_t len =
            addr_ip_len(host->bytes[at]); /* of a known family, and all there: host_set saw to that */
        out[count++] =
            len == 4 ? addr_ipv4(host->bytes + at + 1, port, 0) : addr_ipv6(host->bytes + at + 1, port, 0);
        at += 1 + len;
    }
    return count;
}
