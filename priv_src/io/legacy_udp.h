/* The socket of libcluster's wire: one, which sends and receives at the group's port, as libcluster's own
 * does, and shares it with that, with other nodes of this host, and with our own group if that has the same.
 * IPv4 alone, as there. */
#ifndef GOSSIP_LEGACY_UDP_H
#define GOSSIP_LEGACY_UDP_H

#include "interfaces.h"

#define LEGACY_INTERFACES 20 /* one socket's worth of memberships: Linux's net.ipv4.igmp_max_memberships */

struct legacy_udp {
    int fd; /* owned */
    struct addr group;
    size_t count;
    struct interface joined[LEGACY_INTERFACES];
};

/* Opens it, and joins nothing yet: 0, or -1 and errno. */
int legacy_udp_open(struct legacy_udp *u, const struct addr *group, uint8_t ttl);
void legacy_udp_close(struct legacy_udp *u);

/* Joins the group on these interfaces, and leaves it on all others. `anew`: also leaves, and joins again,
 * where it is joined. A membership ends with its interface, which may be back under the same number. */
void legacy_udp_set(struct legacy_udp *u, const struct interface *interfaces, size_t count, bool anew);

/* Sends to the group, on each interface where it is joined. Returns how many took it. */
size_t legacy_udp_send(const struct legacy_udp *u, const uint8_t *data, size_t len);

/* Takes a datagram of at most `room` bytes: 1, and its length. Nothing there: 0. Something was there that is
 * longer, or an error: -1; try again. */
int legacy_udp_receive(const struct legacy_udp *u, uint8_t *out, size_t room, size_t *len);

#endif
