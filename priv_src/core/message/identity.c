#include "identity.h"

#include <string.h>

#include "utf8.h"

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
