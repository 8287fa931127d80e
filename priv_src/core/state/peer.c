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
    return fresh;
}
