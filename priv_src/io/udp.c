#include "udp.h"

#include "udp_system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRIVATE   0 /* socket 0 is the private one; the shared ones follow */
#define BROADCAST 1 /* where there is broadcast, this one is for it */

struct membership {
    struct interface interface;
    size_t socket;         /* the shared socket that has joined */
    int trouble;           /* errno of the last multicast, 0: it went out */
    int broadcast_trouble; /* the same of the last broadcast */
    bool broadcasts;       /* one was sent, and the last went out */
    bool heard;            /* something came in there, from another host or socket */
};

struct udp {
    struct udp_options options;
    struct log *log;
    struct udp_stats stats;
    size_t first_shared; /* those before it join nothing */
    size_t socket_count;
    int sockets[UDP_SOCKETS_MAX];
    uint16_t port; /* of the private one */
    size_t count;
    struct membership joined[INTERFACES_MAX];
    struct interface public[INTERFACES_MAX]; /* what udp_interfaces shows */
    size_t refused_count;
    struct interface refused[INTERFACES_MAX]; /* told already that they cannot be joined */
    bool reaches_more;
    bool addresses_changed;
    struct subnets subnets;
    int unicast_trouble;   /* EPERM or EACCES: a firewall of this host; else 0 */
    struct addr forbidden; /* to whom; others may be allowed */
};

/* Is it bound, then it is one of ours; else it is closed: joined on, it would hear nothing. */
static int bound_or_close(struct udp *u, int fd, int bound)
{
    if (bound == 0) {
        u->sockets[u->socket_count++] = fd;
        return 0;
    }
    int trouble = errno;
    (void)close(fd);
    errno = trouble;
    return -1;
}

/* The first free port of those that are wanted. Where none is, any: a firewall may keep unicast away then, of
 * which joining is slower, and to end would be worse. The owner sees which it is, and tells. */
static int bind_alone(const struct udp *u, int fd)
{
    const struct udp_options *o = &u->options;
    for (uint32_t port = o->unicast_first; port > 0 && port <= o->unicast_last; port++) {
        if (udp_system_bind_alone(fd, o->group.family, (uint16_t)port) == 0) {
            return 0;
        }
    }
    return udp_system_bind_alone(fd, o->group.family, 0);
}

static int open_private(struct udp *u, struct fault *fault)
{
    uint32_t granted;
    int fd = udp_system_open(u->options.group.family, false, u->options.ttl, &granted);
    if (fd < 0 || bound_or_close(u, fd, bind_alone(u, fd)) != 0) {
        return fault_set(fault, FAULT_NETWORK, "a UDP socket cannot be opened: %s", strerror(errno));
    }
    u->port = udp_system_port(fd);
    return 0;
}

static int port_fault(const struct udp *u, struct fault *fault)
{
    unsigned port = u->options.group.port;
    if (errno == EADDRINUSE) {
        return fault_set(fault, FAULT_PORT_TAKEN,
                         "UDP port %u is held by a program that does not share it; stop that program (`ss "
                         "-ulpn` names it), or give every node of the cluster another port",
                         port);
    }
    if (errno == EACCES) {
        return fault_set(fault, FAULT_NETWORK,
                         "UDP port %u may not be used by this user; choose one above 1023", port);
    }
    return fault_set(fault, FAULT_NETWORK, "UDP port %u cannot be bound: %s", port, strerror(errno));
}

static int open_shared(struct udp *u, struct fault *fault)
{
    int fd = udp_system_open(u->options.group.family, true, u->options.ttl, &u->stats.receive_buffer);
    if (fd < 0) {
        return fault_set(fault, FAULT_NETWORK, "a UDP socket cannot be opened: %s", strerror(errno));
    }
    if (bound_or_close(u, fd, udp_system_bind_shared(fd, &u->options.group)) == 0) {
        return 0;
    }
    return port_fault(u, fault);
}

static int open_broadcast(struct udp *u, struct fault *fault)
{
    uint32_t granted;
    int fd = udp_system_open(u->options.group.family, true, u->options.ttl, &granted);
    if (fd < 0) {
        return fault_set(fault, FAULT_NETWORK, "a UDP socket cannot be opened: %s", strerror(errno));
    }
    if (bound_or_close(u, fd, udp_system_bind_broadcast(fd, u->options.group.port)) == 0) {
        return 0;
    }
    if (errno == EOPNOTSUPP) {
        return fault_set(
            fault, FAULT_BAD_CONFIG,
            "broadcast is true, but there is broadcast on Linux alone; on this system it must be "
            "false");
    }
    return port_fault(u, fault);
}

