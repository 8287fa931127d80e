#include "udp_system_shared.h"

#include "udp_system.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct sockaddr_in udp_system_address(const struct addr *a)
{
    struct sockaddr_in in;
    memset(&in, 0, sizeof in);
    in.sin_family = AF_INET;
    in.sin_port = htons(a->port);
    memcpy(&in.sin_addr, a->ip, sizeof in.sin_addr);
    return in;
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

int udp_system_bind_shared(int fd, const struct addr *group)
{
    struct sockaddr_in in = udp_system_address(group);
    return bind(fd, (const struct sockaddr *)&in, sizeof in);
}

/* A port is given by what a socket is at that moment: so what is bound alone is refused where anybody is, and
 * only then lets the group of a neighbour in, whose port it may have taken first. With SO_REUSEADDR any user
 * could come in, and take what is sent here. Where the system refuses the option, that neighbour is refused.
 */
int udp_system_bind_alone(int fd, uint8_t family, uint16_t port)
{
    struct addr any = {.family = family, .port = port};
    struct sockaddr_in in = udp_system_address(&any);
    int result = bind(fd, (const struct sockaddr *)&in, sizeof in);
#if defined(SO_REUSEPORT)
    if (result == 0) {
        (void)udp_system_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
#endif
    return result;
}

uint16_t udp_system_port(int fd)
{
    struct sockaddr_in in = {0};
    socklen_t size = sizeof in;
    return getsockname(fd, (struct sockaddr *)&in, &size) == 0 ? ntohs(in.sin_port) : 0;
}

bool udp_system_is_own(const struct addr *a)
{
    int fd = a->family == ADDR_IPV4 ? socket(AF_INET, SOCK_DGRAM, 0) : -1;
    if (fd < 0) {
        return false;
    }
    /* Connecting sends nothing: it chooses the source address. */
    struct sockaddr_in to = udp_system_address(a);
    struct sockaddr_in source;
    socklen_t size = sizeof source;
    bool own = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
               getsockname(fd, (struct sockaddr *)&source, &size) == 0 &&
               memcmp(&source.sin_addr, &to.sin_addr, sizeof to.sin_addr) == 0;
    (void)close(fd);
    return own;
}
