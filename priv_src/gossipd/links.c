#include "links.h"

#include "ip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes that an interface takes in a line, at most, with ", and 128 more" behind it; and another address. */
#define DESCRIBED       64
#define DESCRIBED_OTHER (5 + IP_TEXT)

int links_open(struct links *l, const struct udp_options *options, const struct interface_filter *filter,
               struct log *log, struct fault *fault)
{
    *l = (struct links){.log = log, .filter = *filter, .watch = -1, .look_at = 0, .report_at = NEVER};
    l->udp = udp_open(options, log, fault);
    if (l->udp != NULL) {
        l->watch = link_watch_open();
    }
    return l->udp != NULL ? 0 : -1;
}

void links_close(struct links *l)
{
    if (links_watch(l) >= 0) {
        (void)close(l->watch);
    }
    udp_close(l->udp);
    l->udp = NULL;
}

int links_watch(const struct links *l)
{
    return l->udp != NULL ? l->watch : -1;
}

void links_changed(struct links *l, int64_t now)
{
    struct link_changes changes = {0};
    if (!link_watch_drain(l->watch, &changes)) {
        return;
    }
    if (changes.lost) {
        udp_forget(l->udp, 0);
    }
    for (size_t i = 0; i < changes.gone_count; i++) {
        udp_forget(l->udp, changes.gone[i]);
    }
    int64_t soonest = l->looked_at + LINKS_EVENT_GAP;
    soonest = soonest > now ? soonest : now;
    l->look_at = l->look_at < soonest ? l->look_at : soonest;
}

int64_t links_deadline(const struct links *l)
{
    if (l->udp == NULL) {
        return NEVER;
    }
    return l->look_at < l->report_at ? l->look_at : l->report_at;
}

bool links_due(const struct links *l, int64_t now)
{
    int64_t slack = l->look_at - l->looked_at == LINKS_CALM_GAP ? LINKS_SLACK : 0;
    return now >= links_deadline(l) || (l->udp != NULL && now >= l->look_at - slack);
}

/* Whether one before it is the same interface, over another family. */
static bool described(const struct interface *interfaces, size_t i)
{
    size_t before = 0;
    while (before < i && interfaces[before].index != interfaces[i].index) {
        before++;
    }
    return before < i;
}

/* The same interface over another family, behind it; or NULL. */
static const struct interface *other_family(const struct interface *interfaces, size_t count, size_t i)
{
    size_t other = i + 1;
    while (other < count && interfaces[other].index != interfaces[i].index) {
        other++;
    }
    return other < count ? &interfaces[other] : NULL;
}

/* "eth0 10.0.0.1 and fe80::1, eth1 10.0.1.1, and 3 more" */
static void describe(const struct interface *interfaces, size_t count, char *out, size_t size)
{
    size_t used = 0, left = 0;
    char text[IP_TEXT];
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        left += !described(interfaces, i);
    }
    for (size_t i = 0; i < count; i++) {
        const struct interface *other = other_family(interfaces, count, i);
        if (described(interfaces, i)) {
            continue;
        }
        if (size - used < DESCRIBED + (other != NULL ? DESCRIBED_OTHER : 0)) {
            (void)snprintf(out + used, size - used, ", and %lu more", (unsigned long)left);
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s %s", i == 0 ? "" : ", ", interfaces[i].name,
                                 ip_text(&interfaces[i].addr, text));
        if (other != NULL) {
            used += (size_t)snprintf(out + used, size - used, " and %s", ip_text(&other->addr, text));
        }
        left--;
    }
}

static void say_missing(struct links *l, uint32_t missing)
{
    for (unsigned i = 0; i < l->filter.count; i++) {
        if ((missing & UINT32_C(1) << i) != 0) {
            log_line(l->log, LEVEL_WARNING,
                     "interface %s is not up with an IP address; it is used as soon as it is",
                     l->filter.items[i]);
        }
    }
}

static void say_joined(struct links *l, const struct interface_list *list)
{
    char text[LOG_TEXT / 2];
    size_t count;
    const struct interface *joined = udp_interfaces(l->udp, &count);
    describe(joined, count, text, sizeof text);
    if (count == 0) {
        log_line(l->log, LEVEL_WARNING, "no interface to multicast on; one that comes is used");
    } else if (list->fallback) {
        log_line(l->log, LEVEL_WARNING, "no network is up, so only nodes on this machine are found (%s)",
                 text);
    } else {
        log_line(l->log, LEVEL_INFO, "multicast on %s", text);
    }
    if (list->left_out > 0) {
        log_line(l->log, LEVEL_WARNING,
                 "%lu interfaces are left out: at most %d are used; name those that matter",
                 (unsigned long)list->left_out, INTERFACES_MAX);
    }
}

/* In the same order, with the same names and addresses. */
static bool same_interfaces(const struct interface *a, size_t a_count, const struct interface *b,
                            size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = a[i].index == b[i].index && addr_same(&a[i].addr, &b[i].addr) &&
               strcmp(a[i].name, b[i].name) == 0;
    }
    return same;
}

