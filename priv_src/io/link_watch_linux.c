/* rtnetlink(7): no privilege is needed to listen. */
#include "link_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM 16384 /* an event of an interface takes 1 to 2 kB */

int link_watch_open(void)
{
    struct sockaddr_nl self = {.nl_family = AF_NETLINK,
                               .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&self, sizeof self) != 0) {
        int trouble = errno;
        (void)close(fd);
        errno = trouble;
        return -1;
    }
    return fd;
}

bool link_watch_drain(int fd, struct link_changes *changes)
{
    bool changed = false;
    for (;;) {
        uint8_t data[DATAGRAM];
        struct sockaddr_nl from = {0};
        struct iovec part = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == ENOBUFS) { /* its buffer holds some 250 events: more came at once */
            changes->lost = changed = true;
            continue;
        }
        if (n <= 0) {
            return changed;
        }
        if (from.nl_pid != 0) {
            continue; /* another process says so, and not the system */
        }
        if ((m.msg_flags & MSG_TRUNC) != 0) {
            changes->lost = changed = true;
            continue;
        }
        changed = rtnetlink_read(data, (size_t)n, changes) || changed;
    }
}
