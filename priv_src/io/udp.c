#include "udp.h"

#include "clock.h"
#include "udp_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A private socket of each family at this port (0: any, of which that of IPv6 is the same). A system that has
 * no IPv6 has one less, and is well. 0, or -1 and errno. */
static int open_at(struct udp *u, uint16_t port)
{
    const struct udp_options *o = &u->options;
    struct transport *v4 = &u->transports[0], *v6 = &u->transports[1];
    if (transport_open(v4, &o->group, o->ttl, port) != 0) {
        return -1;
    }
    if (o->group6.family == ADDR_NONE || transport_open(v6, &o->group6, o->ttl, v4->port) == 0 ||
        errno != EADDRINUSE) {
        return 0;
    }
    transport_close(v4);
    errno = EADDRINUSE;
    return -1;
}

#define ANY_TRIES 16 /* a port that is free for one family is so for the other, but by chance */

/* The first free port of those that are wanted. Where none is, any: a firewall may keep unicast away then, of
 * which joining is slower, and to end would be worse. The owner sees which it is, and tells. */
static int open_private(struct udp *u)
{
    const struct udp_options *o = &u->options;
    for (uint32_t port = o->unicast_first; port > 0 && port <= o->unicast_last; port++) {
        if (open_at(u, (uint16_t)port) == 0) {
            return 0;
        }
    }
    int opened = -1;
    for (int i = 0; i < ANY_TRIES && opened != 0; i++) {
        opened = open_at(u, 0);
    }
    return opened;
}

static int open_all(struct udp *u, struct fault *fault)
{
    struct transport *v4 = &u->transports[0];
    if (open_private(u) != 0) {
        return fault_set(fault, FAULT_NETWORK, "a UDP socket cannot be opened: %s", strerror(errno));
    }
    if (u->options.broadcast && transport_open_broadcast(v4, fault) != 0) {
        return -1;
    }
    return transport_open_shared(v4, fault);
}

struct udp *udp_open(const struct udp_options *options, struct log *log, struct fault *fault)
{
    struct udp *u = calloc(1, sizeof *u);
    if (u == NULL) {
        (void)fault_set(fault, FAULT_MEMORY, "memory is short");
        return NULL;
    }
    u->options = *options;
    u->options.broadcast = options->broadcast && options->ttl > 0;
    u->options.group6.port = options->group.port;
    u->log = log;
    u->memberships.log = log;
    u->memberships.transports = u->transports;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        u->transports[i].filter = &u->filter;
    }
    if (open_all(u, fault) != 0) {
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
    for (size_t i = 0; i < TRANSPORTS; i++) {
        transport_close(&u->transports[i]);
    }
    free(u);
}

/* What the kernel has dropped until now, and whether it filtered meanwhile: counted before its filter
 * changes, and before a socket may be closed. */
static void count_dropped(struct udp *u, bool filtered)
{
    uint64_t *counter = filtered ? &u->stats.filtered : &u->stats.overflowed;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        *counter += transport_dropped(&u->transports[i]);
    }
}

static void filter_all(struct udp *u)
{
    int result = 0;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        result = transport_filter(&u->transports[i]) != 0 ? -1 : result;
    }
    if (result != 0 && u->filter.level > 0) { /* it has none, or no memory for it: all is read, as before */
        u->filter.missing = true;
        u->filter.level = 0;
        filter_all(u);
    }
}

/* One has come that the filter may refuse, or any other. */
static void judge(struct udp *u, bool refused)
{
    if (!refused && u->filter.level == 0) {
        return;
    }
    bool filtered = u->filter.level > 0;
    int64_t now = clock_now();
    bool changed = refused ? filter_saw(&u->filter, now) : filter_tick(&u->filter, now);
    if (changed) {
        count_dropped(u, filtered);
        filter_all(u);
    }
}

void udp_set_ring(struct udp *u, const struct keyring *ring)
{
    filter_set(&u->filter, ring);
    if (u->filter.level > 0) {
        filter_all(u);
    }
}

size_t udp_set_interfaces(struct udp *u, const struct interface_list *list)
{
    count_dropped(u, u->filter.level > 0);
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

void udp_step_out(struct udp *u)
{
    memberships_step_out(&u->memberships);
}

void udp_step_in(struct udp *u)
{
    memberships_step_in(&u->memberships);
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
    size_t count = 0;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        const struct transport *t = &u->transports[i];
        for (size_t n = 0; n < t->count; n++) {
            fds[count++] = (struct pollfd){.fd = t->sockets[n].fd, .events = POLLIN};
        }
    }
    return count;
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
    bool link_alone = u->options.ttl <= 1 || from->family == ADDR_IPV6; /* so far its group reaches */
    return link_alone && !subnets_near(&u->subnets, from) ? SOURCE_FAR : SOURCE_NEAR;
}

int udp_take(struct udp *u, size_t i, size_t most)
{
    u->taken_by = &u->transports[0];
    if (i >= u->taken_by->count) {
        i -= u->taken_by->count;
        u->taken_by++;
    }
    u->taken_kind = u->taken_by->sockets[i].kind;
    int count =
        udp_system_receive_many(u->taken_by->sockets[i].fd, u->taken_kind != SOCKET_PRIVATE, u->inbox, most);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 0;
    }
    u->stats.receive_errors += count < 0 && errno != EINTR;
    return count;
}

bool udp_taken(struct udp *u, size_t n, struct path *from, const uint8_t **data, size_t *len)
{
    const struct udp_datagram *d = &u->inbox[n];
    const struct udp_arrival *arrival = &d->arrival;
    const struct transport *t = u->taken_by;
    uint8_t kind = u->taken_kind;
    if (arrival->cut) {
        u->stats.oversized++;
        judge(u, true);
        return false;
    }
    judge(u, filter_refuses(&u->filter, d->data, d->len));
    if (kind == SOCKET_BROADCAST && !memberships_have(&u->memberships, ADDR_IPV4, arrival->from.ifindex)) {
        return false; /* it takes them on every interface, also on those that are not to be used */
    }
    *from = (struct path){.kind = arrival->destination, .addr = arrival->from, .local = arrival->to};
    from->local.port = kind == SOCKET_PRIVATE ? t->port : t->group.port;
    if (from->addr.ifindex == 0) {
        from->addr.ifindex = subnets_interface(&u->subnets, &from->addr);
    }
    from->source = source_of(u, &from->addr);
    memberships_heard(&u->memberships, &from->addr);
    if (from->kind == PATH_GROUP) {
        memberships_returned(&u->memberships, &from->addr);
    }
    *data = d->data;
    *len = d->len;
    return true;
}

uint16_t udp_port(const struct udp *u)
{
    return u->transports[0].port;
}

bool udp_is_own(const struct addr *a)
{
    return addr_is_loopback(a) || udp_system_is_own(a);
}

bool udp_troubled(const struct udp *u)
{
    return memberships_troubled(&u->memberships);
}

bool udp_closed(const struct udp *u, uint32_t index)
{
    return memberships_closed(&u->memberships, index);
}

struct udp_stats udp_stats(struct udp *u)
{
    count_dropped(u, u->filter.level > 0);
    struct udp_stats stats = u->stats;
    stats.receive_buffer = u->transports[0].receive_buffer;
    return stats;
}
