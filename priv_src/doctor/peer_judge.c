/* What is found out about another node becomes findings. A cause is named where a fact shows it; silence
 * alone shows none, and is called so. That somebody lives there with the secret only an answer shows, which
 * has our own nonce under the seal: all else that seems to come from there may be forged, or recorded. */
#include "peer.h"

#include "ip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LABEL_TEXT (NAME_MAX_LEN + 8)

static const struct name *name_of(const struct peer_door *d)
{
    return &d->answer.id.name;
}

static const char *label(const struct peer_door *d, char out[static LABEL_TEXT])
{
    (void)snprintf(out, LABEL_TEXT, "%.*s", (int)name_of(d)->len, name_of(d)->text);
    return name_of(d)->len > 0 ? out : "a node without a name";
}

/* "port 45894", "ports 45894 and 45895", "ports 45894 to 45901" */
static const char *ports(const struct peer_facts *p, size_t count, char out[static 32])
{
    unsigned first = p->doors[0].port, last = first + (unsigned)count - 1;
    if (count <= 1) {
        (void)snprintf(out, 32, "port %u", first);
    } else {
        (void)snprintf(out, 32, "ports %u %s %u", first, count == 2 ? "and" : "to", last);
    }
    return out;
}

static bool all_closed(const struct peer_facts *p)
{
    size_t i = 0;
    while (i < p->poked && p->closed[i]) {
        i++;
    }
    return p->poked > 0 && i == p->poked;
}

/* Who is meant: the one that is named, or whoever stands there. */
static bool is_meant(const struct peer_facts *p, const struct peer_door *d)
{
    return d->answered && (p->target.name.len == 0 || name_same(&p->target.name, name_of(d)));
}

static void judge_kind(struct findings *f, const struct peer_door *d)
{
    char text[LABEL_TEXT];
    uint8_t flags = d->answer.id.flags;
    findings_ok(f, "peer", "%s: a %s name%s, distribution over %s and %s", label(d, text),
                (flags & IDENTITY_LONG_NAMES) != 0 ? "long" : "short",
                (flags & IDENTITY_HIDDEN) != 0 ? ", hidden" : "",
                (flags & IDENTITY_TLS) != 0 ? "TLS" : "plain TCP",
                (flags & IDENTITY_IPV6_DIST) != 0 ? "IPv6" : "IPv4");
    if (d->answer.isolated) {
        findings_cause(f, DOCTOR_WARNING, "isolated", "look at its cable, its network and its firewall",
                       "%s says that it hears nobody any more", label(d, text));
    }
}

static void judge_refused(struct findings *f, const struct peer_door *d, size_t i)
{
    static const struct {
        int error;
        const char *what, *mend;
    } known[] = {
        {ECONNREFUSED, "refused",
         "open that TCP port, and see that the node runs there (inet_dist_listen_min and _max give it a "
         "fixed "
         "one)"},
        {ETIMEDOUT, "timeout", "open that TCP port in the firewalls of both hosts and between them"},
        {EHOSTUNREACH, "unreachable", "check routes, netmask and firewall"},
        {ENETUNREACH, "unreachable", "check routes, netmask and firewall"},
    };
    char text[LABEL_TEXT], ip[IP_TEXT];
    size_t k = 0;
    while (k < sizeof known / sizeof known[0] && known[k].error != d->result[i]) {
        k++;
    }
    bool is_known = k < sizeof known / sizeof known[0];
    findings_cause(f, DOCTOR_BROKEN, is_known ? known[k].what : "failed",
                   is_known ? known[k].mend : "see the system's own words",
                   "%s is not reached by TCP at %s port %u: %s", label(d, text), ip_text(&d->tried[i], ip),
                   d->tried[i].port, strerror(d->result[i]));
}

/* One that is open is enough. */
static void judge_tcp(struct findings *f, const struct peer_door *d)
{
    char text[LABEL_TEXT], ip[IP_TEXT];
    bool open = false;
    for (size_t i = 0; i < d->count; i++) {
        if (d->result[i] == TCP_OPEN) {
            findings_ok(f, "tcp", "%s is reached by TCP at %s port %u", label(d, text),
                        ip_text(&d->tried[i], ip), d->tried[i].port);
            open = true;
        }
    }
    for (size_t i = 0; i < d->count && !open; i++) {
        judge_refused(f, d, i);
    }
}

