/* The sockets. Several, so that both families, and more than one socket's worth of memberships, have room:
 *
 *   shared   bound to the group's address and port with address reuse, as several nodes and clusters on one
 *            host have it at the same time; joins the group on each interface. Takes what goes to the group
 *            and nothing else. Of IPv6 one an interface, for the group is another one on each link, and a
 *            socket that is bound to all addresses would take unicast, too.
 *   broadcast one, where the option is set: bound to 255.255.255.255 and the group's port. What goes to the
 *            group goes there, too, on each joined interface that can broadcast, and is taken from these.
 *   private  one of each family, bound to a port of its own, the same for both: everything is sent from it,
 *            so unicast answers find this process and no other.
 *
 * What goes to the group goes out over IPv4 first, then over IPv6: the same datagram, whose second copy is
 * dropped where both arrive. A system without IPv6 has no sockets of it, and no trouble.
 *
 * The port of a private socket may be that of another cluster's group: whoever was there first, each hears
 * what is its own.
 *
 * Everything is non-blocking. Trouble with sending is the network's normal life: counted, told once a state,
 * never fatal. What a flood brings that bears no key of the ring the kernel drops: filter.h. */
#ifndef GOSSIP_UDP_H
#define GOSSIP_UDP_H

#include "effect.h"
#include "fault.h"
#include "filter.h"
#include "interfaces.h"
#include "log.h"
#include "subnets.h"

#include <poll.h>

#define UDP_SHARED_MAX  8 /* of IPv4: Linux joins 20 groups on one (net.ipv4.igmp_max_memberships) */
#define UDP_SOCKETS_MAX (UDP_SHARED_MAX + 2 + INTERFACES_MAX + 1)

#define UDP_BATCH 32 /* datagrams that one call takes at most */

struct udp_options {
    struct addr group;  /* of IPv4, with its port */
    struct addr group6; /* of IPv6 and link-local scope, at the same port; no family: IPv4 alone */
    uint8_t ttl;
    bool broadcast; /* beside multicast; not with a TTL of 0, which keeps to this host */
    uint16_t unicast_first, unicast_last; /* the private port is the first free of these, else any; 0: any */
};

struct udp_stats {
    uint64_t send_errors; /* datagrams that the system did not take */
    uint64_t receive_errors;
    uint64_t oversized;      /* datagrams over DATAGRAM_MAX: not ours, dropped */
    uint32_t receive_buffer; /* bytes that the kernel granted the shared socket */
    uint64_t overflowed;     /* datagrams that the kernel dropped while it filtered nothing: it had no room */
    uint64_t filtered;       /* and while it did: of a flood under no key of ours, or it had no room */
};

struct udp;

/* Opens the sockets and joins nothing yet. `log` must outlive it. NULL and a fault when it cannot be. */
struct udp *udp_open(const struct udp_options *options, struct log *log, struct fault *fault);

/* Leaves, closes, frees. NULL is allowed. */
void udp_close(struct udp *u);

/* Joins what is new in `list` and leaves what is no longer in it, by the interfaces' numbers and the families
 * of their addresses; what has another name or address now keeps its membership, as the kernel does. What
 * cannot be joined is told once and stays out. Returns how many interfaces are joined now. */
size_t udp_set_interfaces(struct udp *u, const struct interface_list *list);

/* Whether, since the last call, one was joined, has its carrier back, or another hardware address: somebody
 * may be there who has not heard of this member yet, or who sends to where it was. */
bool udp_reaches_more(struct udp *u);

/* The interface of this number was deleted (0: any of them may have been), and the kernel's membership with
 * it, though the socket still counts it as joined, for whatever bears that number next. It is left, so that
 * the next udp_set_interfaces can join. */
void udp_forget(struct udp *u, uint32_t index);

/* Leaves the group on each interface, and joins it again, so that the system reports it to the network anew:
 * a switch that snoops (RFC 4541) forgets who was not asked for long. It also mends a membership that the
 * kernel has lost and the socket still counts. The system says nothing as long as another socket of this host
 * is in the group: so all of them must be out at one time, between the two. The interfaces count as joined
 * meanwhile. What cannot be joined again is left to the next udp_set_interfaces. */
void udp_step_out(struct udp *u);
void udp_step_in(struct udp *u);

/* Which addresses are on which link: the masks of this host's interfaces. Until it is called, nothing is
 * known of that. */
void udp_set_subnets(struct udp *u, const struct subnets *subnets);

/* The interfaces joined now, valid until the next udp_set_interfaces; `count` is set. */
const struct interface *udp_interfaces(const struct udp *u, size_t *count);

/* The endpoints that this process sends from and is reached at, the private port on each of them, at most
 * `most`; their number. First come those of interfaces on which anything was heard from others, for a host
 * may have many bridges on which nobody is; and of each family that there is one is told.
 * `udp_addresses_changed`: whether they may be others since the last udp_addresses. */
size_t udp_addresses(struct udp *u, struct addr *out, size_t most);
bool udp_addresses_changed(const struct udp *u);

/* Those of them on which the last multicast, or the last broadcast, went out, or none was sent yet, into
 * `out`; their number. */
size_t udp_usable(const struct udp *u, struct interface out[static INTERFACES_MAX]);

/* Fills in the descriptors to poll for input, UDP_SOCKETS_MAX at most, and returns their number; entry i is
 * socket i. */
size_t udp_descriptors(const struct udp *u, struct pollfd *fds);

/* Takes what waits in socket i, `most` datagrams at most and UDP_BATCH: their number, fewer than that where
 * there are no more, 0 where there is none, or -1 where something else was wrong; try again. They are valid
 * until the next udp_take. */
int udp_take(struct udp *u, size_t i, size_t most);

/* The n-th of those taken last, of up to DATAGRAM_MAX bytes; `from` says by which way it came, and from whom.
 * False: it is not for us (too large, or by an interface that is not in use). To be called once for each of
 * them, for it counts. */
bool udp_taken(struct udp *u, size_t n, struct path *from, const uint8_t **data, size_t *len);

/* Sends to the group (on all joined interfaces, or the one that the path names; over both families, or the
 * one that the path's address has) or to one endpoint: 0 if the system took it at least once, -1 if not. */
int udp_send(struct udp *u, const struct path *to, const uint8_t *data, size_t len);

/* The private port: everything comes from it. Where no port is free for both families, that of IPv4. */
uint16_t udp_port(const struct udp *u);

/* Whether this host has that address. */
bool udp_is_own(const struct addr *a);

/* Did the last send fail on any joined interface? Then it may be gone, or have another address: time for a
 * new list. */
bool udp_troubled(const struct udp *u);

/* Whether nothing that is sent to the group arrives on this interface, not even what this process has sent
 * last. It proves that this host itself does not let it in, or has not joined; nothing of the network. */
bool udp_closed(const struct udp *u, uint32_t index);

/* The keys of this ring are ours from now on, and no others. Until it is called nothing is filtered. */
void udp_set_ring(struct udp *u, const struct keyring *ring);

/* Counters since the start. */
struct udp_stats udp_stats(struct udp *u);

#endif
