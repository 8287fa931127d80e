#include "identity.h"

#include <string.h>

int name_set(struct name *name, const void *text, size_t len)
{
    if (len < 3 || len > NAME_MAX_LEN) {
        return -1;
    }
    const unsigned char *s = text;
    size_t at = len;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 0x20 || s[i] == 0x7f || s[i] == '"' || s[i] == '\\') {
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
