/* macOS and the BSDs, and Linux when it is told to test this twin: interfaces by index where RFC 3678 has it,
 * else by address. */
#include "udp_system.h"

#include "udp_system_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(IP_PKTINFO)
#define ARRIVAL_OPTION IP_PKTINFO
typedef struct in_pktinfo arrival_info;
#elif defined(IP_RECVDSTADDR)
#define ARRIVAL_OPTION IP_RECVDSTADDR
typedef struct in_addr arrival_info;
#endif

/* RFC 3542 has it on every system, though some headers hide it. */
#if defined(IPV6_RECVPKTINFO) && defined(IPV6_PKTINFO)
#define ARRIVAL6 1
#endif

union control {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(64)];
};

/* The BSDs want a byte for these two. */
static int set_byte(int fd, int name, uint8_t value)
{
    return setsockopt(fd, IPPROTO_IP, name, &value, sizeof value);
}

/* Some systems refuse what they cannot grant whole, so ask for less and less. */
static void enlarge_buffer(int fd)
{
    for (int want = RECEIVE_BUFFER; want >= 64 * 1024; want /= 2) {
        if (udp_system_option(fd, SOL_SOCKET, SO_RCVBUF, want) == 0) {
            break;
        }
    }
}

static int share(int fd)
{
    if (udp_system_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) {
        return -1;
    }
#if defined(SO_REUSEPORT)
    /* Elsewhere than on Linux this is also what lets several sockets hear one multicast. */
    return udp_system_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#else
    return 0;
#endif
}

static int set_up_v4(int fd, uint8_t ttl)
{
#if defined(ARRIVAL_OPTION)
    if (udp_system_option(fd, IPPROTO_IP, ARRIVAL_OPTION, 1) != 0) {
        return -1;
    }
#endif
#if defined(IP_MULTICAST_ALL)
    if (udp_system_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) != 0) {
        return -1;
    }
#endif
    return set_byte(fd, IP_MULTICAST_LOOP, 1) != 0 || set_byte(fd, IP_MULTICAST_TTL, ttl) != 0 ? -1 : 0;
}

static int set_up_v6(int fd, uint8_t ttl)
{
#if defined(ARRIVAL6)
    if (udp_system_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) != 0) {
        return -1;
    }
#endif
#if defined(IPV6_MULTICAST_ALL)
    (void)udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
    return udp_system_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 ||
                   udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) != 0 ||
                   udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl) != 0
               ? -1
               : 0;
}

static int set_up(int fd, uint8_t family, bool shared, uint8_t ttl)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return -1;
    }
    if (shared && share(fd) != 0) {
        return -1;
    }
    return family == ADDR_IPV6 ? set_up_v6(fd, ttl) : set_up_v4(fd, ttl);
}

uint32_t udp_system_interface(const char *name)
{
    return if_nametoindex(name);
}

int udp_system_open(uint8_t family, bool shared, uint8_t ttl, uint32_t *receive_buffer)
{
    int fd = socket(family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) {
        return -1;
    }
    if (set_up(fd, family, shared, ttl) != 0) {
        (void)close(fd);
        return -1;
    }
    enlarge_buffer(fd);
    *receive_buffer = udp_system_buffer(fd);
    return fd;
}

#if defined(MCAST_JOIN_GROUP) && defined(MCAST_LEAVE_GROUP)
static int membership4(int fd, int name, const struct addr *group, const struct addr *local)
{
    struct addr at = *group;
    at.port = 0;
    struct endpoint e = udp_system_endpoint(&at);
    struct group_req m;
    memset(&m, 0, sizeof m);
    m.gr_interface = local->ifindex;
    memcpy(&m.gr_group, &e.as.v4, sizeof e.as.v4);
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof m);
}
#define JOIN  MCAST_JOIN_GROUP
#define LEAVE MCAST_LEAVE_GROUP
#else
static int membership4(int fd, int name, const struct addr *group, const struct addr *local)
{
    struct ip_mreq m;
    memset(&m, 0, sizeof m);
    memcpy(&m.imr_multiaddr, group->ip, sizeof m.imr_multiaddr);
    memcpy(&m.imr_interface, local->ip, sizeof m.imr_interface);
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof m);
}
#define JOIN  IP_ADD_MEMBERSHIP
#define LEAVE IP_DROP_MEMBERSHIP
#endif

static int membership6(int fd, int name, const struct addr *group, const struct addr *local)
{
    struct ipv6_mreq m;
    memset(&m, 0, sizeof m);
    m.ipv6mr_interface = local->ifindex;
    memcpy(&m.ipv6mr_multiaddr, group->ip, sizeof m.ipv6mr_multiaddr);
    return setsockopt(fd, IPPROTO_IPV6, name, &m, sizeof m);
}

int udp_system_join(int fd, const struct addr *group, const struct addr *local)
{
    return group->family == ADDR_IPV6 ? membership6(fd, IPV6_JOIN_GROUP, group, local)
                                      : membership4(fd, JOIN, group, local);
}

int udp_system_leave(int fd, const struct addr *group, const struct addr *local)
{
    return group->family == ADDR_IPV6 ? membership6(fd, IPV6_LEAVE_GROUP, group, local)
                                      : membership4(fd, LEAVE, group, local);
}

