/* The doctor looks with the means of the sidecar itself: the same choice of interfaces, the same sockets. */
#include "doctor.h"

#include "clock.h"
#include "decimal.h"
#include "findings.h"
#include "interfaces.h"
#include "ip.h"
#include "seal.h"
#include "udp_system.h"
#include "units.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNICAST_PORTS 8 /* above the group's: the default of the option unicast_port */
#define ECHO_US       (500 * MS_US)
#define LISTEN_US     (3 * SECOND_US)
#define SEEN_TAGS_MAX 8
#define ROOM          2048 /* more than any datagram of ours has */

struct doctor {
    struct addr group, group6;
    int shared, private_fd, private6; /* the last: where there is IPv6, at the port of the other */
    uint16_t private_port;
    struct interface_list interfaces;
    int shared6[INTERFACES_MAX]; /* what hears the group of IPv6 on each of these; -1: nothing */
    bool echo[INTERFACES_MAX];
    unsigned others;                    /* datagrams that came to the group, but for the echoes */
    uint8_t tags[SEEN_TAGS_MAX][4];     /* of the keys under which they were sealed, */
    struct addr senders[SEEN_TAGS_MAX]; /* and who sent one of those */
    size_t tag_count;
    struct findings findings;
};

static void look_at_interfaces(struct doctor *d)
{
    struct interface_filter all = {.mode = FILTER_ALL, .ipv6 = true};
    if (interfaces_list(&all, &d->interfaces, NULL) != 0) {
        findings_cause(&d->findings, DOCTOR_WARNING, "no_interfaces_told", "look for a sandbox or a limit",
                       "the interfaces cannot be listed: %s", strerror(errno));
        return;
    }
    for (size_t i = 0; i < d->interfaces.count; i++) {
        char text[IP_TEXT];
        const struct interface *interface = &d->interfaces.items[i];
        findings_ok(&d->findings, "interfaces", "interface %s %s", interface->name,
                    ip_text(&interface->addr, text));
    }
    if (d->interfaces.count == 0 || d->interfaces.fallback) {
        findings_cause(&d->findings, DOCTOR_BROKEN, "no_network", "connect this host to a network",
                       "no interface but the loopback is up with an IP address");
    }
}

/* The same port of IPv6, as the sidecar wants it. A system without IPv6 has none, and no trouble. */
static void open_private6(struct doctor *d)
{
    uint32_t buffer = 0;
    d->private6 = d->private_fd < 0 ? -1 : udp_system_open(ADDR_IPV6, false, 0, &buffer);
    if (d->private6 >= 0 && udp_system_bind_alone(d->private6, ADDR_IPV6, d->private_port) != 0) {
        findings_cause(&d->findings, DOCTOR_WARNING, "unicast_port",
                       "see who has it (ss -ulpn), or name others by the option unicast_port",
                       "UDP port %u of IPv6 cannot be had: %s", d->private_port, strerror(errno));
        (void)close(d->private6);
        d->private6 = -1;
    }
}

/* The first free port above the group's, from which everything is sent. */
static void open_private(struct doctor *d)
{
    unsigned taken = 0;
    for (uint16_t i = 1; i <= UNICAST_PORTS; i++) {
        uint32_t buffer = 0;
        int fd = udp_system_open(ADDR_IPV4, false, 0, &buffer);
        if (fd < 0) {
            findings_cause(&d->findings, DOCTOR_BROKEN, "socket", "raise the limits, or look for a sandbox",
                           "a UDP socket cannot be opened: %s", strerror(errno));
            return;
        }
        if (udp_system_bind_alone(fd, ADDR_IPV4, (uint16_t)(d->group.port + i)) != 0) {
            taken++;
            (void)close(fd);
        } else if (d->private_fd < 0) {
            d->private_fd = fd;
            d->private_port = (uint16_t)(d->group.port + i);
        } else {
            (void)close(fd);
        }
    }
    findings_ok(&d->findings, "unicast_ports", "%u of the UDP ports %u to %u are taken", taken,
                d->group.port + 1U, d->group.port + (unsigned)UNICAST_PORTS);
    if (taken == UNICAST_PORTS) {
        findings_cause(&d->findings, DOCTOR_WARNING, "unicast_port",
                       "see who has them (ss -ulpn), or name others by the option unicast_port",
                       "UDP ports %u to %u are all taken, or forbidden", d->group.port + 1U,
                       d->group.port + (unsigned)UNICAST_PORTS);
    }
}

