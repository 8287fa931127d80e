/* What the addresses and masks of this host's interfaces tell of a source: whether it is on the link that it
 * came in by, and whether anybody can have it. The kernel gives what anyone writes into a packet. */
#ifndef GOSSIP_SUBNETS_H
#define GOSSIP_SUBNETS_H

#include "addr.h"

#define SUBNETS_MAX 512 /* addresses of one host that are looked at */

/* One address of one interface. Several may be on one interface, and one may be on several. */
struct subnet {
    struct addr addr;  /* its ifindex: the interface */
    struct addr other; /* the other end of a point-to-point link; no family where there is none */
    uint8_t prefix;    /* bits of the mask: up to 32, or 128 */
};

struct subnets {
    size_t count; /* 0: nothing is known */
    struct subnet items[SUBNETS_MAX];
};

/* Adds an address, which names its interface; its mask, and the other end of a point-to-point link, have no
 * family where there is none. What finds no room is left out. */
void subnets_add(struct subnets *s, const struct addr *addr, const struct addr *mask,
                 const struct addr *other);

/* Whether packets for it go to all of a subnet: an IPv4 address with all bits of the host set, or none, for
 * older kernels take that for a broadcast, too. A mask of 31 (RFC 3021) or 32 bits leaves no room for either.
 */
bool subnets_broadcast(const struct subnets *s, const struct addr *a);

/* Whether it is on the link of the interface that it names (0: on that of any): in a subnet of it, at its
 * other end, or an address of this host. When nothing is known, it is. */
bool subnets_near(const struct subnets *s, const struct addr *a);

/* The interface whose link it is on, where the system does not tell; 0: none, or unknown. */
uint32_t subnets_interface(const struct subnets *s, const struct addr *a);

#endif