int udp_system_unicast(int fd, const struct addr *to, bool bound, const uint8_t *data, size_t len)
{
    struct endpoint e = udp_system_endpoint(to);
    (void)bound; /* there is no portable way to go past the routing table */
    return sendto(fd, data, len, 0, &e.as.any, e.len) < 0 ? -1 : 0;
}

int udp_system_multicast(int fd, const struct addr *group, const struct addr *local, const uint8_t *data,
                         size_t len)
{
    struct addr to = *group;
    to.ifindex = local->ifindex;
    struct in_addr out;
    memcpy(&out, local->ip, sizeof out);
    int chosen = group->family == ADDR_IPV6
                     ? udp_system_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)local->ifindex)
                     : setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out);
    return chosen != 0 ? -1 : udp_system_unicast(fd, &to, false, data, len);
}

void udp_system_multicast_many(int fd, const struct addr *group, const struct addr *const *locals,
                               size_t count, const uint8_t *data, size_t len, int *troubles)
{
    for (size_t i = 0; i < count; i++) {
        troubles[i] = udp_system_multicast(fd, group, locals[i], data, len) == 0 ? 0 : errno;
    }
}

/* Elsewhere 255.255.255.255 goes out by the default route alone, and what goes to a subnet's broadcast
 * address does not come to who is bound to 255.255.255.255: so members of two systems would not hear each
 * other. */
int udp_system_bind_broadcast(int fd, uint16_t port)
{
    (void)fd;
    (void)port;
    errno = EOPNOTSUPP;
    return -1;
}

int udp_system_broadcast(int fd, uint16_t port, const struct addr *local, const uint8_t *data, size_t len)
{
    (void)local;
    (void)data;
    (void)len;
    return udp_system_bind_broadcast(fd, port);
}

static uint8_t destination_of(struct in_addr to)
{
    return IN_MULTICAST(ntohl(to.s_addr)) ? PATH_GROUP : PATH_UNICAST;
}

static void read_arrival(const void *info, struct udp_arrival *arrival)
{
#if defined(ARRIVAL_OPTION)
    arrival_info i;
    uint8_t ip[4];
    memcpy(&i, info, sizeof i);
#if defined(IP_PKTINFO)
    arrival->from.ifindex = (uint32_t)i.ipi_ifindex;
    arrival->destination = destination_of(i.ipi_addr);
    memcpy(ip, &i.ipi_addr, sizeof ip);
#else
    arrival->destination = destination_of(i);
    memcpy(ip, &i, sizeof ip);
#endif
    arrival->to = addr_ipv4(ip, 0, 0);
#else
    (void)info;
    (void)arrival;
    (void)destination_of;
#endif
}

static void read_control(const struct cmsghdr *c, struct udp_arrival *arrival)
{
#if defined(ARRIVAL_OPTION)
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == ARRIVAL_OPTION &&
        c->cmsg_len >= CMSG_LEN(sizeof(arrival_info))) {
        read_arrival(CMSG_DATA(c), arrival);
    }
#endif
#if defined(ARRIVAL6)
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
        c->cmsg_len >= CMSG_LEN(sizeof(struct in6_pktinfo))) {
        struct in6_pktinfo info;
        uint8_t ip[16];
        memcpy(&info, CMSG_DATA(c), sizeof info);
        memcpy(ip, &info.ipi6_addr, sizeof ip);
        arrival->to = addr_ipv6(ip, 0, 0);
        arrival->from.ifindex = info.ipi6_ifindex;
        arrival->destination = ip[0] == 0xff ? PATH_GROUP : PATH_UNICAST;
    }
#endif
}

/* The BSDs filter what a device brings, not what a socket does. */
int udp_system_filter(int fd, const struct filter_step *steps, size_t count)
{
    (void)fd;
    (void)steps;
    (void)count;
    errno = EOPNOTSUPP;
    return -1;
}

uint32_t udp_system_dropped(int fd)
{
    (void)fd;
    return 0;
}

int udp_system_receive(int fd, bool shared, uint8_t *out, size_t room, struct udp_arrival *arrival)
{
    union control control;
    memset(&control, 0, sizeof control);
    struct endpoint from;
    memset(&from, 0, sizeof from);
    struct iovec part = {.iov_base = out, .iov_len = room};
    struct msghdr m;
    memset(&m, 0, sizeof m);
    m.msg_name = &from.as;
    m.msg_namelen = sizeof from.as;
    m.msg_iov = &part;
    m.msg_iovlen = 1;
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    ssize_t n = recvmsg(fd, &m, 0);
    if (n < 0) {
        return -1;
    }
    arrival->from = udp_system_addr(&from);
    arrival->destination = shared ? PATH_GROUP : PATH_UNICAST;
    arrival->cut = (m.msg_flags & MSG_TRUNC) != 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        read_control(c, arrival);
    }
    return (int)n;
}

int udp_system_receive_many(int fd, bool shared, struct udp_datagram *out, size_t most)
{
    int count = 0, n = 0;
    for (size_t i = 0; i < most && i < UDP_BATCH && n >= 0; i++) {
        memset(&out[i].arrival, 0, sizeof out[i].arrival);
        n = udp_system_receive(fd, shared, out[i].data, sizeof out[i].data, &out[i].arrival);
        if (n >= 0) {
            out[i].len = (size_t)n;
            count++;
        }
    }
    return count > 0 ? count : -1;
}

uint64_t udp_system_hardware(const struct sockaddr *address)
{
    (void)address;
    return 0;
}
