#include "state/peer.h"

#include <string.h>

/* Where it stands in the peer's set; addr_count: it does not. */
static size_t place_of(const struct peer *p, const struct addr *a)
{
    size_t at = 0;
    while (at < p->addr_count && !addr_same(&p->addrs[at], a)) {
        at++;
    }
    return at;
}

bool peer_has_address(const struct peer *p, const struct addr *a)
{
    return place_of(p, a) < p->addr_count;
}

void peer_reached(struct peer *p, const struct addr *a)
{
    size_t at = place_of(p, a);
    if (at < p->addr_count) {
        p->reached = (uint8_t)(p->reached | 1u << at);
    }
}

bool peer_is_reached(const struct peer *p, const struct addr *a)
{
    size_t at = place_of(p, a);
    return at < p->addr_count && (p->reached >> at & 1) != 0;
}

/* The bits of a set of addresses, of which the one at `at` comes to the front with this bit. */
static uint8_t to_front(uint8_t bits, size_t at, bool bit)
{
    unsigned before = bits & ((1u << at) - 1), behind = (unsigned)bits >> (at + 1);
    return (uint8_t)(behind << (at + 1) | before << 1 | (bit ? 1u : 0u));
}

/* The same bits, with none at place 1, where an address comes in between. */
static uint8_t between(uint8_t bits)
{
    return (uint8_t)((bits & 1u) | (((unsigned)bits & ~1u) << 1 & ((1u << PEER_ADDRS) - 1)));
}

bool peer_address(struct peer *p, const struct addr *a)
{
    size_t at = place_of(p, a);
    bool fresh = at == p->addr_count;
    if (fresh && p->addr_count == 1) {
        p->path_heard[0] = p->direct; /* it had but one */
    }
    if (fresh && p->addr_count < PEER_ADDRS) {
        p->addr_count++;
    }
    if (at == PEER_ADDRS) {
        at--; /* the one not heard for longest gives way */
    }
    int64_t heard = fresh ? 0 : p->path_heard[at];
    memmove(&p->addrs[1], &p->addrs[0], at * sizeof p->addrs[0]);
    memmove(&p->path_heard[1], &p->path_heard[0], at * sizeof p->path_heard[0]);
    p->addrs[0] = *a;
    p->path_heard[0] = heard;
    p->hearsay = to_front(p->hearsay, at, false);
    p->reached = to_front(p->reached, at, !fresh && (p->reached >> at & 1) != 0);
    return fresh;
}

bool peer_beside(struct peer *p, const struct addr *a)
{
    if (p->addr_count == 0) {
        return peer_address(p, a);
    }
    if (peer_has_address(p, a)) {
        return false;
    }
    if (p->addr_count == 1) {
        p->path_heard[0] = p->direct; /* it had but one */
    }
    p->addr_count = (uint8_t)(p->addr_count < PEER_ADDRS ? p->addr_count + 1 : PEER_ADDRS);
    size_t behind = p->addr_count - 2;
    memmove(&p->addrs[2], &p->addrs[1], behind * sizeof p->addrs[0]);
    memmove(&p->path_heard[2], &p->path_heard[1], behind * sizeof p->path_heard[0]);
    p->addrs[1] = *a;
    p->path_heard[1] = 0;
    p->hearsay = between(p->hearsay);
    p->reached = between(p->reached);
    return true;
}

void peer_heard_at(struct peer *p, const struct addr *a, int64_t now)
{
    size_t at = p->addr_count > 1 ? place_of(p, a) : p->addr_count;
    if (at < p->addr_count) {
        p->path_heard[at] = now;
    }
}

void peer_hearsay(struct peer *p, const struct addr *a)
{
    if (p->addr_count < PEER_ADDRS && !peer_has_address(p, a)) {
        p->hearsay = (uint8_t)(p->hearsay | 1u << p->addr_count);
        p->path_heard[p->addr_count] = 0;
        p->addrs[p->addr_count++] = *a;
    }
}

bool peer_told(struct peer *p, const struct addr *addrs, size_t count)
{
    struct addr left[PEER_ADDRS];
    uint8_t kept = 0, reached = 0, hearsay = 0;
    bool changed = false;
    for (uint8_t i = 0; i < p->addr_count && count > 0; i++) {
        if (addr_among(&p->addrs[i], addrs, count)) {
            reached = (uint8_t)(reached | ((unsigned)p->reached >> i & 1u) << kept);
            hearsay = (uint8_t)(hearsay | ((unsigned)p->hearsay >> i & 1u) << kept);
            p->path_heard[kept] = p->path_heard[i]; /* never ahead of what is read */
            left[kept++] = p->addrs[i];
        }
    }
    if (count == 0) {
        return false;
    }
    changed = kept < p->addr_count;
    memcpy(p->addrs, left, kept * sizeof left[0]);
    p->addr_count = kept;
    p->hearsay = hearsay;
    p->reached = reached;
    for (size_t i = 0; i < count; i++) {
        peer_hearsay(p, &addrs[i]);
    }
    return changed || p->addr_count > kept;
}

bool peer_own_word(struct peer *p, const struct addr *own, size_t count)
{
    struct addr left[PEER_ADDRS];
    uint8_t kept = 0, reached = 0;
    for (uint8_t i = 0; i < p->addr_count; i++) {
        if ((p->hearsay >> i & 1) == 0 || addr_among(&p->addrs[i], own, count)) {
            reached = (uint8_t)(reached | ((unsigned)p->reached >> i & 1u) << kept);
            p->path_heard[kept] = p->path_heard[i]; /* never ahead of what is read */
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
    p->reached = reached;
    return fewer;
}
