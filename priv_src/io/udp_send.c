/* Datagrams go out: to the group on each interface by the ways that it is reached, or to one endpoint; and
 * what sending meets is told once a state. */
#include "udp.h"

#include "udp_parts.h"

#include <errno.h>
#include <string.h>

/* A full queue is a moment, not a state. So is an address of IPv6 that is tentative again, since its link was
 * down: the next look at the interfaces sees it. */
static bool is_moment(const struct membership *m, int trouble)
{
    return trouble == EAGAIN || trouble == EWOULDBLOCK || trouble == ENOBUFS ||
           (trouble == EADDRNOTAVAIL && m->interface.addr.family == ADDR_IPV6);
}

static const char *family_of(const struct membership *m)
{
    return m->interface.addr.family == ADDR_IPV6 ? "IPv6 " : "";
}

/* What sending to the group on one interface met, by multicast or by broadcast (`way`); told when it changes,
 * but for a trouble that is told of the other way already. */
static int tell_trouble(struct udp *u, const struct membership *m, const char *way, struct sending *s,
                        int trouble, const struct sending *other)
{
    if (trouble != 0) {
        u->stats.send_errors++;
    }
    if (is_moment(m, trouble)) {
        return -1;
    }
    bool known = s->told && trouble == s->trouble;
    if (trouble != 0 && !known && !(other->told && trouble == other->trouble)) {
        log_line(u->log, LEVEL_WARNING, "%s%s cannot be sent on interface %s: %s", family_of(m), way,
                 m->interface.name, strerror(trouble));
        s->told = true;
    }
    if (trouble == 0 && s->told) {
        log_line(u->log, LEVEL_INFO, "%s%s is sent on interface %s again", family_of(m), way,
                 m->interface.name);
        s->told = false;
    }
    s->trouble = trouble;
    return trouble == 0 ? 0 : -1;
}

/* By which of two ways it goes out once: by the one that works; or the last bit of its tag, which is random,
 * says so, since nobody knows which one passes. */
static bool chooses_broadcast(const struct membership *m, const uint8_t *data, size_t len)
{
    bool odd = len > 0 && (data[len - 1] & 1) != 0;
    return m->multicast.trouble != 0 || (odd && m->broadcast.trouble == 0);
}

/* What came of a multicast on this interface: 0, or -1. */
static int note_multicast(struct udp *u, struct membership *m, int met)
{
    int result = tell_trouble(u, m, "multicast", &m->multicast, met, &m->broadcast);
    m->unreturned = (uint8_t)(m->unreturned + (result == 0 && m->unreturned < UINT8_MAX));
    return result;
}

/* Where it may be broadcast, too: by both ways, or by one. */
static int send_both_ways(struct udp *u, struct membership *m, bool once, const uint8_t *data, size_t len)
{
    const struct transport *t = memberships_transport(&u->memberships, m->interface.addr.family);
    int fd = transport_private(t), result = -1;
    const struct addr *local = &m->interface.addr;
    bool instead = once && chooses_broadcast(m, data, len);
    if (!instead) {
        int met = udp_system_multicast(fd, &t->group, local, data, len) == 0 ? 0 : errno;
        result = note_multicast(u, m, met);
    }
    if (instead || !once) {
        int met = udp_system_broadcast(fd, t->group.port, local, data, len) == 0 ? 0 : errno;
        bool out = tell_trouble(u, m, "broadcast", &m->broadcast, met, &m->multicast) == 0;
        m->broadcasts = is_moment(m, met) ? m->broadcasts : out;
        result = out ? 0 : result;
    }
    return result;
}

/* Multicasts on these interfaces of one family, by one call: 0 where the system took it at least once, or -1.
 */
static int multicast(struct udp *u, struct membership **on, size_t count, const uint8_t *data, size_t len)
{
    const struct addr *locals[UDP_BATCH];
    int troubles[UDP_BATCH], result = -1;
    if (count == 0) {
        return -1;
    }
    const struct transport *t = memberships_transport(&u->memberships, on[0]->interface.addr.family);
    for (size_t i = 0; i < count; i++) {
        locals[i] = &on[i]->interface.addr;
    }
    udp_system_multicast_many(transport_private(t), &t->group, locals, count, data, len, troubles);
    for (size_t i = 0; i < count; i++) {
        result = note_multicast(u, on[i], troubles[i]) == 0 ? 0 : result;
    }
    return result;
}

