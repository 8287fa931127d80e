/* Linux: interfaces by index (ip_mreqn, in_pktinfo, in6_pktinfo), and a receive buffer beyond the limit for
 * who may. */
#include "udp_system.h"

#include "udp_system_shared.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a message header points to for one datagram that goes or comes. */
struct envelope {
    struct endpoint peer; /* to whom, or from whom */
    struct iovec part;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))]; /* the larger one */
};

#if !defined(IPV6_MULTICAST_ALL)
#define IPV6_MULTICAST_ALL 29 /* of Linux 4.20; the headers of some C libraries lack it */
#endif

#if !defined(SO_MEMINFO)
#define SO_MEMINFO 55 /* of Linux 4.12 */
#endif
#define MEMINFO_DROPS 8 /* SK_MEMINFO_DROPS of <linux/sock_diag.h>, which some C libraries lack */

static void enlarge_buffer(int fd)
{
    if (udp_system_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) != 0) {
        (void)udp_system_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER); /* cut at net.core.rmem_max */
    }
}

/* MULTICAST_ALL 0: else a socket hears what any other process of the host has joined. A kernel that does not
 * know it for IPv6 (before 4.20) lets the private socket hear groups of its port, which are no unicast. */
static int set_up(int fd, uint8_t family, uint8_t ttl)
{
    if (family == ADDR_IPV6) {
        (void)udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
        return udp_system_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 ||
                       udp_system_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) != 0 ||
                       udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) != 0 ||
                       udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl) != 0
                   ? -1
                   : 0;
    }
    return udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) != 0 ||
                   udp_system_option(fd, IPPROTO_IP, IP_PKTINFO, 1) != 0 ||
                   udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) != 0 ||
                   udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl) != 0
               ? -1
               : 0;
}

int udp_system_open(uint8_t family, bool shared, uint8_t ttl, uint32_t *receive_buffer)
{
    int fd = socket(family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    /* SO_REUSEADDR shares with the group's sockets of all users, SO_REUSEPORT with what this user has bound
     * alone. */
    if ((shared && (udp_system_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
                    udp_system_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)) ||
        set_up(fd, family, ttl) != 0) {
        (void)close(fd);
        return -1;
    }
    enlarge_buffer(fd);
    *receive_buffer = udp_system_buffer(fd);
    return fd;
}

uint32_t udp_system_interface(const char *name)
{
    struct ifreq asked = {.ifr_ifindex = 0};
    size_t len = strlen(name);
    int fd = len < sizeof asked.ifr_name ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0) {
        return 0;
    }
    memcpy(asked.ifr_name, name, len);
    bool found = ioctl(fd, SIOCGIFINDEX, &asked) == 0 && asked.ifr_ifindex > 0;
    (void)close(fd);
    return found ? (uint32_t)asked.ifr_ifindex : 0;
}

static int membership(int fd, bool joins, const struct addr *group, const struct addr *local)
{
    if (group->family == ADDR_IPV6) {
        struct ipv6_mreq m = {.ipv6mr_interface = local->ifindex};
        memcpy(&m.ipv6mr_multiaddr, group->ip, sizeof m.ipv6mr_multiaddr);
        return setsockopt(fd, IPPROTO_IPV6, joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &m, sizeof m);
    }
    struct ip_mreqn m = {.imr_ifindex = (int)local->ifindex};
    memcpy(&m.imr_multiaddr, group->ip, sizeof m.imr_multiaddr);
    memcpy(&m.imr_address, local->ip, sizeof m.imr_address);
    return setsockopt(fd, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &m, sizeof m);
}

int udp_system_join(int fd, const struct addr *group, const struct addr *local)
{
    return membership(fd, true, group, local);
}

int udp_system_leave(int fd, const struct addr *group, const struct addr *local)
{
    return membership(fd, false, group, local);
}

static void put_control(struct msghdr *m, uint8_t *control, int level, int type, const void *info, size_t len)
{
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(len);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), info, len);
}

