/* The sockets that reach one group: udp.h says what each of them is for. udp.c and memberships.c alone use
 * it.
 */
#ifndef GOSSIP_TRANSPORT_H
#define GOSSIP_TRANSPORT_H

#include "udp.h"

enum socket_kind { SOCKET_PRIVATE = 1, SOCKET_BROADCAST, SOCKET_SHARED };

struct transport {
    struct addr group; /* address and port; its family is that of all its sockets */
    uint8_t ttl;
    bool broadcast;
    uint16_t unicast_first, unicast_last;
    uint16_t port;           /* of the private socket, which is the first */
    uint32_t receive_buffer; /* bytes that the kernel granted the shared one opened last */
    size_t count;
    struct {
        int fd; /* owned */
        uint8_t kind;
    } sockets[UDP_SOCKETS_MAX];
};

/* Opens the sockets for `group`, and joins nothing yet. 0, or -1 and a fault; to be closed then, too. Zeroed
 * memory is closed. */
int transport_open(struct transport *t, const struct addr *group, const struct udp_options *options,
                   struct fault *fault);
void transport_close(struct transport *t);

/* The private socket. */
int transport_private(const struct transport *t);

/* Joins on the first shared socket that has room, or on a new one: 0 and the socket, or -1 and errno. Where a
 * socket still counts an interface as joined which was deleted, and made again under its number, it leaves
 * that before. */
int transport_join(struct transport *t, const struct interface *interface, size_t *socket);

/* Leaves and joins again, on the same socket: 0, or -1 and errno; it has left then. */
int transport_rejoin(const struct transport *t, const struct interface *interface, size_t socket);

/* Fails when the interface is gone, and the kernel's membership with it: the socket's own is gone all the
 * same. */
void transport_leave(const struct transport *t, const struct interface *interface, size_t socket);

#endif