struct udp *udp_open(const struct udp_options *options, struct log *log, struct fault *fault)
{
    struct udp *u = calloc(1, sizeof *u);
    if (u == NULL) {
        (void)fault_set(fault, FAULT_MEMORY, "memory is short");
        return NULL;
    }
    u->options = *options;
    u->log = log;
    u->options.broadcast = options->broadcast && options->ttl > 0;
    u->first_shared = u->options.broadcast ? BROADCAST + 1 : PRIVATE + 1;
    if (open_private(u, fault) != 0 || (u->options.broadcast && open_broadcast(u, fault) != 0) ||
        open_shared(u, fault) != 0) {
        udp_close(u);
        return NULL;
    }
    return u;
}

void udp_close(struct udp *u)
{
    if (u == NULL) {
        return;
    }
    /* Closing a socket leaves its groups. */
    for (size_t i = 0; i < u->socket_count; i++) {
        (void)close(u->sockets[i]);
    }
    free(u);
}

static const struct interface *find(const struct interface *items, size_t count,
                                    const struct interface *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].index == wanted->index) {
            return &items[i];
        }
    }
    return NULL;
}

static bool listed(const struct interface *items, size_t count, const struct interface *wanted)
{
    return find(items, count, wanted) != NULL;
}

/* A socket says EADDRINUSE of an interface that was deleted, and made again under its number, while nobody
 * looked: it counts it as joined, and hears nothing there. */
static int join_on(const struct udp *u, int fd, const struct interface *interface)
{
    if (udp_system_join(fd, &u->options.group, &interface->addr) == 0) {
        return 0;
    }
    if (errno != EADDRINUSE) {
        return -1;
    }
    (void)udp_system_leave(fd, &u->options.group, &interface->addr);
    return udp_system_join(fd, &u->options.group, &interface->addr);
}

/* Joins on the first shared socket that has room, or on a new one: 0 and the socket, or -1 and errno. */
static int join(struct udp *u, const struct interface *interface, size_t *socket)
{
    for (size_t i = u->first_shared; i < u->socket_count; i++) {
        *socket = i;
        if (join_on(u, u->sockets[i], interface) == 0) {
            return 0;
        }
        if (errno != ENOBUFS) { /* ENOBUFS: this socket has its fill of memberships */
            return -1;
        }
    }
    errno = ENOBUFS;
    struct fault fault;
    if (u->socket_count == u->first_shared + UDP_SHARED_MAX || open_shared(u, &fault) != 0) {
        return -1;
    }
    *socket = u->socket_count - 1;
    return udp_system_join(u->sockets[*socket], &u->options.group, &interface->addr);
}

static void leave_missing(struct udp *u, const struct interface_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->count; i++) {
        struct membership *m = &u->joined[i];
        const struct interface *now = find(list->items, list->count, &m->interface);
        if (now != NULL) {
            u->reaches_more = u->reaches_more || (now->running && !m->interface.running);
            if (!addr_same(&now->addr, &m->interface.addr)) {
                m->trouble = m->broadcast_trouble = 0; /* from there nothing was sent yet */
                m->broadcasts = false;
            }
            m->interface = *now;
            u->joined[kept++] = *m;
        } else { /* fails when the interface is gone, and the membership with it */
            (void)udp_system_leave(u->sockets[m->socket], &u->options.group, &m->interface.addr);
        }
    }
    u->count = kept;
    memset(&u->joined[kept], 0, (INTERFACES_MAX - kept) * sizeof u->joined[0]);
}

static void join_new(struct udp *u, const struct interface *interface, struct interface *refused,
                     size_t *refused_count)
{
    if (listed(u->public, u->count, interface)) {
        return;
    }
    struct membership m = {.interface = *interface};
    if (join(u, interface, &m.socket) == 0) {
        u->public[u->count] = *interface;
        u->joined[u->count++] = m;
        u->reaches_more = true;
        return;
    }
    if (!listed(u->refused, u->refused_count, interface)) {
        log_line(u->log, LEVEL_WARNING, "multicast cannot be received on interface %s: %s", interface->name,
                 strerror(errno));
    }
    refused[(*refused_count)++] = *interface;
}

size_t udp_set_interfaces(struct udp *u, const struct interface_list *list)
{
    leave_missing(u, list);
    for (size_t i = 0; i < u->count; i++) {
        u->public[i] = u->joined[i].interface;
    }
    struct interface refused[INTERFACES_MAX];
    size_t refused_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        join_new(u, &list->items[i], refused, &refused_count);
    }
    memcpy(u->refused, refused, refused_count * sizeof refused[0]);
    u->refused_count = refused_count;
    return u->count;
}

bool udp_reaches_more(struct udp *u)
{
    bool more = u->reaches_more;
    u->reaches_more = false;
    return more;
}

