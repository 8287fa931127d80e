#include "kit/copies.h"

#include <string.h>

#include "primitives.h"

#define NONCE_MOST 24

uint64_t copies_mark(const uint8_t key[static 16], uint8_t path_kind, const uint8_t *nonce, size_t len)
{
    uint8_t in[1 + NONCE_MOST] = {path_kind};
    memcpy(in + 1, nonce, len < NONCE_MOST ? len : NONCE_MOST);
    uint64_t mark = primitives_short_hash(key, in, sizeof in);
    return mark == 0 ? 1 : mark;
}

bool copies_seen(const struct copies *c, uint64_t mark)
{
    return c->marks[mark % COPIES_KEPT] == mark;
}

void copies_keep(struct copies *c, uint64_t mark)
{
    c->marks[mark % COPIES_KEPT] = mark;
}