static bool listens_on_loopback(const struct peer_door *d)
{
    struct addr all[HOST_ADDRS];
    return d->answer.host.len > 0 && d->answer.host.bytes[0] == 1 &&
           host_addresses(&d->answer.host, 1, all) > 0 && addr_is_loopback(&all[0]);
}

/* Nothing of it could be tried. */
static void judge_untried(struct findings *f, const struct peer_facts *p, const struct peer_door *d)
{
    char text[LABEL_TEXT];
    bool six = (d->answer.id.flags & IDENTITY_IPV6_DIST) != 0;
    if (d->answer.id.dist_port == 0) {
        findings_cause(f, DOCTOR_BROKEN, "no_port", "let its distribution listen",
                       "%s says no port of its distribution", label(d, text));
    } else if (listens_on_loopback(d)) {
        findings_cause(f, DOCTOR_BROKEN, "listens_on_loopback",
                       "leave -kernel inet_dist_use_interface out there, or give it an address that other "
                       "machines reach",
                       "the distribution of %s listens on an address of its loopback alone", label(d, text));
    } else if (six && addr_is_link_local(&p->at)) {
        findings_cause(f, DOCTOR_BROKEN, "link_local",
                       "give its network interface a global or a unique local (fd00::/8) address",
                       "%s has a link-local IPv6 address alone, which Erlang cannot dial", label(d, text));
    } else {
        findings_ok(f, "tcp", "%s says no address of %s at which its distribution could be tried",
                    label(d, text), six ? "IPv6" : "IPv4");
    }
}

static void judge_answer(struct findings *f, const struct peer_facts *p, const struct peer_door *d)
{
    char text[LABEL_TEXT], ip[IP_TEXT];
    findings_ok(f, "udp", "%s answers under this secret: UDP passes both ways to %s port %u", label(d, text),
                ip_text(&p->at, ip), d->port);
    judge_kind(f, d);
    if (d->count > 0) {
        judge_tcp(f, d);
    } else {
        judge_untried(f, p, d);
    }
}

/* Its system says so of the ports that were tried. */
static void judge_empty(struct findings *f, const struct peer_facts *p)
{
    char ip[IP_TEXT], at[32];
    findings_cause(f, DOCTOR_BROKEN, "peer_not_running",
                   "start the node there, and compare the options port and unicast_port",
                   "%s is reached by UDP, and its system says that nobody has the %s there",
                   ip_text(&p->at, ip), ports(p, p->poked, at));
}

static void judge_silence(struct findings *f, const struct peer_facts *p)
{
    char ip[IP_TEXT], at[32], mend[240];
    const char *range = ports(p, p->count, at);
    (void)ip_text(&p->at, ip);
    if (p->heard) {
        (void)snprintf(mend, sizeof mend,
                       "let UDP to the %s pass in the firewalls of both hosts, in and out; or name the one "
                       "that it has (unicast_port) behind a colon",
                       range);
        findings_cause(f, DOCTOR_WARNING, "no_answer", mend,
                       "what is sealed with this secret comes from %s to the group, and it does not answer "
                       "at the UDP %s",
                       ip, range);
    } else if (all_closed(p)) {
        judge_empty(f, p);
    } else if (p->heard_otherwise) {
        findings_cause(
            f, DOCTOR_BROKEN, "no_answer",
            "give all nodes the same secret (or Erlang cookie) and the same label (option cluster), and "
            "the doctor theirs (--kind, --cluster); where they have it, look for firewalls: whoever "
            "shares the network can forge a source",
            "%s does not answer at the UDP %s, and what comes from its address cannot be opened with "
            "this secret: its key tag is %08x, not %08x",
            ip, range, p->other_tag, p->tag);
    } else {
        (void)snprintf(
            mend, sizeof mend,
            "see that the node runs there under this secret, and let UDP to the %s pass in the firewalls "
            "of both hosts, in and out",
            range);
        findings_cause(
            f, DOCTOR_BROKEN, "no_answer", mend,
            "nothing comes back of %s: no answer at the UDP %s, and nothing of it under this secret", ip,
            range);
    }
}

