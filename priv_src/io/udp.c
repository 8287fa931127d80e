#include "udp.h"

#include "memberships.h"
#include "udp_system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct udp {
    struct log *log;
    struct udp_stats stats;
    struct transport transport;
    struct memberships memberships;
    struct subnets subnets;
    int unicast_trouble;   /* EPERM or EACCES: a firewall of this host; else 0 */
    struct addr forbidden; /* to whom; others may be allowed */
};

struct udp *udp_open(const struct udp_options *options, struct log *log, struct fault *fault)
{
    struct udp *u = calloc(1, sizeof *u);
    if (u == NULL) {
        (void)fault_set(fault, FAULT_MEMORY, "memory is short");
        return NULL;
    }
    u->log = log;
    u->memberships.log = log;
    u->memberships.transport = &u->transport;
    if (transport_open(&u->transport, &options->group, options, fault) != 0) {
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
    transport_close(&u->transport);
    free(u);
}

size_t udp_set_interfaces(struct udp *u, const struct interface_list *list)
{
    return memberships_set(&u->memberships, list);
}

bool udp_reaches_more(struct udp *u)
{
    bool more = u->memberships.reaches_more;
    u->memberships.reaches_more = false;
    return more;
}

void udp_forget(struct udp *u, uint32_t index)
{
    memberships_forget(&u->memberships, index);
}

void udp_report(struct udp *u)
{
    memberships_report(&u->memberships);
}

size_t udp_addresses(struct udp *u, struct addr *out, size_t most)
{
    return memberships_addresses(&u->memberships, out, most);
}

bool udp_addresses_changed(const struct udp *u)
{
    return u->memberships.addresses_changed;
}

const struct interface *udp_interfaces(const struct udp *u, size_t *count)
{
    *count = u->memberships.count;
    return u->memberships.public;
}

size_t udp_usable(const struct udp *u, struct interface out[static INTERFACES_MAX])
{
    return memberships_usable(&u->memberships, out);
}

size_t udp_descriptors(const struct udp *u, struct pollfd *fds)
{
    const struct transport *t = &u->transport;
    for (size_t i = 0; i < t->count; i++) {
        fds[i] = (struct pollfd){.fd = t->sockets[i].fd, .events = POLLIN};
    }
    return t->count;
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
    return u->transport.ttl <= 1 && !subnets_near(&u->subnets, from) ? SOURCE_FAR : SOURCE_NEAR;
}

int udp_receive(struct udp *u, size_t i, struct path *from, uint8_t out[static DATAGRAM_MAX], size_t *len)
{
    const struct transport *t = &u->transport;
    uint8_t kind = t->sockets[i].kind;
    struct udp_arrival arrival = {0};
    int n = udp_system_receive(t->sockets[i].fd, kind != SOCKET_PRIVATE, out, DATAGRAM_MAX, &arrival);
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
    if (kind == SOCKET_BROADCAST && !memberships_have(&u->memberships, arrival.from.ifindex)) {
        return -1; /* it takes them on every interface, also on those that are not to be used */
    }
    *from = (struct path){.kind = arrival.destination, .addr = arrival.from, .local = arrival.to};
    from->local.port = kind == SOCKET_PRIVATE ? t->port : t->group.port;
    if (from->addr.ifindex == 0) {
        from->addr.ifindex = subnets_interface(&u->subnets, &from->addr);
    }
    from->source = source_of(u, &from->addr);
    memberships_heard(&u->memberships, &from->addr);
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
    const struct transport *t = &u->transport;
    int fd = transport_private(t);
    const struct addr *local = &m->interface.addr;
    int sent = udp_system_multicast(fd, &t->group, local, data, len);
    int result = tell_trouble(u, m, sent == 0 ? 0 : errno);
    if (t->broadcast && m->interface.broadcast) {
        sent = udp_system_broadcast(fd, t->group.port, local, data, len);
        if (tell_broadcast(u, m, sent == 0 ? 0 : errno) == 0) {
            result = 0;
        }
    }
    return result;
}

static int send_group(struct udp *u, uint32_t ifindex, const uint8_t *data, size_t len)
{
    int result = -1;
    for (size_t i = 0; i < u->memberships.count; i++) {
        struct membership *m = &u->memberships.joined[i];
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
    int fd = transport_private(&u->transport);
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
    if (to->addr.family != u->transport.group.family || to->addr.port == 0 ||
        subnets_broadcast(&u->subnets, &to->addr)) {
        u->stats.send_errors++;
        return -1;
    }
    return send_unicast(u, &to->addr, data, len);
}

uint16_t udp_port(const struct udp *u)
{
    return u->transport.port;
}

bool udp_is_own(const struct addr *a)
{
    return addr_is_loopback(a) || udp_system_is_own(a);
}

bool udp_troubled(const struct udp *u)
{
    return memberships_troubled(&u->memberships);
}

struct udp_stats udp_stats(const struct udp *u)
{
    struct udp_stats stats = u->stats;
    stats.receive_buffer = u->transport.receive_buffer;
    return stats;
}
