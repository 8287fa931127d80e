/* How the doctor tries the group, over both families, and hears who is in it. */
#include "clock.h"
#include "doctor_parts.h"
#include "ip.h"
#include "seal.h"
#include "udp_system.h"
#include "units.h"
#include "wait.h"

#include <errno.h>
#include <string.h>

#define ECHO_US   (500 * MS_US)
#define LISTEN_US (3 * SECOND_US)

static const char *mend_port(int trouble)
{
    return trouble == EADDRINUSE ? "stop the program that has it (ss -ulpn names it), or give every node "
                                   "another option port"
                                 : "see the system's own words";
}

/* A socket that shares the group's port, or -1 and errno. */
static int bound_shared(const struct addr *group, uint32_t *buffer)
{
    int fd = udp_system_open(group->family, true, 0, buffer);
    if (fd >= 0 && udp_system_bind_shared(fd, group) != 0) {
        udp_system_abandon(fd);
        return -1;
    }
    return fd;
}

void doctor_open_shared(struct doctor *d)
{
    uint32_t buffer = 0;
    d->shared = bound_shared(&d->group, &buffer);
    if (d->shared >= 0) {
        findings_ok(&d->findings, "group_port", "UDP port %u can be shared; receive buffer %u bytes",
                    d->group.port, buffer);
    } else {
        findings_cause(&d->findings, DOCTOR_BROKEN, "group_port_taken", mend_port(errno),
                       "UDP port %u cannot be had: %s", d->group.port, strerror(errno));
    }
}

static bool is_own_echo(const struct doctor *d, const struct addr *from, size_t *which)
{
    for (size_t i = 0; i < d->interfaces.count && from->port == d->private_port; i++) {
        if (addr_same_host(&d->interfaces.items[i].addr, from)) {
            *which = i;
            return true;
        }
    }
    return false;
}

/* It comes from the host that is asked about, or seems to. What has the tag of the secret's key, and was not
 * sealed by a holder of it, tells nothing. */
static void note_peer(struct doctor *d, const uint8_t *data, size_t len, const uint8_t *tag)
{
    uint8_t plain[ROOM];
    struct peer_facts *p = &d->peer;
    int key = seal_match(&d->ring, data, len);
    if (key >= 0) {
        p->heard = p->heard || seal_open(&d->ring, key, data, len, plain) >= 0;
    } else {
        p->heard_otherwise = true;
        p->other_tag = (uint32_t)tag[0] << 24 | (uint32_t)tag[1] << 16 | (uint32_t)tag[2] << 8 | tag[3];
    }
}

static void count(struct doctor *d, const uint8_t *data, size_t len, const struct addr *from)
{
    static const uint8_t magic[] = {'G', 'S', 'C', SEAL_VERSION};
    d->others++;
    if (len < SEAL_OVERHEAD || memcmp(data, magic, sizeof magic) != 0) {
        return;
    }
    const uint8_t *tag = data + sizeof magic;
    if (d->peer.at.family != ADDR_NONE && addr_same_host(from, &d->peer.at)) {
        note_peer(d, data, len, tag);
    }
    for (size_t i = 0; i < d->tag_count; i++) {
        if (memcmp(d->tags[i], tag, sizeof d->tags[i]) == 0) {
            return;
        }
    }
    if (d->tag_count < SEEN_TAGS_MAX) {
        memcpy(d->tags[d->tag_count], tag, sizeof d->tags[0]);
        d->senders[d->tag_count++] = *from;
    }
}

static void take_one(struct doctor *d, int fd)
{
    uint8_t data[ROOM];
    struct udp_arrival arrival = {0};
    int len = udp_system_receive(fd, true, data, sizeof data, &arrival);
    size_t which;
    if (len < 0) {
        return;
    }
    if (is_own_echo(d, &arrival.from, &which)) {
        d->tried[which].result = HEARD;
    } else {
        count(d, data, (size_t)len, &arrival.from);
    }
}

static bool awaits_echo(const struct doctor *d)
{
    size_t i = 0;
    while (i < d->interfaces.count && d->tried[i].result != SILENT) {
        i++;
    }
    return i < d->interfaces.count;
}

/* Takes what comes to the group until then; with `echoes`, until none is awaited any more. */
static void take(struct doctor *d, int64_t until, bool echoes)
{
    for (int64_t now = clock_now(); now < until && (!echoes || awaits_echo(d)); now = clock_now()) {
        struct pollfd fds[INTERFACES_MAX + 1] = {{.fd = d->shared, .events = POLLIN}};
        for (size_t i = 0; i < d->interfaces.count; i++) { /* poll(2) passes over -1 */
            fds[i + 1] = (struct pollfd){.fd = d->tried[i].ear, .events = POLLIN};
        }
        if (wait_for(fds, d->interfaces.count + 1, until - now) < 0) {
            return;
        }
        for (size_t i = 0; i <= d->interfaces.count; i++) {
            if (fds[i].revents != 0) {
                take_one(d, fds[i].fd);
            }
        }
    }
}

