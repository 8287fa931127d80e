#include "transport.h"

#include "udp_system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int filter(int fd, const struct filter *f)
{
    struct filter_step steps[FILTER_STEPS_MAX];
    return udp_system_filter(fd, steps, filter_program(f, steps));
}

/* Is it bound, then it is one of ours; else it is closed: joined on, it would hear nothing. */
static int bound_or_close(struct transport *t, int fd, enum socket_kind kind, int bound)
{
    if (bound == 0) {
        if (t->filter != NULL && t->filter->level > 0) {
            (void)filter(fd, t->filter); /* without it more is read, and nothing is missed */
        }
        t->sockets[t->count].kind = (uint8_t)kind;
        t->sockets[t->count].dropped = 0;
        t->sockets[t->count++].fd = fd;
        return 0;
    }
    udp_system_abandon(fd);
    return -1;
}

int transport_open(struct transport *t, const struct addr *group, uint8_t ttl, uint16_t port)
{
    *t = (struct transport){.group = *group, .ttl = ttl, .filter = t->filter};
    int fd = udp_system_open(group->family, false, ttl, &t->receive_buffer);
    if (fd < 0 ||
        bound_or_close(t, fd, SOCKET_PRIVATE, udp_system_bind_alone(fd, group->family, port)) != 0) {
        t->group.family = ADDR_NONE;
        return -1;
    }
    t->port = udp_system_port(fd);
    return 0;
}

static int open_fault(struct fault *fault)
{
    return fault_set(fault, FAULT_NETWORK, "a UDP socket cannot be opened: %s", strerror(errno));
}

static int port_fault(const struct transport *t, struct fault *fault)
{
    unsigned port = t->group.port;
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

/* Of IPv6 for this interface alone: 0, or -1 and errno. */
static int open_shared(struct transport *t, uint32_t ifindex)
{
    struct addr group = t->group;
    group.ifindex = ifindex;
    int fd = udp_system_open(t->group.family, true, t->ttl, &t->receive_buffer);
    return fd < 0 ? -1 : bound_or_close(t, fd, SOCKET_SHARED, udp_system_bind_shared(fd, &group));
}

int transport_open_shared(struct transport *t, struct fault *fault)
{
    return open_shared(t, 0) == 0 ? 0 : port_fault(t, fault);
}

int transport_open_broadcast(struct transport *t, struct fault *fault)
{
    uint32_t granted;
    int fd = udp_system_open(t->group.family, true, t->ttl, &granted);
    if (fd < 0) {
        return open_fault(fault);
    }
    if (bound_or_close(t, fd, SOCKET_BROADCAST, udp_system_bind_broadcast(fd, t->group.port)) == 0) {
        return 0;
    }
    if (errno == EOPNOTSUPP) {
        return fault_set(
            fault, FAULT_BAD_CONFIG,
            "broadcast is true, but there is broadcast on Linux alone; on this system it must be "
            "false");
    }
    return port_fault(t, fault);
}

void transport_close(struct transport *t)
{
    /* Closing a socket leaves its groups. */
    for (size_t i = 0; i < t->count; i++) {
        (void)close(t->sockets[i].fd);
    }
    t->count = 0;
    t->group.family = ADDR_NONE;
}

int transport_filter(struct transport *t)
{
    int result = 0;
    for (size_t i = 0; i < t->count; i++) {
        result = filter(t->sockets[i].fd, t->filter) != 0 ? -1 : result;
    }
    return result;
}

uint64_t transport_dropped(struct transport *t)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint32_t dropped = udp_system_dropped(t->sockets[i].fd);
        sum += dropped - t->sockets[i].dropped; /* modulo 2^32, as the kernel counts */
        t->sockets[i].dropped = dropped;
    }
    return sum;
}

int transport_private(const struct transport *t)
{
    return t->sockets[0].fd;
}

int transport_join_on(int fd, const struct addr *group, const struct addr *local)
{
    if (udp_system_join(fd, group, local) == 0) {
        return 0;
    }
    if (errno != EADDRINUSE) {
        return -1;
    }
    (void)udp_system_leave(fd, group, local);
    return udp_system_join(fd, group, local);
}

static int join_v4(struct transport *t, const struct interface *interface, int *socket)
{
    size_t shared = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->sockets[i].kind != SOCKET_SHARED) {
            continue;
        }
        shared++;
        *socket = t->sockets[i].fd;
        if (transport_join_on(*socket, &t->group, &interface->addr) == 0) {
            return 0;
        }
        if (errno != ENOBUFS) { /* ENOBUFS: this socket has its fill of memberships */
            return -1;
        }
    }
    errno = ENOBUFS;
    if (shared == UDP_SHARED_MAX || open_shared(t, 0) != 0) {
        return -1;
    }
    *socket = t->sockets[t->count - 1].fd;
    return udp_system_join(*socket, &t->group, &interface->addr);
}

/* Closes a socket that is of no use any more; the others stay in their order. */
static void drop(struct transport *t, int socket)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->sockets[i].fd != socket) {
            t->sockets[kept++] = t->sockets[i];
        }
    }
    t->count = kept;
    udp_system_abandon(socket);
}

static int join_v6(struct transport *t, const struct interface *interface, int *socket)
{
    if (t->count == sizeof t->sockets / sizeof t->sockets[0]) {
        errno = ENOBUFS;
        return -1;
    }
    if (open_shared(t, interface->index) != 0) {
        return -1;
    }
    *socket = t->sockets[t->count - 1].fd;
    if (udp_system_join(*socket, &t->group, &interface->addr) != 0) {
        drop(t, *socket);
        return -1;
    }
    return 0;
}

int transport_join(struct transport *t, const struct interface *interface, int *socket)
{
    return t->group.family == ADDR_IPV6 ? join_v6(t, interface, socket) : join_v4(t, interface, socket);
}

void transport_step_out(const struct transport *t, const struct interface *interface, int socket)
{
    (void)udp_system_leave(socket, &t->group, &interface->addr); /* the kernel may have lost it already */
}

int transport_step_in(struct transport *t, const struct interface *interface, int socket)
{
    int joined = transport_join_on(socket, &t->group, &interface->addr);
    if (joined != 0 && t->group.family == ADDR_IPV6) {
        drop(t, socket);
    }
    return joined;
}

void transport_leave(struct transport *t, const struct interface *interface, int socket)
{
    if (t->group.family == ADDR_IPV6) {
        drop(t, socket);
    } else {
        (void)udp_system_leave(socket, &t->group, &interface->addr);
    }
}