static void open_shared(struct doctor *d)
{
    uint32_t buffer = 0;
    d->shared = udp_system_open(ADDR_IPV4, true, 0, &buffer);
    if (d->shared >= 0 && udp_system_bind_shared(d->shared, &d->group) == 0) {
        findings_ok(&d->findings, "group_port", "UDP port %u can be shared; receive buffer %u bytes",
                    d->group.port, buffer);
        return;
    }
    const char *mend = errno == EADDRINUSE
                           ? "stop the program that has it (ss -ulpn names it), or give every node "
                             "another option port"
                           : "see the system's own words";
    findings_cause(&d->findings, DOCTOR_BROKEN, "group_port_taken", mend, "UDP port %u cannot be had: %s",
                   d->group.port, strerror(errno));
    if (d->shared >= 0) {
        (void)close(d->shared);
        d->shared = -1;
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

static void count(struct doctor *d, const uint8_t *data, size_t len, const struct addr *from)
{
    static const uint8_t magic[] = {'G', 'S', 'C', SEAL_VERSION};
    d->others++;
    if (len < SEAL_OVERHEAD || memcmp(data, magic, sizeof magic) != 0) {
        return;
    }
    const uint8_t *tag = data + sizeof magic;
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

/* True: it is the first echo of an interface. */
static bool take_one(struct doctor *d, int fd)
{
    uint8_t data[ROOM];
    struct udp_arrival arrival = {0};
    int len = udp_system_receive(fd, true, data, sizeof data, &arrival);
    size_t which;
    if (len < 0) {
        return false;
    }
    if (!is_own_echo(d, &arrival.from, &which)) {
        count(d, data, (size_t)len, &arrival.from);
        return false;
    }
    bool first = !d->echo[which];
    d->echo[which] = true;
    return first;
}

/* Takes what comes to the group until then, or until all echoes of `wanted` interfaces are there. */
static void take(struct doctor *d, int64_t until, size_t wanted)
{
    size_t echoes = 0;
    for (int64_t now = clock_now(); now < until && (wanted == 0 || echoes < wanted); now = clock_now()) {
        struct pollfd fds[INTERFACES_MAX + 1] = {{.fd = d->shared, .events = POLLIN}};
        for (size_t i = 0; i < d->interfaces.count; i++) { /* poll(2) passes over -1 */
            fds[i + 1] = (struct pollfd){.fd = d->shared6[i], .events = POLLIN};
        }
        int ready = poll(fds, d->interfaces.count + 1, (int)((until - now) / MS_US) + 1);
        if (ready < 0 && errno != EINTR) {
            return;
        }
        for (size_t i = 0; ready > 0 && i <= d->interfaces.count; i++) {
            echoes += fds[i].revents != 0 && take_one(d, fds[i].fd) ? 1 : 0;
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

/* What hears the group on the i-th interface is joined: 0, or -1 and errno. */
static int join(struct doctor *d, size_t i)
{
    const struct interface *interface = &d->interfaces.items[i];
    struct addr group = group_on(d, interface);
    uint32_t buffer = 0;
    if (group.family == ADDR_IPV4) {
        return udp_system_join(d->shared, &group, &interface->addr);
    }
    d->shared6[i] = udp_system_open(ADDR_IPV6, true, 0, &buffer);
    if (d->shared6[i] < 0 || udp_system_bind_shared(d->shared6[i], &group) != 0) {
        return -1;
    }
    return udp_system_join(d->shared6[i], &group, &interface->addr);
}

/* What is wrong over IPv6 alone is no worse than a warning where there is IPv4. */
static int level_of(const struct doctor *d, const struct interface *interface)
{
    size_t i = 0;
    while (i < d->interfaces.count && (d->interfaces.items[i].index != interface->index ||
                                       d->interfaces.items[i].addr.family != ADDR_IPV4)) {
        i++;
    }
    return interface->addr.family == ADDR_IPV4 || i == d->interfaces.count ? DOCTOR_BROKEN : DOCTOR_WARNING;
}

static const char *over(const struct interface *interface)
{
    return interface->addr.family == ADDR_IPV4 ? "" : " over IPv6";
}

/* True: an echo is to be waited for. */
static bool try_interface(struct doctor *d, size_t i)
{
    const struct interface *interface = &d->interfaces.items[i];
    bool four = interface->addr.family == ADDR_IPV4;
    struct addr group = group_on(d, interface);
    if (!four && d->private6 < 0) {
        return false;
    }
    if (join(d, i) != 0) {
        findings_cause(&d->findings, level_of(d, interface), "no_echo",
                       four ? "raise net.ipv4.igmp_max_memberships, or name fewer interfaces"
                            : "see the system's own words, or set the option ipv6 to false",
                       "the group cannot be joined on %s%s: %s", interface->name, over(interface),
                       strerror(errno));
        return false;
    }
    if (udp_system_multicast(four ? d->private_fd : d->private6, &group, &interface->addr,
                             (const uint8_t *)"", 0) != 0) {
        findings_cause(&d->findings, level_of(d, interface), "no_echo",
                       "look for a firewall of this host that drops UDP out, or for a missing route",
                       "nothing can be sent to the group on %s%s: %s", interface->name, over(interface),
                       strerror(errno));
        return false;
    }
    return true;
}

/* What is sent to the group comes back to this host itself, unless it drops it. */
static void try_group(struct doctor *d)
{
    size_t sent = 0;
    bool tried[INTERFACES_MAX] = {false};
    for (size_t i = 0; i < d->interfaces.count; i++) {
        tried[i] = try_interface(d, i);
        sent += tried[i] ? 1 : 0;
    }
    if (sent > 0) {
        take(d, clock_now() + ECHO_US, sent);
    }
    for (size_t i = 0; i < d->interfaces.count; i++) {
        const struct interface *interface = &d->interfaces.items[i];
        if (tried[i] && d->echo[i]) {
            findings_ok(&d->findings, "echo", "what is sent to the group on %s%s comes back", interface->name,
                        over(interface));
        } else if (tried[i]) {
            findings_cause(&d->findings, level_of(d, interface), "no_echo",
                           "look for a firewall of this host that drops UDP in to the group's port "
                           "(nft list ruleset, iptables -S)",
                           "what is sent to the group on %s%s does not come back to this host itself",
                           interface->name, over(interface));
        }
    }
}

static void listen_to_others(struct doctor *d)
{
    take(d, clock_now() + LISTEN_US, 0);
    findings_ok(&d->findings, "packets", "%u packets of others came to the group in three seconds",
                d->others);
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

int doctor_group(const char *ip, const char *port, struct addr *group)
{
    uint8_t bytes[4];
    const char *text = ip != NULL ? ip : GROUP_DEFAULT;
    uint32_t number = PORT_DEFAULT;
    if (ip_parse_group((const uint8_t *)text, strlen(text), bytes) != 0 ||
        (port != NULL && decimal_parse(port, strlen(port), 1, UINT16_MAX - UNICAST_PORTS, &number) != 0)) {
        return -1;
    }
    *group = addr_ipv4(bytes, (uint16_t)number, 0);
    return 0;
}

/* The default; one of a node's own choice needs no other answer. */
static struct addr group6(uint16_t port)
{
    uint8_t bytes[16] = {0};
    (void)ip_parse_group6((const uint8_t *)GROUP6_DEFAULT, strlen(GROUP6_DEFAULT), bytes);
    return addr_ipv6(bytes, port, 0);
}

static void close_all(struct doctor *d)
{
    for (size_t i = 0; i < d->interfaces.count; i++) {
        if (d->shared6[i] >= 0) {
            (void)close(d->shared6[i]);
        }
    }
    const int fds[] = {d->shared, d->private_fd, d->private6};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

int doctor_run(const struct addr *group, bool json)
{
    struct doctor *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)fputs("gossipd doctor: memory is short\n", stderr);
        return DOCTOR_BROKEN;
    }
    d->group = *group;
    d->group6 = group6(group->port);
    d->findings.json = json;
    d->shared = d->private_fd = d->private6 = -1;
    for (size_t i = 0; i < INTERFACES_MAX; i++) {
        d->shared6[i] = -1;
    }
    look_at_interfaces(d);
    open_private(d);
    open_private6(d);
    open_shared(d);
    if (d->shared >= 0 && d->private_fd >= 0) {
        try_group(d);
    }
    if (d->shared >= 0) {
        listen_to_others(d);
    }
    close_all(d);
    int status = findings_end(&d->findings);
    free(d);
    return status;
}
