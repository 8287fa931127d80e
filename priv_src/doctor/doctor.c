/* The doctor looks with the means of the sidecar itself: the same choice of interfaces, the same sockets. */
#include "doctor.h"

#include "doctor_parts.h"
#include "ip.h"
#include "peer_ask.h"
#include "refusal.h"
#include "resolve.h"
#include "sandbox.h"
#include "secret_input.h"
#include "udp_system.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESOLVE_US (5 * SECOND_US)

const char doctor_help[] =
    "gossipd doctor looks at this host's network, and with PEER at one other node, and says\n"
    "in a line a cause what is wrong and what to do. It changes nothing.\n"
    "\n"
    "    gossipd doctor\n"
    "    gossipd doctor b@h2 --secret-file ~/.erlang.cookie\n"
    "    gossipd doctor 198.51.100.2:45894 --kind key --json < cluster.key\n"
    "\n"
    "  PEER                a node's name, a host's name or an address; behind a colon, where it\n"
    "                      has an option unicast_port, its UDP port (\"[2001:db8::1]:45894\").\n"
    "                      Whether UDP passes both ways, whether it has the same secret, and\n"
    "                      whether TCP to its distribution passes\n"
    "  --secret-file FILE  the secret. Without it: stdin; a terminal is asked. What is a pipe\n"
    "                      has 10 s to come to its end. By an empty stdin nobody can be asked:\n"
    "                      then less can be told\n"
    "  --kind KIND         what the secret is: cookie (as is default), passphrase, key\n"
    "  --cluster LABEL     the option of the nodes, where they have it\n"
    "  --group IP          the options of the nodes, where they have any. By default the\n"
    "  --group6 IP         group is 233.252.1.33 and ff12::6763, and the port 45893\n"
    "  --port PORT\n"
    "  --no-ipv6           IPv4 alone\n"
    "  --interface NAME    this one: a name, a pattern, or an IP address; more than once\n"
    "  --except NAME       all but this one; more than once\n"
    "  --for SECONDS       listen to others so long; 3 as is default\n"
    "  --json              one line of JSON; {\"error\": ...} where it could not be done\n"
    "\n"
    "What it cannot see, mix gossip.doctor and GossipCluster.doctor/1 do: firewalls by their\n"
    "rules, types of names and cookies that differ, certificates, and what the cluster knows.\n"
    "Exit status: 0 all is well, 1 a warning, 2 broken, or it could not be done.\n";