static void list_troubles(struct network *network, const struct troubles *troubles)
{
    network->trouble_count = troubles->count;
    memcpy(network->troubles, troubles->items, troubles->count * sizeof troubles->items[0]);
}

bool links_heard(struct links *l, const struct link_view *link)
{
    size_t count, at = 0;
    const struct interface *joined = udp_interfaces(l->udp, &count);
    while (link != NULL && at < count && joined[at].index != link->ifindex) {
        at++;
    }
    bool changed = link == NULL ? troubles_forget(&l->troubles) : at < count;
    if (link != NULL && changed) {
        troubles_link(&l->troubles, l->log, link, joined[at].name);
    }
    list_troubles(&l->network, &l->troubles);
    return changed;
}

/* Whether something has become known, or is over, of what this process can see by itself. */
static bool look_closed(struct links *l)
{
    size_t count;
    const struct interface *joined = udp_interfaces(l->udp, &count);
    bool changed = troubles_keep(&l->troubles, joined, count);
    for (size_t i = 0; i < count; i++) {
        bool closed = joined[i].running && udp_closed(l->udp, joined[i].index);
        changed = troubles_closed(&l->troubles, l->log, &joined[i], closed) || changed;
    }
    return changed;
}

/* Tells what has changed since the last time; whether the owner is to be told, too. */
static bool tell(struct links *l, const struct interface_list *list, int64_t now)
{
    struct network network;
    network.count = udp_usable(l->udp, network.items);
    interfaces_judge(&network, &l->filter, list->missing);
    bool troubles = look_closed(l);
    list_troubles(&network, &l->troubles);
    bool chosen = !l->told || list->fallback != l->list.fallback ||
                  !same_interfaces(list->items, list->count, l->list.items, l->list.count);
    bool used = !l->told || network.reach != l->network.reach || list->missing != l->list.missing ||
                !same_interfaces(network.items, network.count, l->network.items, l->network.count);
    if (!chosen && !used) {
        list_troubles(&l->network, &l->troubles);
        return troubles;
    }
    if (l->told && now - l->told_at < LINKS_TELL_GAP) {
        if (l->look_at > l->told_at + LINKS_TELL_GAP) {
            l->look_at = l->told_at + LINKS_TELL_GAP;
        }
        list_troubles(&l->network, &l->troubles);
        return troubles;
    }
    say_missing(l, list->missing & ~l->list.missing);
    if (chosen) {
        say_joined(l, list);
    }
    l->list = *list;
    l->network = network;
    l->told = true;
    l->told_at = now;
    return used;
}

/* The last of the instants at which all members of this host step out of the group. */
static int64_t last_instant(int64_t now)
{
    return now - now % LINKS_REPORT_GAP;
}

/* Who comes too late for the others is out and in at once. */
static void report(struct links *l, int64_t now)
{
    if (l->report_at == NEVER) { /* the first look: nothing is joined yet */
        l->report_at = last_instant(now) + LINKS_REPORT_GAP;
    }
    if (now < l->report_at) {
        return;
    }
    if (!l->out) {
        udp_step_out(l->udp);
        l->out = true;
        l->report_at = last_instant(now) + LINKS_REPORT_OUT;
    }
    if (now >= l->report_at) {
        udp_step_in(l->udp);
        l->out = false;
        l->report_at = last_instant(now) + LINKS_REPORT_GAP;
    }
}

bool links_found(struct links *l, const struct interface_list *list, int64_t now)
{
    size_t joined = udp_set_interfaces(l->udp, list);
    bool well = joined == list->count && joined > 0 && list->missing == 0 && !list->fallback &&
                !udp_troubled(l->udp) && l->troubles.count == 0;
    l->unlisted = false;
    l->looked_at = now;
    l->look_at = now + (well && l->watch >= 0 ? LINKS_CALM_GAP : LINKS_LOOK_GAP);
    return tell(l, list, now);
}

bool links_look(struct links *l, int64_t now)
{
    struct interface_list list;
    struct subnets subnets;
    report(l, now);
    if (interfaces_list(&l->filter, &list, &subnets) == 0) {
        udp_set_subnets(l->udp, &subnets);
        return links_found(l, &list, now);
    }
    if (!l->unlisted) {
        log_line(l->log, LEVEL_WARNING, "the interfaces cannot be listed: %s", strerror(errno));
    }
    l->unlisted = true;
    l->looked_at = now;
    l->look_at = now + LINKS_LOOK_GAP;
    return false;
}

void links_seeds(struct links *l, bool some)
{
    l->troubles.seeds = some;
}

void links_send(struct links *l, int64_t now, const struct path *to, const uint8_t *data, size_t len)
{
    (void)udp_send(l->udp, to, data, len);
    if (l->look_at > now + LINKS_LOOK_GAP && udp_troubled(l->udp)) {
        l->look_at = now + LINKS_LOOK_GAP;
    }
}

size_t links_descriptors(const struct links *l, struct pollfd *fds)
{
    return l->udp != NULL ? udp_descriptors(l->udp, fds) : 0;
}
