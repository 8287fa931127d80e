#include "transport.h"

#include "udp_system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Is it bound, then it is one of ours; else it is closed: joined on, it would hear nothing. */
static int bound_or_close(struct transport *t, int fd, enum socket_kind kind, int bound)
{
    if (bound == 0) {
        t->sockets[t->count].kind = (uint8_t)kind;
        t->sockets[t->count++].fd = fd;
        return 0;
    }
    int trouble = errno;
    (void)close(fd);
    errno = trouble;
    return -1;
}

/* The first free port of those that are wanted. Where none is, any: a firewall may keep unicast away then, of
 * which joining is slower, and to end would be worse. The owner sees which it is, and tells. */
static int bind_alone(const struct transport *t, int fd)
{
    for (uint32_t port = t->unicast_first; port > 0 && port <= t->unicast_last; port++) {
        if (udp_system_bind_alone(fd, t->group.family, (uint16_t)port) == 0) {
            return 0;
        }
    }
    return udp_system_bind_alone(fd, t->group.family, 0);
}

static int open_fault(struct fault *fault)
{
    return fault_set(fault, FAULT_NETWORK, "a UDP socket cannot be opened: %s", strerror(errno));
}

static int open_private(struct transport *t, struct fault *fault)
{
    uint32_t granted;
    int fd = udp_system_open(t->group.family, false, t->ttl, &granted);
    if (fd < 0 || bound_or_close(t, fd, SOCKET_PRIVATE, bind_alone(t, fd)) != 0) {
        return open_fault(fault);
    }
    t->port = udp_system_port(fd);
    return 0;
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

static int open_shared(struct transport *t, struct fault *fault)
{
    int fd = udp_system_open(t->group.family, true, t->ttl, &t->receive_buffer);
    if (fd < 0) {
        return open_fault(fault);
    }
    if (bound_or_close(t, fd, SOCKET_SHARED, udp_system_bind_shared(fd, &t->group)) == 0) {
        return 0;
    }
    return port_fault(t, fault);
}

static int open_broadcast(struct transport *t, struct fault *fault)
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

int transport_open(struct transport *t, const struct addr *group, const struct udp_options *options,
                   struct fault *fault)
{
    *t = (struct transport){.group = *group,
                            .ttl = options->ttl,
                            .broadcast = options->broadcast && options->ttl > 0,
                            .unicast_first = options->unicast_first,
                            .unicast_last = options->unicast_last};
    bool open = open_private(t, fault) == 0 && (!t->broadcast || open_broadcast(t, fault) == 0) &&
                open_shared(t, fault) == 0;
    return open ? 0 : -1;
}

void transport_close(struct transport *t)
{
    /* Closing a socket leaves its groups. */
    for (size_t i = 0; i < t->count; i++) {
        (void)close(t->sockets[i].fd);
    }
    t->count = 0;
}

int transport_private(const struct transport *t)
{
    return t->sockets[0].fd;
}

/* A socket says EADDRINUSE of an interface that was deleted, and made again under its number, while nobody
 * looked: it counts it as joined, and hears nothing there. */
static int join_on(const struct transport *t, int fd, const struct interface *interface)
{
    if (udp_system_join(fd, &t->group, &interface->addr) == 0) {
        return 0;
    }
    if (errno != EADDRINUSE) {
        return -1;
    }
    (void)udp_system_leave(fd, &t->group, &interface->addr);
    return udp_system_join(fd, &t->group, &interface->addr);
}

int transport_join(struct transport *t, const struct interface *interface, size_t *socket)
{
    size_t shared = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->sockets[i].kind != SOCKET_SHARED) {
            continue;
        }
        shared++;
        *socket = i;
        if (join_on(t, t->sockets[i].fd, interface) == 0) {
            return 0;
        }
        if (errno != ENOBUFS) { /* ENOBUFS: this socket has its fill of memberships */
            return -1;
        }
    }
    errno = ENOBUFS;
    struct fault fault;
    if (shared == UDP_SHARED_MAX || open_shared(t, &fault) != 0) {
        return -1;
    }
    *socket = t->count - 1;
    return udp_system_join(t->sockets[*socket].fd, &t->group, &interface->addr);
}

int transport_rejoin(const struct transport *t, const struct interface *interface, size_t socket)
{
    transport_leave(t, interface, socket);
    return join_on(t, t->sockets[socket].fd, interface);
}

void transport_leave(const struct transport *t, const struct interface *interface, size_t socket)
{
    (void)udp_system_leave(t->sockets[socket].fd, &t->group, &interface->addr);
}