static bool both_ways(const struct udp *u, const struct membership *m)
{
    return u->options.broadcast && m->interface.addr.family == ADDR_IPV4 && m->interface.broadcast;
}

/* On each interface that `by` lets, of one family. */
static int send_family(struct udp *u, uint8_t family, const struct addr *by, bool once, const uint8_t *data,
                       size_t len)
{
    struct membership *on[UDP_BATCH];
    size_t count = 0;
    int result = -1;
    for (size_t i = 0; i < u->memberships.count; i++) {
        struct membership *m = &u->memberships.joined[i];
        bool link = by->ifindex == 0 || by->ifindex == m->interface.index;
        if (!link || m->interface.addr.family != family) {
            continue;
        }
        if (both_ways(u, m)) {
            result = send_both_ways(u, m, once, data, len) == 0 ? 0 : result;
            continue;
        }
        on[count++] = m;
        if (count == UDP_BATCH) {
            result = multicast(u, on, count, data, len) == 0 ? 0 : result;
            count = 0;
        }
    }
    return multicast(u, on, count, data, len) == 0 ? 0 : result;
}

static int send_group(struct udp *u, const struct addr *by, bool once, const uint8_t *data, size_t len)
{
    static const uint8_t FAMILIES[] = {ADDR_IPV4, ADDR_IPV6};
    int result = -1;
    for (size_t i = 0; i < sizeof FAMILIES; i++) {
        if (by->family == ADDR_NONE || by->family == FAMILIES[i]) {
            result = send_family(u, FAMILIES[i], by, once, data, len) == 0 ? 0 : result;
        }
    }
    return result;
}

/* Does the routing table not know the way, though the peer has been heard through an interface? */
static bool unrouted(const struct addr *to, int trouble)
{
    return to->ifindex != 0 &&
           (trouble == ENETUNREACH || trouble == EHOSTUNREACH || trouble == EADDRNOTAVAIL);
}

/* It exists on every link, so the link must be named. */
static bool must_name_link(const struct addr *to)
{
    return addr_is_link_local(to) && to->ifindex != 0;
}

static int send_unicast(struct udp *u, int fd, const struct addr *to, const uint8_t *data, size_t len)
{
    int trouble = udp_system_unicast(fd, to, must_name_link(to), data, len) == 0 ? 0 : errno;
    if (unrouted(to, trouble)) {
        trouble = udp_system_unicast(fd, to, true, data, len) == 0 ? 0 : errno;
    }
    if (trouble != 0) {
        u->stats.send_errors++;
    }
    /* A peer that is not reachable is the core's business. A firewall on this very host is a person's. */
    if ((trouble == EPERM || trouble == EACCES) && u->unicast_trouble == 0) {
        log_line(u->log, LEVEL_WARNING, "a firewall of this host forbids sending UDP to peers: %s",
                 strerror(trouble));
        u->unicast_trouble = trouble;
        u->forbidden = *to;
    }
    if (trouble == 0 && u->unicast_trouble != 0 && addr_same(to, &u->forbidden)) {
        log_line(u->log, LEVEL_INFO, "sending UDP to peers is allowed again");
        u->unicast_trouble = 0;
    }
    return trouble == 0 ? 0 : -1;
}

int udp_send(struct udp *u, const struct path *to, const uint8_t *data, size_t len)
{
    if (to->kind == PATH_GROUP) {
        return send_group(u, &to->addr, to->once, data, len);
    }
    const struct transport *t = memberships_transport(&u->memberships, to->addr.family);
    if (t == NULL || to->addr.port == 0 || subnets_broadcast(&u->subnets, &to->addr)) {
        u->stats.send_errors++;
        return -1;
    }
    return send_unicast(u, transport_private(t), &to->addr, data, len);
}
