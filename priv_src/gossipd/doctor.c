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
    struct addr group;
    int shared, private_fd;
    uint16_t private_port;
    struct interface_list interfaces;
    bool echo[INTERFACES_MAX];
    unsigned others;                    /* datagrams that came to the group, but for the echoes */
    uint8_t tags[SEEN_TAGS_MAX][4];     /* of the keys under which they were sealed, */
    struct addr senders[SEEN_TAGS_MAX]; /* and who sent one of those */
    size_t tag_count;
    struct findings findings;
};

static void look_at_interfaces(struct doctor *d)
{
    struct interface_filter all = {.mode = FILTER_ALL};
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

/* Takes what comes to the group until then, or until all echoes of `wanted` interfaces are there. */
static void take(struct doctor *d, int64_t until, size_t wanted)
{
    size_t echoes = 0;
    for (int64_t now = clock_now(); now < until && (wanted == 0 || echoes < wanted); now = clock_now()) {
        struct pollfd poll_fd = {.fd = d->shared, .events = POLLIN};
        int ready = poll(&poll_fd, 1, (int)((until - now) / MS_US) + 1);
        if (ready < 0 && errno != EINTR) {
            return;
        }
        if (ready <= 0) {
            continue;
        }
        uint8_t data[ROOM];
        struct udp_arrival arrival = {0};
        int len = udp_system_receive(d->shared, true, data, sizeof data, &arrival);
        size_t which;
        if (len < 0) {
            continue;
        }
        if (is_own_echo(d, &arrival.from, &which)) {
            echoes += d->echo[which] ? 0 : 1;
            d->echo[which] = true;
        } else {
            count(d, data, (size_t)len, &arrival.from);
        }
    }
}

/* What is sent to the group comes back to this host itself, unless it drops it. */
static void try_group(struct doctor *d)
{
    size_t sent = 0;
    bool tried[INTERFACES_MAX] = {false};
    for (size_t i = 0; i < d->interfaces.count; i++) {
        const struct interface *interface = &d->interfaces.items[i];
        if (interface->addr.family != ADDR_IPV4) {
            continue;
        }
        if (udp_system_join(d->shared, &d->group, &interface->addr) != 0) {
            findings_cause(&d->findings, DOCTOR_BROKEN, "no_echo",
                           "raise net.ipv4.igmp_max_memberships, or name fewer interfaces",
                           "the group cannot be joined on %s: %s", interface->name, strerror(errno));
        } else if (udp_system_multicast(d->private_fd, &d->group, &interface->addr, (const uint8_t *)"", 0) !=
                   0) {
            findings_cause(&d->findings, DOCTOR_BROKEN, "no_echo",
                           "look for a firewall of this host that drops UDP out, or for a missing route",
                           "nothing can be sent to the group on %s: %s", interface->name, strerror(errno));
        } else {
            tried[i] = true;
            sent++;
        }
    }
    if (sent > 0) {
        take(d, clock_now() + ECHO_US, sent);
    }
    for (size_t i = 0; i < d->interfaces.count; i++) {
        const char *name = d->interfaces.items[i].name;
        if (tried[i] && d->echo[i]) {
            findings_ok(&d->findings, "echo", "what is sent to the group on %s comes back", name);
        } else if (tried[i]) {
            findings_cause(&d->findings, DOCTOR_BROKEN, "no_echo",
                           "look for a firewall of this host that drops UDP in to the group's port "
                           "(nft list ruleset, iptables -S)",
                           "what is sent to the group on %s does not come back to this host itself", name);
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

int doctor_run(const struct addr *group, bool json)
{
    struct doctor *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)fputs("gossipd doctor: memory is short\n", stderr);
        return DOCTOR_BROKEN;
    }
    d->group = *group;
    d->findings.json = json;
    d->shared = d->private_fd = -1;
    look_at_interfaces(d);
    open_private(d);
    open_shared(d);
    if (d->shared >= 0 && d->private_fd >= 0) {
        try_group(d);
    }
    if (d->shared >= 0) {
        listen_to_others(d);
        (void)close(d->shared);
    }
    if (d->private_fd >= 0) {
        (void)close(d->private_fd);
    }
    int status = findings_end(&d->findings);
    free(d);
    return status;
}
