/* Linux: interfaces by index (ip_mreqn, in_pktinfo), and a receive buffer beyond the limit for who may. */
#include "udp_system.h"

#include "udp_system_shared.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void enlarge_buffer(int fd)
{
    if (udp_system_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) != 0) {
        (void)udp_system_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER); /* cut at net.core.rmem_max */
    }
}

int udp_system_open(uint8_t family, bool shared, uint8_t ttl, uint32_t *receive_buffer)
{
    int fd = socket(family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    /* SO_REUSEADDR shares with the group's sockets of all users, SO_REUSEPORT with what this user has bound
     * alone. IP_MULTICAST_ALL 0: else this socket hears what any other process of the host has joined. */
    if ((shared && (udp_system_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
                    udp_system_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)) ||
        udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) != 0 ||
        udp_system_option(fd, IPPROTO_IP, IP_PKTINFO, 1) != 0 ||
        udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) != 0 ||
        udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl) != 0) {
        (void)close(fd);
        return -1;
    }
    enlarge_buffer(fd);
    *receive_buffer = udp_system_buffer(fd);
    return fd;
}

static int membership(int fd, int name, const struct addr *group, const struct addr *local)
{
    struct ip_mreqn m = {.imr_ifindex = (int)local->ifindex};
    memcpy(&m.imr_multiaddr, group->ip, sizeof m.imr_multiaddr);
    memcpy(&m.imr_address, local->ip, sizeof m.imr_address);
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof m);
}

int udp_system_join(int fd, const struct addr *group, const struct addr *local)
{
    return membership(fd, IP_ADD_MEMBERSHIP, group, local);
}

int udp_system_leave(int fd, const struct addr *group, const struct addr *local)
{
    return membership(fd, IP_DROP_MEMBERSHIP, group, local);
}

/* `ifindex` 0 leaves the choice to the routing table; `source` may be NULL. */
static int transmit(int fd, const struct addr *to, uint32_t ifindex, const uint8_t *source,
                    const uint8_t *data, size_t len)
{
    struct iovec part = {.iov_len = len};
    /* sendmsg only reads it, though iovec cannot say so */
    memcpy(&part.iov_base, &data, sizeof part.iov_base);
    struct sockaddr_in in = udp_system_address(to);
    struct msghdr m = {.msg_name = &in, .msg_namelen = sizeof in, .msg_iov = &part, .msg_iovlen = 1};
    union control control = {.bytes = {0}};
    if (ifindex != 0) {
        struct in_pktinfo info = {.ipi_ifindex = (int)ifindex};
        if (source != NULL) {
            memcpy(&info.ipi_spec_dst, source, sizeof info.ipi_spec_dst);
        }
        struct cmsghdr *c = &control.align;
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
    }
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int udp_system_multicast(int fd, const struct addr *group, const struct addr *local, const uint8_t *data,
                         size_t len)
{
    return transmit(fd, group, local->ifindex, local->ip, data, len);
}

static struct addr everybody(uint16_t port)
{
    static const uint8_t ip[4] = {255, 255, 255, 255};
    return addr_ipv4(ip, port, 0);
}

int udp_system_bind_broadcast(int fd, uint16_t port)
{
    struct addr all = everybody(port);
    return udp_system_bind_shared(fd, &all);
}

int udp_system_broadcast(int fd, uint16_t port, const struct addr *local, const uint8_t *data, size_t len)
{
    struct addr all = everybody(port);
    if (udp_system_option(fd, SOL_SOCKET, SO_BROADCAST, 1) != 0) {
        return -1;
    }
    int sent = transmit(fd, &all, local->ifindex, local->ip, data, len);
    int trouble = errno;
    if (udp_system_option(fd, SOL_SOCKET, SO_BROADCAST, 0) != 0) {
        return -1;
    }
    errno = trouble;
    return sent;
}

int udp_system_unicast(int fd, const struct addr *to, bool bound, const uint8_t *data, size_t len)
{
    return transmit(fd, to, bound ? to->ifindex : 0, NULL, data, len);
}

int udp_system_receive(int fd, bool shared, uint8_t *out, size_t room, struct udp_arrival *arrival)
{
    union control control = {.bytes = {0}};
    struct sockaddr_in in = {0};
    struct iovec part = {.iov_base = out, .iov_len = room};
    struct msghdr m = {.msg_name = &in,
                       .msg_namelen = sizeof in,
                       .msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
    if (n < 0) {
        return -1;
    }
    struct in_pktinfo info = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
            c->cmsg_len >= CMSG_LEN(sizeof info)) {
            memcpy(&info, CMSG_DATA(c), sizeof info);
        }
    }
    uint8_t ip[4];
    memcpy(ip, &in.sin_addr, sizeof ip);
    arrival->from = addr_ipv4(ip, ntohs(in.sin_port), info.ipi_ifindex > 0 ? (uint32_t)info.ipi_ifindex : 0);
    /* What is broadcast to a private port was not said to the group. */
    bool broadcast = shared && info.ipi_addr.s_addr == htonl(INADDR_BROADCAST);
    arrival->destination = broadcast || IN_MULTICAST(ntohl(info.ipi_addr.s_addr)) ? PATH_GROUP : PATH_UNICAST;
    memcpy(ip, &info.ipi_addr, sizeof ip);
    arrival->to = addr_ipv4(ip, 0, 0);
    arrival->cut = (m.msg_flags & MSG_TRUNC) != 0;
    return (int)n;
}