static void close_one(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void look_at_interfaces(struct doctor *d)
{
    if (d->unlisted != 0) {
        findings_cause(&d->findings, DOCTOR_WARNING, "no_interfaces_told", "look for a sandbox or a limit",
                       "the interfaces cannot be listed: %s", strerror(d->unlisted));
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
    if (d->interfaces.fallback) {
        findings_cause(
            &d->findings, DOCTOR_WARNING, "no_network", "connect this host to a network",
            "no interface but the loopback may be used and is up with an IP address: nodes on this "
            "machine find each other, and no other host can be found");
    } else if (d->interfaces.count == 0) {
        findings_cause(&d->findings, DOCTOR_BROKEN, "no_network",
                       "connect this host to a network, and bring an interface up",
                       "no interface that may be used is up with an IP address");
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

static void look_at_peer(struct doctor *d)
{
    struct peer_facts *p = &d->peer;
    uint16_t first = p->target.port != 0 ? p->target.port : (uint16_t)(d->group.port + 1);
    p->count = p->target.port != 0 ? 1 : UNICAST_PORTS;
    for (size_t i = 0; i < p->count; i++) {
        p->doors[i].port = (uint16_t)(first + i);
    }
    p->asked_under_key = d->ring.count > 0;
    p->epmd = TCP_UNTRIED;
    if (p->at.family != ADDR_NONE) {
        uint32_t buffer = 0;
        int own = p->at.family == ADDR_IPV4 ? d->private4 : d->private6;
        int other = own < 0 ? udp_system_open(p->at.family, false, 0, &buffer) : -1;
        peer_ask(p, &d->ring, own < 0 ? other : own);
        peer_connect(p);
        close_one(other);
    }
    peer_judge(&d->findings, p);
}

/* Where it has a secret. Not the walls of files, which deny TCP, nor the list of calls, which has none of it.
 */
static void confine(void)
{
    char missing[SANDBOX_TEXT];
    struct sandbox_options walls = {.walls = SANDBOX_PRIVILEGES | SANDBOX_CAPABILITIES};
    (void)sandbox_raise(&walls, missing);
}

static void look(struct doctor *d)
{
    look_at_interfaces(d);
    open_private(d);
    doctor_open_shared(d);
    if (d->private_port != 0) {
        doctor_try_group(d);
    }
    if (d->ring.count > 0) {
        confine();
    }
    if (d->shared >= 0) {
        doctor_listen(d);
    }
    if (d->arguments.peer != NULL) {
        look_at_peer(d);
    }
}

/* Who is asked about, and the secret to ask with: 0, or -1 and a fault, or a signal. */
static int read_peer(struct doctor *d, char why[static RESOLVE_TEXT], struct fault *fault)
{
    struct arguments *a = &d->arguments;
    struct peer_facts *p = &d->peer;
    struct piped_size size;
    if (target_read(&p->target, a->peer) != 0) {
        return fault_set(fault, FAULT_BAD_CONFIG,
                         "PEER must be a node's name, a host's name or an address, and a port of 1..65535");
    }
    p->why = why;
    if (resolve(p->target.host, a->filter.ipv6, RESOLVE_US, &p->at, why) == 0) {
        struct addr any = p->at;
        any.port = 1;
        if (!addr_is_endpoint(&any) || subnets_broadcast(&d->own, &any)) {
            return fault_set(fault, FAULT_BAD_CONFIG,
                             "PEER must be one node's address; a group is told by --group");
        }
        if (addr_is_scoped(&any) && any.ifindex == 0) {
            return fault_set(
                fault, FAULT_BAD_CONFIG,
                "PEER must name the interface behind a link-local address, as fe80::1%%eth0 does");
        }
    }
    if (seal_init() != 0) {
        return fault_set(fault, FAULT_MEMORY, "libsodium cannot be made ready");
    }
    int result = secret_input(a, &d->ring, &size, fault);
    p->tag = d->ring.count > 0 ? keyring_tag(&d->ring) : 0;
    p->own = &d->own;
    p->near = addr_is_loopback(&p->at) || subnets_near(&d->own, &p->at);
    return result;
}

static int prepare(struct doctor *d, int argc, char **argv, char why[static RESOLVE_TEXT],
                   struct fault *fault)
{
    if (arguments_read(&d->arguments, ASKS_DOCTOR, argc, argv, fault) != 0) {
        return -1;
    }
    d->group = d->arguments.udp.group;
    d->group6 = d->arguments.udp.group6;
    d->group6.port = d->group.port;
    d->findings.json = d->arguments.json;
    d->unlisted = interfaces_list(&d->arguments.filter, &d->interfaces, &d->own) != 0 ? errno : 0;
    return d->arguments.peer != NULL ? read_peer(d, why, fault) : 0;
}

static void close_all(struct doctor *d)
{
    for (size_t i = 0; i < INTERFACES_MAX; i++) {
        close_one(d->tried[i].ear);
    }
    close_one(d->shared);
    close_one(d->private4);
    close_one(d->private6);
}

int doctor_run(int argc, char **argv)
{
    struct fault fault = {0};
    char why[RESOLVE_TEXT] = "";
    struct doctor *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)fputs("gossipd doctor: memory is short\n", stderr);
        return DOCTOR_BROKEN;
    }
    d->shared = d->private4 = d->private6 = -1;
    for (size_t i = 0; i < INTERFACES_MAX; i++) {
        d->tried[i].ear = -1;
    }
    int result = prepare(d, argc, argv, why, &fault), status = DOCTOR_BROKEN;
    if (result == 0) {
        look(d);
        status = findings_end(&d->findings);
    } else if (result < 0) {
        refusal_say("gossipd doctor", d->arguments.json, &fault);
    }
    close_all(d);
    keyring_wipe(&d->ring);
    free(d);
    if (result > 0) {
        tty_obey(result);
    }
    return status;
}