/* The group on this interface: that of IPv6 is another one on each. */
static struct addr group_on(const struct doctor *d, const struct interface *interface)
{
    struct addr group = interface->addr.family == ADDR_IPV4 ? d->group : d->group6;
    group.ifindex = interface->addr.family == ADDR_IPV4 ? 0 : interface->index;
    return group;
}

/* Joins the group there, and says something to it. */
static uint8_t try_one(struct doctor *d, const struct interface *interface, struct tried *t)
{
    bool six = interface->addr.family == ADDR_IPV6;
    struct addr group = group_on(d, interface);
    int mouth = six ? d->private6 : d->private4, ear = d->shared;
    if (mouth < 0 || (!six && ear < 0)) {
        return UNTRIED; /* it is said why */
    }
    if (six) {
        uint32_t buffer = 0;
        ear = t->ear = bound_shared(&group, &buffer);
    }
    if (ear < 0) {
        return NOT_BOUND;
    }
    if (udp_system_join(ear, &group, &interface->addr) != 0) {
        return NOT_JOINED;
    }
    return udp_system_multicast(mouth, &group, &interface->addr, (const uint8_t *)"", 0) != 0 ? NOT_SENT
                                                                                              : SILENT;
}

/* It is broken where nothing comes back on an interface; where something does over the other family, members
 * find each other over that one. */
static int how_bad(const struct doctor *d, size_t which)
{
    for (size_t i = 0; i < d->interfaces.count; i++) {
        if (d->interfaces.items[i].index == d->interfaces.items[which].index && d->tried[i].result == HEARD) {
            return DOCTOR_WARNING;
        }
    }
    return DOCTOR_BROKEN;
}

static void say_tried(struct doctor *d, size_t i)
{
    struct findings *f = &d->findings;
    bool six = d->interfaces.items[i].addr.family == ADDR_IPV6;
    const char *name = d->interfaces.items[i].name, *over = six ? " over IPv6" : "";
    const char *trouble = strerror(d->tried[i].trouble);
    int level = how_bad(d, i);
    switch (d->tried[i].result) {
    case HEARD:
        findings_ok(f, "echo", "what is sent to the group on %s%s comes back", name, over);
        break;
    case NOT_BOUND:
        findings_cause(f, level, "group_port_taken", mend_port(d->tried[i].trouble),
                       "UDP port %u cannot be had on %s%s: %s", d->group.port, name, over, trouble);
        break;
    case NOT_JOINED:
        findings_cause(f, level, "no_echo",
                       six ? "see the system's own words, or set the option ipv6 to false"
                           : "raise net.ipv4.igmp_max_memberships, or name fewer interfaces",
                       "the group cannot be joined on %s%s: %s", name, over, trouble);
        break;
    case NOT_SENT:
        findings_cause(f, level, "no_echo",
                       "look for a firewall of this host that drops UDP out, or for a missing route",
                       "nothing can be sent to the group on %s%s: %s", name, over, trouble);
        break;
    case SILENT:
        findings_cause(f, level, "no_echo",
                       "look for a firewall of this host that drops UDP in to the group's port "
                       "(nft list ruleset, iptables -S, ip6tables -S)",
                       "what is sent to the group on %s%s does not come back to this host itself", name,
                       over);
        break;
    default:
        break;
    }
}

void doctor_try_group(struct doctor *d)
{
    for (size_t i = 0; i < d->interfaces.count; i++) {
        d->tried[i].result = try_one(d, &d->interfaces.items[i], &d->tried[i]);
        d->tried[i].trouble = errno;
    }
    take(d, clock_now() + ECHO_US, true);
    for (size_t i = 0; i < d->interfaces.count; i++) {
        say_tried(d, i);
    }
}

void doctor_listen(struct doctor *d)
{
    int64_t listen = d->arguments.listen_us > 0 ? d->arguments.listen_us : LISTEN_US;
    take(d, clock_now() + listen, false);
    findings_ok(&d->findings, "packets", "%u packets of others came to the group in %u s", d->others,
                (unsigned)(listen / SECOND_US));
    for (size_t i = 0; i < d->tag_count; i++) {
        char text[IP_TEXT];
        const uint8_t *tag = d->tags[i];
        findings_ok(&d->findings, "key_tag", "key tag %02x%02x%02x%02x is heard from %s", tag[0], tag[1],
                    tag[2], tag[3], ip_text(&d->senders[i], text));
    }
    if (d->others == 0) {
        findings_cause(
            &d->findings, DOCTOR_WARNING, "alone",
            "see that a node runs on another host, and what lies between (a switch, Wi-Fi, a firewall)",
            "nothing of others is heard");
    }
}
