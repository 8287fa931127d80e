#include "gossipd_state.h"
#include "ip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_AGAIN                                                                                           \
    (1 * SECOND_US) /* while an interface is missing; gentle, since it costs a system call or two */

#define DATAGRAMS_A_WAKE_UP ((size_t)64)      /* of each socket; then timers and commands have their turn */
#define DATAGRAMS_DRAINED   ((size_t)1 << 16) /* after a pause: more than the largest buffer holds */

/* "eth0 10.0.0.1, eth1 10.0.1.1, and 3 more" */
static void describe(const struct interface *interfaces, size_t count, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char text[IP_TEXT];

        if (size - used < 64) { /* room for one more, and for this */
            (void)snprintf(out + used, size - used, ", and %lu more", (unsigned long)(count - i));
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s %s", i == 0 ? "" : ", ", interfaces[i].name,
                                 ip_text(&interfaces[i].addr, text));
    }
}

static void say_missing(struct gossipd *d, uint32_t missing)
{
    for (unsigned i = 0; i < d->config.interfaces.count; i++) {
        if ((missing & UINT32_C(1) << i) != 0) {
            log_line(&d->log, LEVEL_WARNING,
                     "interface %s is not up with an IPv4 address; it is used as soon as it is",
                     d->config.interfaces.items[i]);
        }
    }
}

/* In the same order, with the same addresses. */
static bool same_interfaces(const struct interface *a, size_t a_count, const struct interface *b,
                            size_t b_count)
{
    bool same = a_count == b_count;

    for (size_t i = 0; same && i < a_count; i++) {
        same = a[i].index == b[i].index && addr_same(&a[i].addr, &b[i].addr);
    }
    return same;
}

static bool changed(const struct interface_list *a, const struct interface_list *b)
{
    return a->fallback != b->fallback || !same_interfaces(a->items, a->count, b->items, b->count);
}

static void say_joined(struct gossipd *d, const struct interface_list *list)
{
    char text[LOG_TEXT / 2];
    size_t count;
    const struct interface *joined = udp_interfaces(d->udp, &count);

    describe(joined, count, text, sizeof text);
    if (count == 0) {
        log_line(&d->log, LEVEL_WARNING, "no interface to multicast on; looking again every second");
    } else if (list->fallback) {
        log_line(&d->log, LEVEL_WARNING, "no network is up, so only nodes on this machine are found (%s)",
                 text);
    } else {
        log_line(&d->log, LEVEL_INFO, "multicast on %s", text);
    }
    if (list->left_out > 0) {
        log_line(&d->log, LEVEL_WARNING,
                 "%lu interfaces are left out: at most %d are used; name those that matter",
                 (unsigned long)list->left_out, INTERFACES_MAX);
    }
}

/* Tells the owner when the interfaces that multicasts go out on are others than before. The first time it is
 * told otherwise. */
static void tell_usable(struct gossipd *d, bool first)
{
    struct interface usable[INTERFACES_MAX];
    size_t count = udp_usable(d->udp, usable);

    if (same_interfaces(usable, count, d->usable, d->usable_count)) {
        return;
    }
    memcpy(d->usable, usable, count * sizeof usable[0]);
    d->usable_count = count;
    if (!first) {
        gossipd_tell_interfaces(d);
    }
}

void gossipd_look(struct gossipd *d)
{
    struct interface_list list;
    bool first = d->look_again == 0;
    size_t joined;

    d->look_again = d->now + LOOK_AGAIN;
    if (interfaces_list(&d->config.interfaces, &list) != 0) {
        if (first) {
            log_line(&d->log, LEVEL_WARNING, "the interfaces cannot be listed: %s", strerror(errno));
        }
        return;
    }
    joined = udp_set_interfaces(d->udp, &list);
    say_missing(d, list.missing & ~d->interfaces.missing);
    if (first || changed(&list, &d->interfaces)) {
        say_joined(d, &list);
    }
    d->interfaces = list;
    tell_usable(d, first);
    if (joined == list.count && joined > 0 && list.missing == 0 && !list.fallback && !udp_troubled(d->udp)) {
        d->look_again = NEVER;
    }
}

void gossipd_run_effects(struct gossipd *d)
{
    const struct effect *e;

    while ((e = effects_pop(d->fx)) != NULL) {
        switch (e->type) {
        case EFFECT_SEND: /* failures are counted there */
            (void)udp_send(d->udp, &e->as.send.path, e->as.send.data, e->as.send.len);
            if (d->look_again == NEVER && udp_troubled(d->udp)) {
                d->look_again = d->now + LOOK_AGAIN;
            }
            break;
        case EFFECT_EVENT:
            gossipd_tell_event(d, &e->as.event);
            break;
        default:
            log_line(&d->log, e->as.log.level, "%s", e->as.log.text);
            break;
        }
    }
}

void gossipd_receive(struct gossipd *d, const struct pollfd *fds)
{
    struct pollfd all[UDP_SOCKETS_MAX];
    size_t sockets = udp_descriptors(d->udp, all);
    size_t most = fds == NULL ? DATAGRAMS_DRAINED : DATAGRAMS_A_WAKE_UP;
    uint8_t datagram[DATAGRAM_MAX];
    struct path from;
    size_t len;

    for (size_t i = 0; i < sockets; i++) {
        int got = fds == NULL || fds[i].revents != 0;

        for (size_t n = 0; n < most && got != 0; n++) {
            got = udp_receive(d->udp, i, &from, datagram, &len);
            if (got != 1) {
                continue;
            }
            gossip_receive(d->core, d->fx, d->now, &from, datagram, len);
            gossipd_run_effects(d);
        }
    }
}