void udp_forget(struct udp *u, uint32_t index)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->count; i++) {
        const struct membership *m = &u->joined[i];
        if (index != 0 && m->interface.index != index) {
            u->public[kept] = m->interface;
            u->joined[kept++] = *m;
        } else {
            (void)udp_system_leave(u->sockets[m->socket], &u->options.group, &m->interface.addr);
        }
    }
    u->count = kept;
}

void udp_report(struct udp *u)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->count; i++) {
        const struct membership *m = &u->joined[i];
        (void)udp_system_leave(u->sockets[m->socket], &u->options.group, &m->interface.addr);
        if (join_on(u, u->sockets[m->socket], &m->interface) == 0) {
            u->public[kept] = m->interface;
            u->joined[kept++] = *m;
        }
    }
    u->count = kept;
}

size_t udp_addresses(struct udp *u, struct addr *out, size_t most)
{
    size_t count = 0;
    u->addresses_changed = false;
    for (int heard = 1; heard >= 0; heard--) {
        for (size_t i = 0; i < u->count && count < most; i++) {
            if (u->joined[i].heard == (heard == 1)) {
                out[count] = u->joined[i].interface.addr;
                out[count++].port = u->port;
            }
        }
    }
    return count;
}

bool udp_addresses_changed(const struct udp *u)
{
    return u->addresses_changed;
}

/* Its own multicasts come back to it. */
static void note_heard(struct udp *u, const struct addr *from)
{
    for (size_t i = 0; i < u->count; i++) {
        struct membership *m = &u->joined[i];
        if (m->interface.index != from->ifindex || m->heard) {
            continue;
        }
        if (from->port != u->port || !addr_same_host(from, &m->interface.addr)) {
            m->heard = u->addresses_changed = true;
        }
    }
}

const struct interface *udp_interfaces(const struct udp *u, size_t *count)
{
    *count = u->count;
    return u->public;
}

size_t udp_usable(const struct udp *u, struct interface out[static INTERFACES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < u->count; i++) {
        if (u->joined[i].trouble == 0 || u->joined[i].broadcasts) {
            out[count++] = u->joined[i].interface;
        }
    }
    return count;
}

size_t udp_descriptors(const struct udp *u, struct pollfd *fds)
{
    for (size_t i = 0; i < u->socket_count; i++) {
        fds[i] = (struct pollfd){.fd = u->sockets[i], .events = POLLIN};
    }
    return u->socket_count;
}

void udp_set_subnets(struct udp *u, const struct subnets *subnets)
{
    u->subnets = *subnets;
}

static uint8_t source_of(const struct udp *u, const struct addr *from)
{
    if (subnets_broadcast(&u->subnets, from)) {
        return SOURCE_NOBODY;
    }
    return u->options.ttl <= 1 && !subnets_near(&u->subnets, from) ? SOURCE_FAR : SOURCE_NEAR;
}

/* The broadcast socket takes them on every interface, also on those that are not to be used. */
static bool is_joined(const struct udp *u, uint32_t index)
{
    return find(u->public, u->count, &(struct interface){.index = index}) != NULL;
}

int udp_receive(struct udp *u, size_t i, struct path *from, uint8_t out[static DATAGRAM_MAX], size_t *len)
{
    struct udp_arrival arrival = {0};
    int n = udp_system_receive(u->sockets[i], i != PRIVATE, out, DATAGRAM_MAX, &arrival);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 0;
    }
    if (n < 0) {
        u->stats.receive_errors += errno != EINTR;
        return -1;
    }
    if (arrival.cut) {
        u->stats.oversized++;
        return -1;
    }
    if (u->options.broadcast && i == BROADCAST && !is_joined(u, arrival.from.ifindex)) {
        return -1;
    }
    *from = (struct path){.kind = arrival.destination, .addr = arrival.from, .local = arrival.to};
    from->local.port = i == PRIVATE ? u->port : u->options.group.port;
    if (from->addr.ifindex == 0) {
        from->addr.ifindex = subnets_interface(&u->subnets, &from->addr);
    }
    from->source = source_of(u, &from->addr);
    note_heard(u, &from->addr);
    *len = (size_t)n;
    return 1;
}

/* A full queue is a moment, not a state. */
static bool is_moment(int trouble)
{
    return trouble == EAGAIN || trouble == EWOULDBLOCK || trouble == ENOBUFS;
}

