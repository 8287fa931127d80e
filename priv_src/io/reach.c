#include "reach.h"

#include "udp_system.h"
#include "udp_system_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int begin(int type, const struct addr *to)
{
    struct endpoint e = udp_system_endpoint(to);
    int fd = socket(e.as.any.sa_family, type, 0);
    if (fd < 0) {
        return -1;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        (connect(fd, &e.as.any, e.len) != 0 && errno != EINPROGRESS)) {
        udp_system_abandon(fd);
        return -1;
    }
    return fd;
}

int reach_tcp(const struct addr *to)
{
    return begin(SOCK_STREAM, to);
}

int reach_udp(const struct addr *to)
{
    return begin(SOCK_DGRAM, to);
}

int reach_poke(int fd)
{
    return send(fd, "", 0, 0) < 0 ? -1 : 0;
}

int reach_heard(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) >= 0 || errno == EAGAIN || errno == EWOULDBLOCK ? 0 : errno;
}

int reach_result(int fd)
{
    int result = 0;
    socklen_t size = sizeof result;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}
