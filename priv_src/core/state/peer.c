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

/* The bits of a set of addresses, of which the one at `from` comes to `to`, before it, with this bit. */
static uint8_t moved(uint8_t bits, size_t from, size_t to, bool bit)
{
    unsigned before = (1u << to) - 1, until = (1u << from) - 1, behind = (unsigned)bits >> (from + 1);
    return (uint8_t)(behind << (from + 1) | (bits & until & ~before) << 1 | (bit ? 1u : 0u) << to |
                     (bits & before));
}

/* Puts an address at `to`, which stands at `at` behind that, or nowhere: then, where there is no room, the
 * last gives way, the one not heard for longest. True when it is new. */
static bool put(struct peer *p, const struct addr *a, size_t at, size_t to)
{
    bool fresh = at == p->addr_count;
    if (fresh && p->addr_count == 1) {
        p->path_heard[0] = p->direct; /* it had but one */
    }
    if (fresh && p->addr_count < PEER_ADDRS) {
        p->addr_count++;
    }
    if (at == PEER_ADDRS) {
        at--;
    }
    int64_t heard = fresh ? 0 : p->path_heard[at];
    memmove(&p->addrs[to + 1], &p->addrs[to], (at - to) * sizeof p->addrs[0]);
    memmove(&p->path_heard[to + 1], &p->path_heard[to], (at - to) * sizeof p->path_heard[0]);
    p->addrs[to] = *a;
    p->path_heard[to] = heard;
    p->hearsay = moved(p->hearsay, at, to, false);
    p->reached = moved(p->reached, at, to, !fresh && (p->reached >> at & 1) != 0);
    return fresh;
}

bool peer_address(struct peer *p, const struct addr *a)
{
    return put(p, a, place_of(p, a), 0);
}

bool peer_beside(struct peer *p, const struct addr *a)
{
    size_t at = place_of(p, a);
    return at == p->addr_count && put(p, a, at, at > 0 ? 1 : 0);
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

/* A bit for each of its addresses that is among these. */
static unsigned places_of(const struct peer *p, const struct addr *addrs, size_t count)
{
    unsigned places = 0;
    for (uint8_t i = 0; i < p->addr_count; i++) {
        places |= (addr_among(&p->addrs[i], addrs, count) ? 1u : 0u) << i;
    }
    return places;
}

/* Forgets its addresses but for those at these places. True when there were others. */
static bool keep(struct peer *p, unsigned places)
{
    uint8_t kept = 0, reached = 0, hearsay = 0;
    for (uint8_t i = 0; i < p->addr_count; i++) {
        if ((places >> i & 1u) != 0) {
            reached = (uint8_t)(reached | ((unsigned)p->reached >> i & 1u) << kept);
            hearsay = (uint8_t)(hearsay | ((unsigned)p->hearsay >> i & 1u) << kept);
            p->path_heard[kept] = p->path_heard[i]; /* never ahead of what is read */
            p->addrs[kept++] = p->addrs[i];
        }
    }
    bool fewer = kept < p->addr_count;
    p->addr_count = kept;
    p->hearsay = hearsay;
    p->reached = reached;
    return fewer;
}

bool peer_told(struct peer *p, const struct addr *addrs, size_t count)
{
    if (count == 0) {
        return false;
    }
    bool fewer = keep(p, places_of(p, addrs, count));
    uint8_t kept = p->addr_count;
    for (size_t i = 0; i < count; i++) {
        peer_hearsay(p, &addrs[i]);
    }
    return fewer || p->addr_count > kept;
}

bool peer_own_word(struct peer *p, const struct addr *own, size_t count)
{
    unsigned all = (1u << p->addr_count) - 1,
             places = (all & ~(unsigned)p->hearsay) | places_of(p, own, count);
    if (places == 0) { /* its own cannot be heard from, yet: it must be asked somewhere whether it lives */
        return false;
    }
    bool fewer = keep(p, places);
    p->hearsay = 0;
    return fewer;
}
