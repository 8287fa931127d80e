#include "legacy_udp.h"

#include "transport.h"
#include "udp_system.h"

#include <errno.h>
#include <unistd.h>

int legacy_udp_open(struct legacy_udp *u, const struct addr *group, uint8_t ttl)
{
    uint32_t granted;
    int fd = udp_system_open(ADDR_IPV4, true, ttl, &granted);
    if (fd < 0) {
        return -1;
    }
    if (udp_system_bind_shared(fd, group) != 0) {
        udp_system_abandon(fd);
        return -1;
    }
    *u = (struct legacy_udp){.fd = fd, .group = *group};
    return 0;
}

void legacy_udp_close(struct legacy_udp *u)
{
    (void)close(u->fd); /* and with it the group is left */
    u->fd = -1;
}

static const struct interface *find(const struct interface *items, size_t count, uint32_t index)
{
    size_t i = 0;
    while (i < count && (items[i].index != index || items[i].addr.family != ADDR_IPV4)) {
        i++;
    }
    return i < count ? &items[i] : NULL;
}

void legacy_udp_set(struct legacy_udp *u, const struct interface *interfaces, size_t count, bool anew)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->count; i++) {
        const struct interface *now = find(interfaces, count, u->joined[i].index);
        if (now == NULL || anew) { /* fails when it is gone, and the membership with it */
            (void)udp_system_leave(u->fd, &u->group, &u->joined[i].addr);
        } else {
            u->joined[kept++] = *now;
        }
    }
    u->count = kept;
    for (size_t i = 0; i < count && u->count < LEGACY_INTERFACES; i++) {
        const struct interface *one = &interfaces[i];
        if (one->addr.family == ADDR_IPV4 && find(u->joined, u->count, one->index) == NULL &&
            transport_join_on(u->fd, &u->group, &one->addr) == 0) {
            u->joined[u->count++] = *one;
        }
    }
}

size_t legacy_udp_send(const struct legacy_udp *u, const uint8_t *data, size_t len)
{
    size_t sent = 0;
    for (size_t i = 0; i < u->count; i++) {
        sent += udp_system_multicast(u->fd, &u->group, &u->joined[i].addr, data, len) == 0;
    }
    return sent;
}

int legacy_udp_receive(const struct legacy_udp *u, uint8_t *out, size_t room, size_t *len)
{
    struct udp_arrival arrival = {0};
    int n = udp_system_receive(u->fd, true, out, room, &arrival);
    if (n < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    }
    *len = (size_t)n;
    return arrival.cut ? -1 : 1;
}
