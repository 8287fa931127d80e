/* What each system does in its own way with a UDP socket; the rooms of io alone use it. All functions return
 * -1 and errno on failure. The portable twin asks for nothing beyond POSIX, RFC 3678 and what every BSD has.
 */
#ifndef GOSSIP_UDP_SYSTEM_H
#define GOSSIP_UDP_SYSTEM_H

#include "udp.h"

struct sockaddr;

struct udp_arrival {
    struct addr from;    /* its ifindex: the interface it came in by, 0 where the system does not tell */
    uint8_t destination; /* enum path_kind */
    struct addr to; /* where it was sent to, without the port; no family where the system does not tell */
    bool cut;       /* it was longer than the room */
};

struct udp_datagram {
    struct udp_arrival arrival;
    size_t len;
    uint8_t data[DATAGRAM_MAX];
};

/* A non-blocking, close-on-exec socket of the family, and of no other, that tells of each datagram where it
 * came in. `shared`: it will share its port with others of the kind, and with one that is bound alone. `ttl`:
 * of what it multicasts; IPv6 calls it the hop limit. Asks for a large receive buffer; what was granted is in
 * `receive_buffer`. Returns the descriptor. */
int udp_system_open(uint8_t family, bool shared, uint8_t ttl, uint32_t *receive_buffer);

/* Binds a shared socket: it takes what is sent to the group, at its port, and nothing else. A group of IPv6
 * names its interface, since each link has one of its own, and the socket hears that one alone. */
int udp_system_bind_shared(int fd, const struct addr *group);

/* Binds to every address of the family at `port` (0: any free one), where nobody else is. Later only shared
 * sockets of this user may be bound there, too, which take nothing away. */
int udp_system_bind_alone(int fd, uint8_t family, uint16_t port);

/* The port that a socket is bound to; 0 if that cannot be told. */
uint16_t udp_system_port(int fd);

/* Whether this host has that address: what goes there starts there. */
bool udp_system_is_own(const struct addr *a);

/* The hardware address that getifaddrs(3) tells of here, its first 8 bytes at most; 0 where this is another
 * address, or the system does not tell. */
uint64_t udp_system_hardware(const struct sockaddr *address);

/* Whether this host may send from that address of its own. One of IPv6 is tentative at first, for one or two
 * seconds: the host asks the link whether another has it (duplicate address detection, RFC 4862). */
bool udp_system_is_ready(const struct addr *a);

/* The number of the interface of this name, or 0. (Not if_nametoindex, which Linux' C libraries make of a
 * Unix socket: the sandbox has none.) */
uint32_t udp_system_interface(const char *name);

/* Joins or leaves `group` on the interface that `local` is on. */
int udp_system_join(int fd, const struct addr *group, const struct addr *local);
int udp_system_leave(int fd, const struct addr *group, const struct addr *local);

/* Closes a socket after a failure; errno stays. */
void udp_system_abandon(int fd);

/* Multicasts out of the interface that `local` is on, from its address. */
int udp_system_multicast(int fd, const struct addr *group, const struct addr *local, const uint8_t *data,
                         size_t len);

/* The same out of each of these interfaces, UDP_BATCH at most; `troubles` gets 0 or errno for each. */
void udp_system_multicast_many(int fd, const struct addr *group, const struct addr *const *locals,
                               size_t count, const uint8_t *data, size_t len, int *troubles);

/* Binds a shared socket: it takes what is broadcast to all hosts of a link, to `port`, and nothing else.
 * Where this is not to be had (on all but Linux): -1 and EOPNOTSUPP. */
int udp_system_bind_broadcast(int fd, uint16_t port);

/* Broadcasts to `port` of all hosts on the link of the interface that `local` is on, from its address: to
 * 255.255.255.255, which no router passes on (RFC 919, section 7). The socket may broadcast for this once
 * only, so that no unicast ever becomes a broadcast. */
int udp_system_broadcast(int fd, uint16_t port, const struct addr *local, const uint8_t *data, size_t len);

/* Sends to one endpoint. `bound`: out of the interface that `to` names, whatever the routing table says. */
int udp_system_unicast(int fd, const struct addr *to, bool bound, const uint8_t *data, size_t len);

/* Has the kernel judge what comes to this socket by these steps; none: no longer. Where the system has no
 * such filter: -1 and EOPNOTSUPP. */
int udp_system_filter(int fd, const struct filter_step *steps, size_t count);

/* How many datagrams the kernel has dropped that were for this socket, modulo 2^32: it had no room for them,
 * or its filter refused them, or their checksum was wrong. 0 where the system does not tell. */
uint32_t udp_system_dropped(int fd);

/* Takes a datagram. `shared`: of a shared socket, which matters where the system does not tell the
 * destination. Returns its length. */
int udp_system_receive(int fd, bool shared, uint8_t *out, size_t room, struct udp_arrival *arrival);

/* Takes as many as there are, `most` at most and UDP_BATCH: their number, 1 or more. Fewer than that: there
 * were no more, or something is wrong, which the next call tells. */
int udp_system_receive_many(int fd, bool shared, struct udp_datagram *out, size_t most);

#endif