/* What multicasting on one interface met; told when it changes. */
static int tell_trouble(struct udp *u, struct membership *m, int trouble)
{
    if (trouble != 0) {
        u->stats.send_errors++;
    }
    if (is_moment(trouble)) {
        return -1;
    }
    if (trouble != 0 && m->trouble != trouble) {
        log_line(u->log, LEVEL_WARNING, "multicast cannot be sent on interface %s: %s", m->interface.name,
                 strerror(trouble));
    }
    if (trouble == 0 && m->trouble != 0) {
        log_line(u->log, LEVEL_INFO, "multicast is sent on interface %s again", m->interface.name);
    }
    m->trouble = trouble;
    return trouble == 0 ? 0 : -1;
}

/* The same of broadcasting. Where multicast has the same trouble, its line has said it. */
static int tell_broadcast(struct udp *u, struct membership *m, int trouble)
{
    if (trouble != 0) {
        u->stats.send_errors++;
    }
    if (is_moment(trouble)) {
        return -1;
    }
    if (trouble != 0 && m->broadcast_trouble != trouble && m->trouble != trouble) {
        log_line(u->log, LEVEL_WARNING, "broadcast cannot be sent on interface %s: %s", m->interface.name,
                 strerror(trouble));
    }
    m->broadcast_trouble = trouble;
    m->broadcasts = trouble == 0;
    return trouble == 0 ? 0 : -1;
}

static int send_on(struct udp *u, struct membership *m, const uint8_t *data, size_t len)
{
    int fd = u->sockets[PRIVATE];
    const struct addr *local = &m->interface.addr;
    int sent = udp_system_multicast(fd, &u->options.group, local, data, len);
    int result = tell_trouble(u, m, sent == 0 ? 0 : errno);
    if (u->options.broadcast && m->interface.broadcast) {
        sent = udp_system_broadcast(fd, u->options.group.port, local, data, len);
        if (tell_broadcast(u, m, sent == 0 ? 0 : errno) == 0) {
            result = 0;
        }
    }
    return result;
}

static int send_group(struct udp *u, uint32_t ifindex, const uint8_t *data, size_t len)
{
    int result = -1;
    for (size_t i = 0; i < u->count; i++) {
        struct membership *m = &u->joined[i];
        if ((ifindex == 0 || ifindex == m->interface.index) && send_on(u, m, data, len) == 0) {
            result = 0;
        }
    }
    return result;
}

/* Does the routing table not know the way, though the peer has been heard through an interface? */
static bool unrouted(const struct addr *to, int trouble)
{
    return to->ifindex != 0 &&
           (trouble == ENETUNREACH || trouble == EHOSTUNREACH || trouble == EADDRNOTAVAIL);
}

/* It exists on every link, so the link must be named. */
static bool must_name_link(const struct addr *to)
{
    return addr_is_link_local(to) && to->ifindex != 0;
}

static int send_unicast(struct udp *u, const struct addr *to, const uint8_t *data, size_t len)
{
    int fd = u->sockets[PRIVATE];
    int trouble = udp_system_unicast(fd, to, must_name_link(to), data, len) == 0 ? 0 : errno;
    if (unrouted(to, trouble)) {
        trouble = udp_system_unicast(fd, to, true, data, len) == 0 ? 0 : errno;
    }
    if (trouble != 0) {
        u->stats.send_errors++;
    }
    /* A peer that is not reachable is the core's business. A firewall on this very host is a person's. */
    if ((trouble == EPERM || trouble == EACCES) && u->unicast_trouble == 0) {
        log_line(u->log, LEVEL_WARNING, "a firewall of this host forbids sending UDP to peers: %s",
                 strerror(trouble));
        u->unicast_trouble = trouble;
        u->forbidden = *to;
    }
    if (trouble == 0 && u->unicast_trouble != 0 && addr_same(to, &u->forbidden)) {
        log_line(u->log, LEVEL_INFO, "sending UDP to peers is allowed again");
        u->unicast_trouble = 0;
    }
    return trouble == 0 ? 0 : -1;
}

int udp_send(struct udp *u, const struct path *to, const uint8_t *data, size_t len)
{
    if (to->kind == PATH_GROUP) {
        return send_group(u, to->addr.ifindex, data, len);
    }
    if (to->addr.family != u->options.group.family || to->addr.port == 0 ||
        subnets_broadcast(&u->subnets, &to->addr)) {
        u->stats.send_errors++;
        return -1;
    }
    return send_unicast(u, &to->addr, data, len);
}

uint16_t udp_port(const struct udp *u)
{
    return u->port;
}

bool udp_is_own(const struct addr *a)
{
    return addr_is_loopback(a) || udp_system_is_own(a);
}

bool udp_troubled(const struct udp *u)
{
    for (size_t i = 0; i < u->count; i++) {
        if (u->joined[i].trouble != 0) {
            return true;
        }
    }
    return false;
}

struct udp_stats udp_stats(const struct udp *u)
{
    return u->stats;
}