/* Whoever could read an answer was not asked: only that nobody is there can be told. */
static void judge_unasked(struct findings *f, const struct peer_facts *p)
{
    char ip[IP_TEXT];
    if (all_closed(p)) {
        judge_empty(f, p);
    } else {
        findings_ok(f, "udp",
                    "whether %s is reached by UDP cannot be told: nothing came back, and without a "
                    "secret no node answers",
                    ip_text(&p->at, ip));
    }
}

static void judge_trouble(struct findings *f, const struct peer_facts *p)
{
    char ip[IP_TEXT];
    if (p->barred) {
        findings_cause(f, DOCTOR_BROKEN, "firewall_unicast_out",
                       "look for a firewall of this host that drops UDP out (nft list ruleset, iptables -S)",
                       "this host lets no UDP out to %s: %s", ip_text(&p->at, ip), strerror(p->trouble));
    } else {
        findings_cause(f, DOCTOR_BROKEN, "unreachable", "check routes, netmask and firewall",
                       "%s is not reached by UDP: %s", ip_text(&p->at, ip), strerror(p->trouble));
    }
}

static void judge_others(struct findings *f, const struct peer_facts *p)
{
    char text[LABEL_TEXT], ip[IP_TEXT];
    for (size_t i = 0; i < p->count; i++) {
        if (p->doors[i].answered) {
            findings_ok(f, "udp", "%s answers under this secret at %s port %u", label(&p->doors[i], text),
                        ip_text(&p->at, ip), p->doors[i].port);
        }
    }
    findings_cause(
        f, DOCTOR_BROKEN, "not_listed",
        "see that it runs there under this name and this secret (mix gossip.doctor there says more)",
        "%.*s does not answer at %s, where others do", (int)p->target.name.len, p->target.name.text,
        ip_text(&p->at, ip));
}

/* That a host can be reached at all tells a dead one from one whose UDP does not pass. */
static void judge_epmd(struct findings *f, const struct peer_facts *p)
{
    char ip[IP_TEXT];
    (void)ip_text(&p->at, ip);
    if (p->epmd == TCP_OPEN || p->epmd == ECONNREFUSED) {
        findings_ok(f, "tcp", "%s is reached by TCP: %s at epmd's port 4369", ip,
                    p->epmd == TCP_OPEN ? "somebody is" : "nobody is");
    } else if (p->epmd != TCP_UNTRIED) {
        findings_ok(f, "tcp", "%s is not reached by TCP at epmd's port 4369 either: %s", ip,
                    strerror(p->epmd));
    }
}

static void judge_host(struct findings *f, const struct peer_facts *p)
{
    char ip[IP_TEXT];
    if (strcmp(ip_text(&p->at, ip), p->target.host) != 0) {
        findings_ok(f, "resolved", "the host %s has the address %s here", p->target.host, ip);
    }
    if (!p->near && !p->heard) {
        findings_cause(f, DOCTOR_WARNING, "other_subnet",
                       "connect both to one network, or name one of the two in the option seeds of the other",
                       "%s is in no subnet of this host, and is not heard in the group, whose TTL is 1 as is "
                       "default",
                       ip_text(&p->at, ip));
    }
}

void peer_judge(struct findings *f, const struct peer_facts *p)
{
    size_t answered = 0, meant = 0;
    if (p->at.family == ADDR_NONE) {
        findings_cause(f, DOCTOR_BROKEN, "unresolved",
                       "use GossipCluster.Epmd, or put the name into DNS or /etc/hosts",
                       "the host name %s does not resolve here: %s", p->target.host, p->why);
        return;
    }
    judge_host(f, p);
    for (size_t i = 0; i < p->count; i++) {
        answered += p->doors[i].answered ? 1 : 0;
        if (is_meant(p, &p->doors[i])) {
            meant++;
            judge_answer(f, p, &p->doors[i]);
        }
    }
    if (meant == 0 && answered > 0) {
        judge_others(f, p);
    } else if (answered == 0) {
        if (p->trouble != 0) {
            judge_trouble(f, p);
        } else if (p->asked_under_key) {
            judge_silence(f, p);
        } else {
            judge_unasked(f, p);
        }
        judge_epmd(f, p);
    }
}
