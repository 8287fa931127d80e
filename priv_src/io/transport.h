/* The sockets of one family, that reach its group: udp.h says what each of them is for. udp.c, udp_send.c and
 * memberships.c alone use it.
 */
#ifndef GOSSIP_TRANSPORT_H
#define GOSSIP_TRANSPORT_H

#include "udp.h"

enum socket_kind { SOCKET_PRIVATE = 1, SOCKET_BROADCAST, SOCKET_SHARED };

struct transport {
    struct addr group; /* address and port; its family is that of all its sockets. No family: it is closed */
    uint8_t ttl;
    uint16_t port;               /* of the private socket, which is the first */
    uint32_t receive_buffer;     /* bytes that the kernel granted the shared one opened last */
    const struct filter *filter; /* of each socket that is opened; not owned; NULL: none */
    size_t count;
    struct {
        int fd; /* owned */
        uint8_t kind;
        uint32_t dropped; /* as udp_system_dropped has told last */
    } sockets[1 + INTERFACES_MAX];
};

_Static_assert(UDP_SHARED_MAX + 2 <= 1 + INTERFACES_MAX, "each family's sockets have room");

/* Opens the private socket at this port (0: any free one). 0, or -1 and errno; it is closed then. */
int transport_open(struct transport *t, const struct addr *group, uint8_t ttl, uint16_t port);

/* Opens what goes to the group of IPv4 by itself, and to all hosts of a link: 0, or -1 and a fault. */
int transport_open_shared(struct transport *t, struct fault *fault);
int transport_open_broadcast(struct transport *t, struct fault *fault);

/* Closes all there are. Zeroed memory is closed. */
void transport_close(struct transport *t);

/* Has the kernel filter all of them as `filter` is now: 0, or -1 where it did not take it for each. */
int transport_filter(struct transport *t);

/* How many datagrams the kernel has dropped since this was called last. */
uint64_t transport_dropped(struct transport *t);

/* The private socket. */
int transport_private(const struct transport *t);

/* Joins, of IPv4 on the first shared socket that has room, or on a new one, of IPv6 on one for this interface
 * alone: 0 and the socket, or -1 and errno. Where a socket still counts an interface as joined which was
 * deleted, and made again under its number, it leaves that before. */
int transport_join(struct transport *t, const struct interface *interface, int *socket);

/* What that is on a socket: joins the group on the interface that `local` is on; where the socket says
 * EADDRINUSE it leaves before, since it counts a membership that is none. 0, or -1 and errno. */
int transport_join_on(int fd, const struct addr *group, const struct addr *local);

/* Leaves, and joins again, on the same socket, which stays: 0, or -1 and errno; it has left then. */
void transport_step_out(const struct transport *t, const struct interface *interface, int socket);
int transport_step_in(struct transport *t, const struct interface *interface, int socket);

/* Fails when the interface is gone, and the kernel's membership with it: the socket's own is gone all the
 * same. */
void transport_leave(struct transport *t, const struct interface *interface, int socket);

#endif
