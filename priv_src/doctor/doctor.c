/* The doctor looks with the means of the sidecar itself: the same choice of interfaces, the same sockets. */
#include "doctor.h"

#include "doctor_parts.h"
#include "ip.h"
#include "udp_system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char doctor_help[] =
    "gossipd doctor looks at this host's network, and says in a line a cause what is wrong\n"
    "and what to do. It changes nothing.\n"
    "\n"
    "    gossipd doctor\n"
    "    gossipd doctor --group 239.1.2.3 --port 4000 --json\n"
    "\n"
    "  --group IP          the options of the nodes, where they have any. By default the\n"
    "  --group6 IP         group is 233.252.1.33 and ff12::6763, and the port 45893\n"
    "  --port PORT\n"
    "  --no-ipv6           IPv4 alone\n"
    "  --interface NAME    this one: a name, a pattern, or an IP address; more than once\n"
    "  --except NAME       all but this one; more than once\n"
    "  --for SECONDS       listen to others so long; 3 as is default\n"
    "  --json              one line of JSON\n"
    "\n"
    "Exit status: 0 all is well, 1 a warning, 2 broken, or it could not be done.\n";

static void close_one(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void look_at_interfaces(struct doctor *d)
{
    if (interfaces_list(&d->arguments.filter, &d->interfaces, NULL) != 0) {
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
    for (size_t i = 0; i < d->arguments.filter.count; i++) {
        if ((d->interfaces.missing >> i & 1) != 0) {
            findings_cause(&d->findings, DOCTOR_WARNING, "interface", "bring it up, or correct --interface",
                           "%s, which is named, is no interface that is up", d->arguments.filter.items[i]);
        }
    }
    if (d->interfaces.count == 0 || d->interfaces.fallback) {
        findings_cause(&d->findings, DOCTOR_BROKEN, "no_network", "connect this host to a network",
                       "no interface but the loopback is up with an IP address");
    }
}

static bool has_ipv6(const struct doctor *d)
{
    size_t i = 0;
    while (i < d->interfaces.count && d->interfaces.items[i].addr.family != ADDR_IPV6) {
        i++;
    }
    return i < d->interfaces.count;
}

/* A socket at that port, or -1 and errno; `refused`: it was the port that could not be had. */
static int bound_alone(uint8_t family, uint16_t port, bool *refused)
{
    uint32_t buffer = 0;
    int fd = udp_system_open(family, false, 0, &buffer);
    if (fd >= 0 && udp_system_bind_alone(fd, family, port) != 0) {
        udp_system_abandon(fd);
        *refused = true;
        return -1;
    }
    return fd;
}

/* Keeps the sockets at the first port above the group's that is free over IPv4, and over IPv6 if that is
 * wanted, too. Returns how many ports are not, or -1 where no socket can be had at all. */
static int choose_port(struct doctor *d, bool six)
{
    int taken = 0;
    for (uint16_t i = 1; i <= UNICAST_PORTS; i++) {
        bool refused = false;
        uint16_t port = (uint16_t)(d->group.port + i);
        int fd = bound_alone(ADDR_IPV4, port, &refused);
        if (fd < 0 && !refused) {
            return -1;
        }
        int fd6 = six && fd >= 0 ? bound_alone(ADDR_IPV6, port, &refused) : -1;
        taken += refused ? 1 : 0;
        if (refused || d->private_port != 0) {
            close_one(fd);
            close_one(fd6);
        } else {
            d->private4 = fd;
            d->private6 = fd6;
            d->private_port = port;
        }
    }
    return taken;
}

/* As the sidecar does: the same port of both families, else one of IPv4. */
static void open_private(struct doctor *d)
{
    unsigned first = d->group.port + 1U, last = d->group.port + (unsigned)UNICAST_PORTS;
    bool six = has_ipv6(d);
    int taken = choose_port(d, six);
    if (taken < 0) {
        findings_cause(&d->findings, DOCTOR_BROKEN, "socket", "raise the limits, or look for a sandbox",
                       "a UDP socket cannot be opened: %s", strerror(errno));
        return;
    }
    findings_ok(&d->findings, "unicast_ports", "%d of the UDP ports %u to %u are taken", taken, first, last);
    if (d->private_port == 0) {
        findings_cause(&d->findings, DOCTOR_WARNING, "unicast_port",
                       "see who has them (ss -ulpn), or name others by the option unicast_port",
                       "UDP ports %u to %u are all taken, or forbidden", first, last);
        (void)choose_port(d, false);
    }
}

static void look(struct doctor *d)
{
    look_at_interfaces(d);
    open_private(d);
    doctor_open_shared(d);
    if (d->private_port != 0) {
        doctor_try_group(d);
    }
    if (d->shared >= 0) {
        doctor_listen(d);
    }
}

static int refuse(const struct fault *fault)
{
    (void)fprintf(stderr, "gossipd doctor: %s (gossipd doctor --help)\n", fault->text);
    return DOCTOR_BROKEN;
}

int doctor_run(int argc, char **argv)
{
    struct fault fault = {0};
    struct doctor *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)fputs("gossipd doctor: memory is short\n", stderr);
        return DOCTOR_BROKEN;
    }
    if (arguments_read(&d->arguments, ASKS_DOCTOR, argc, argv, &fault) != 0) {
        free(d);
        return refuse(&fault);
    }
    d->group = d->arguments.udp.group;
    d->group6 = d->arguments.udp.group6;
    d->group6.port = d->group.port;
    d->findings.json = d->arguments.json;
    d->shared = d->private4 = d->private6 = -1;
    for (size_t i = 0; i < INTERFACES_MAX; i++) {
        d->tried[i].ear = -1;
    }
    look(d);
    for (size_t i = 0; i < INTERFACES_MAX; i++) {
        close_one(d->tried[i].ear);
    }
    close_one(d->shared);
    close_one(d->private4);
    close_one(d->private6);
    int status = findings_end(&d->findings);
    free(d);
    return status;
}
