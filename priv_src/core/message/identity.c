#include "identity.h"

#include <string.h>

/* Length of the well-formed UTF-8 sequence (RFC 3629) at `s`, of which `left` bytes exist; 0 if there is
 * none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (len == 0 || len > left) {
        return 0;
    }
    uint32_t code = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3fu);
    }
    return code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : len;
}

/* What takes no second look; most names have nothing else but their '@', and every beat carries one. */
static bool plain(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '@' && c != '\\';
}

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
        if (step == 0 || s[i] < 0x20 || s[i] == 0x7f || s[i] == '"' || s[i] == '\\') {
            return -1; /* it will stand in logs and in quotes */
        }
        if (s[i] == '@') {
            if (at != len) {
                return -1;
            }
            at = i;
        }
    }
    if (at == 0 || at >= len - 1) {
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