/* Out of this interface, and from this address; `source` may be NULL. */
static void name_source(struct msghdr *m, uint8_t *control, uint8_t family, uint32_t ifindex,
                        const uint8_t *source)
{
    if (family == ADDR_IPV6) {
        struct in6_pktinfo info = {.ipi6_ifindex = ifindex};
        if (source != NULL) {
            memcpy(&info.ipi6_addr, source, sizeof info.ipi6_addr);
        }
        put_control(m, control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_ifindex = (int)ifindex};
        if (source != NULL) {
            memcpy(&info.ipi_spec_dst, source, sizeof info.ipi_spec_dst);
        }
        put_control(m, control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

/* `ifindex` 0 leaves the choice to the routing table; `source` may be NULL. */
static void address(struct envelope *e, struct msghdr *m, const struct addr *to, uint32_t ifindex,
                    const uint8_t *source, const uint8_t *data, size_t len)
{
    e->part = (struct iovec){.iov_len = len};
    /* sendmsg only reads it, though iovec cannot say so */
    memcpy(&e->part.iov_base, &data, sizeof e->part.iov_base);
    e->peer = udp_system_endpoint(to);
    *m = (struct msghdr){
        .msg_name = &e->peer.as, .msg_namelen = e->peer.len, .msg_iov = &e->part, .msg_iovlen = 1};
    if (ifindex != 0) {
        memset(e->control, 0, sizeof e->control);
        name_source(m, e->control, to->family, ifindex, source);
    }
}

static int transmit(int fd, const struct addr *to, uint32_t ifindex, const uint8_t *source,
                    const uint8_t *data, size_t len)
{
    struct envelope e;
    struct msghdr m;
    address(&e, &m, to, ifindex, source, data, len);
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int udp_system_multicast(int fd, const struct addr *group, const struct addr *local, const uint8_t *data,
                         size_t len)
{
    struct addr to = *group;
    to.ifindex = local->ifindex;
    return transmit(fd, &to, local->ifindex, local->ip, data, len);
}

/* The call ends at the first that fails, and tells why where that is the first of all: so the rest is sent by
 * the next one. */
void udp_system_multicast_many(int fd, const struct addr *group, const struct addr *const *locals,
                               size_t count, const uint8_t *data, size_t len, int *troubles)
{
    struct envelope envelopes[UDP_BATCH];
    struct mmsghdr all[UDP_BATCH];
    for (size_t i = 0; i < count; i++) {
        struct addr to = *group;
        to.ifindex = locals[i]->ifindex;
        address(&envelopes[i], &all[i].msg_hdr, &to, to.ifindex, locals[i]->ip, data, len);
        troubles[i] = 0;
    }
    for (size_t done = 0; done < count;) {
        int sent = sendmmsg(fd, all + done, (unsigned)(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) {
            troubles[done] = sent < 0 ? errno : EAGAIN;
            sent = 1;
        }
        done += (size_t)sent;
    }
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

_Static_assert(sizeof(struct filter_step) == sizeof(struct sock_filter) &&
                   offsetof(struct filter_step, yes) == offsetof(struct sock_filter, jt) &&
                   offsetof(struct filter_step, k) == offsetof(struct sock_filter, k),
               "a step is one of the kernel's");

int udp_system_filter(int fd, const struct filter_step *steps, size_t count)
{
    struct sock_filter program[FILTER_STEPS_MAX];
    if (count == 0) {
        return udp_system_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
    }
    if (count > FILTER_STEPS_MAX) {
        errno = EINVAL;
        return -1;
    }
    memcpy(program, steps, count * sizeof *steps);
    struct sock_fprog all = {.len = (unsigned short)count, .filter = program};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all);
}

uint32_t udp_system_dropped(int fd)
{
    uint32_t info[MEMINFO_DROPS + 1] = {0};
    socklen_t size = sizeof info;
    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) == 0 && size == sizeof info
               ? info[MEMINFO_DROPS]
               : 0;
}

/* Where it was sent to, and by which interface it came in. */
static void read_control(const struct cmsghdr *c, bool shared, struct udp_arrival *arrival)
{
    uint8_t ip[16];
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
        c->cmsg_len >= CMSG_LEN(sizeof(struct in_pktinfo))) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        /* What is broadcast to a private port was not said to the group. */
        bool broadcast = shared && info.ipi_addr.s_addr == htonl(INADDR_BROADCAST);
        bool group = broadcast || IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
        memcpy(ip, &info.ipi_addr, sizeof info.ipi_addr);
        arrival->to = addr_ipv4(ip, 0, 0);
        arrival->from.ifindex = info.ipi_ifindex > 0 ? (uint32_t)info.ipi_ifindex : 0;
        arrival->destination = group ? PATH_GROUP : PATH_UNICAST;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
        c->cmsg_len >= CMSG_LEN(sizeof(struct in6_pktinfo))) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        memcpy(ip, &info.ipi6_addr, sizeof ip);
        arrival->to = addr_ipv6(ip, 0, 0);
        arrival->from.ifindex = info.ipi6_ifindex;
        arrival->destination = ip[0] == 0xff ? PATH_GROUP : PATH_UNICAST;
    }
}

static void prepare(struct envelope *e, struct msghdr *m, uint8_t *out, size_t room)
{
    e->peer.len = sizeof e->peer.as;
    e->part = (struct iovec){.iov_base = out, .iov_len = room};
    *m = (struct msghdr){.msg_name = &e->peer.as,
                         .msg_namelen = e->peer.len,
                         .msg_iov = &e->part,
                         .msg_iovlen = 1,
                         .msg_control = e->control,
                         .msg_controllen = sizeof e->control};
}

static struct udp_arrival arrival_of(const struct envelope *e, struct msghdr *m, bool shared)
{
    struct udp_arrival arrival = {.from = udp_system_addr(&e->peer),
                                  .destination = PATH_UNICAST,
                                  .cut = (m->msg_flags & MSG_TRUNC) != 0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        read_control(c, shared, &arrival);
    }
    return arrival;
}

int udp_system_receive(int fd, bool shared, uint8_t *out, size_t room, struct udp_arrival *arrival)
{
    struct envelope e;
    struct msghdr m;
    prepare(&e, &m, out, room);
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
    if (n < 0) {
        return -1;
    }
    *arrival = arrival_of(&e, &m, shared);
    return (int)n;
}

int udp_system_receive_many(int fd, bool shared, struct udp_datagram *out, size_t most)
{
    struct envelope envelopes[UDP_BATCH];
    struct mmsghdr all[UDP_BATCH];
    most = most < UDP_BATCH ? most : UDP_BATCH;
    for (size_t i = 0; i < most; i++) {
        prepare(&envelopes[i], &all[i].msg_hdr, out[i].data, sizeof out[i].data);
    }
    int count = recvmmsg(fd, all, (unsigned)most, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        out[i].len = all[i].msg_len;
        out[i].arrival = arrival_of(&envelopes[i], &all[i].msg_hdr, shared);
    }
    return count;
}

uint64_t udp_system_hardware(const struct sockaddr *address)
{
    struct sockaddr_ll link;
    uint64_t hardware = 0;
    if (address->sa_family != AF_PACKET) {
        return 0;
    }
    memcpy(&link, address, sizeof link);
    for (size_t i = 0; i < link.sll_halen && i < sizeof link.sll_addr; i++) {
        hardware = hardware << 8 | link.sll_addr[i];
    }
    return hardware;
}
