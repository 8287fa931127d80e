#include "udp_system_shared.h"

#include "udp_system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* fe80::/10, and groups that are of one link: ff02::/16, ff12::/16 and so on. */
static bool names_link(const uint8_t ip[static 16])
{
    return (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) || (ip[0] == 0xff && (ip[1] & 0x0f) == 0x02);
}

struct endpoint udp_system_endpoint(const struct addr *a)
{
    struct endpoint e;
    memset(&e, 0, sizeof e);
    if (a->family == ADDR_IPV6) {
        e.len = sizeof e.as.v6;
        e.as.v6.sin6_family = AF_INET6;
        e.as.v6.sin6_port = htons(a->port);
        e.as.v6.sin6_scope_id = names_link(a->ip) ? a->ifindex : 0;
        memcpy(&e.as.v6.sin6_addr, a->ip, sizeof e.as.v6.sin6_addr);
    } else {
        e.len = sizeof e.as.v4;
        e.as.v4.sin_family = AF_INET;
        e.as.v4.sin_port = htons(a->port);
        memcpy(&e.as.v4.sin_addr, a->ip, sizeof e.as.v4.sin_addr);
    }
    return e;
}

struct addr udp_system_addr(const struct endpoint *e)
{
    uint8_t ip[16];
    if (e->as.any.sa_family == AF_INET6) {
        memcpy(ip, &e->as.v6.sin6_addr, sizeof ip);
        return addr_ipv6(ip, ntohs(e->as.v6.sin6_port), e->as.v6.sin6_scope_id);
    }
    memcpy(ip, &e->as.v4.sin_addr, sizeof e->as.v4.sin_addr);
    return addr_ipv4(ip, ntohs(e->as.v4.sin_port), 0);
}

int udp_system_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

uint32_t udp_system_buffer(int fd)
{
    int granted = 0;
    socklen_t size = sizeof granted;
    return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size) == 0 && granted > 0 ? (uint32_t)granted : 0;
}

static int bind_to(int fd, const struct addr *a)
{
    struct endpoint e = udp_system_endpoint(a);
    return bind(fd, &e.as.any, e.len);
}

int udp_system_bind_shared(int fd, const struct addr *group)
{
    return bind_to(fd, group);
}

/* A port is given by what a socket is at that moment: so what is bound alone is refused where anybody is, and
 * only then lets the group of a neighbour in, whose port it may have taken first. With SO_REUSEADDR any user
 * could come in, and take what is sent here. Where the system refuses the option, that neighbour is refused.
 */
int udp_system_bind_alone(int fd, uint8_t family, uint16_t port)
{
    struct addr any = {.family = family, .port = port};
    int result = bind_to(fd, &any);
#if defined(SO_REUSEPORT)
    if (result == 0) {
        (void)udp_system_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
#endif
    return result;
}

void udp_system_abandon(int fd)
{
    int trouble = errno;
    (void)close(fd);
    errno = trouble;
}

static int own_end(int fd, struct endpoint *e)
{
    memset(e, 0, sizeof *e);
    e->len = sizeof e->as;
    return getsockname(fd, &e->as.any, &e->len);
}

uint16_t udp_system_port(int fd)
{
    struct endpoint e;
    return own_end(fd, &e) == 0 ? udp_system_addr(&e).port : 0;
}

static int plain_socket(const struct addr *a)
{
    return a->family == ADDR_NONE ? -1 : socket(a->family == ADDR_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
}

bool udp_system_is_own(const struct addr *a)
{
    int fd = plain_socket(a);
    if (fd < 0) {
        return false;
    }
    /* Connecting sends nothing: it chooses the source address. */
    struct endpoint to = udp_system_endpoint(a), source;
    bool own = connect(fd, &to.as.any, to.len) == 0 && own_end(fd, &source) == 0;
    if (own) {
        struct addr from = udp_system_addr(&source);
        own = addr_same_host(&from, a);
    }
    (void)close(fd);
    return own;
}

bool udp_system_is_ready(const struct addr *a)
{
    struct addr at = *a;
    at.port = 0;
    int fd = plain_socket(a);
    bool ready = fd >= 0 && bind_to(fd, &at) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ready;
}
