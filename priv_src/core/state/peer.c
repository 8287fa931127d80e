#include "state/peer.h"

#include <string.h>

bool peer_has_address(const struct peer *p, const struct addr *a)
{
    for (size_t i = 0; i < p->addr_count; i++) {
        if (addr_same(&p->addrs[i], a)) {
            return true;
        }
    }
    return false;
}

bool peer_address(struct peer *p, const struct addr *a)
{
    size_t at = 0;
    while (at < p->addr_count && !addr_same(&p->addrs[at], a)) {
        at++;
    }
    bool fresh = at == p->addr_count;
    if (fresh && p->addr_count < PEER_ADDRS) {
        p->addr_count++;
    }
    if (at == PEER_ADDRS) {
        at--; /* the one not heard for longest gives way */
    }
    memmove(&p->addrs[1], &p->addrs[0], at * sizeof p->addrs[0]);
    p->addrs[0] = *a;
    uint8_t before = (uint8_t)(p->hearsay & ((1u << at) - 1)), behind = (uint8_t)(p->hearsay >> (at + 1));
    p->hearsay = (uint8_t)((unsigned)behind << (at + 1) | (unsigned)before << 1);
    return fresh;
}

void peer_hearsay(struct peer *p, const struct addr *a)
{
    if (p->addr_count < PEER_ADDRS && !peer_has_address(p, a)) {
        p->hearsay = (uint8_t)(p->hearsay | 1u << p->addr_count);
        p->addrs[p->addr_count++] = *a;
    }
}

static bool among(const struct addr *a, const struct addr *addrs, size_t count)
{
    size_t i = 0;
    while (i < count && !addr_same(&addrs[i], a)) {
        i++;
    }
    return i < count;
}

bool peer_own_word(struct peer *p, const struct addr *own, size_t count)
{
    struct addr left[PEER_ADDRS];
    uint8_t kept = 0;
    for (uint8_t i = 0; i < p->addr_count; i++) {
        if ((p->hearsay >> i & 1) == 0 || among(&p->addrs[i], own, count)) {
            left[kept++] = p->addrs[i];
        }
    }
    bool fewer = kept < p->addr_count;
    if (kept == 0) { /* its own cannot be heard from, yet: it must be asked somewhere whether it lives */
        return false;
    }
    memcpy(p->addrs, left, kept * sizeof left[0]);
    p->addr_count = kept;
    p->hearsay = 0;
    return fewer;
}
