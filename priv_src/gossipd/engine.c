#include "engine.h"

#include "clock.h"

#include <stdlib.h>

#define DATAGRAMS_A_WAKE_UP ((size_t)64)      /* of each socket; then timers and commands have their turn */
#define DATAGRAMS_DRAINED   ((size_t)1 << 16) /* after a pause: more than the largest buffer holds */

int engine_start(struct engine *e, const struct gossip_options *options, int64_t now, struct links *links,
                 struct uplink *uplink)
{
    *e = (struct engine){.links = links, .uplink = uplink};
    e->fx = calloc(1, sizeof *e->fx);
    e->core = e->fx != NULL ? gossip_new(options, now) : NULL;
    if (e->core != NULL) {
        (void)gossip_lock(e->core); /* RLIMIT_MEMLOCK may be 0: it runs all the same */
    }
    return e->core != NULL ? 0 : -1;
}

void engine_free(struct engine *e)
{
    gossip_free(e->core);
    free(e->fx);
    *e = (struct engine){0};
}

int64_t engine_deadline(const struct engine *e)
{
    return e->core != NULL ? gossip_deadline(e->core) : NEVER;
}

static void take(struct engine *e, const struct event *event)
{
    const struct link_view *link = event->type == EVENT_LINK ? &event->link : NULL;
    bool about_links = link != NULL || event->type == EVENT_LEFT;
    if (about_links && links_heard(e->links, link)) {
        uplink_network(e->uplink, &e->links->network);
    }
    if (link == NULL) {
        e->left = e->left || event->type == EVENT_LEFT;
        uplink_event(e->uplink, event);
    }
}

static void carry_out(struct engine *e, int64_t now)
{
    const struct effect *effect;
    while ((effect = effects_pop(e->fx)) != NULL) {
        if (effect->type == EFFECT_SEND) {
            links_send(e->links, now, &effect->as.send.path, effect->as.send.data, effect->as.send.len);
        } else if (effect->as.event.type == EVENT_RELAYED) {
            log_line(
                &e->uplink->log, LEVEL_WARNING,
                "datagrams for this node were sent to another address than they arrive at, and are dropped: "
                "somebody relays them, or a NAT translates this node's address; in that case the option "
                "`advertise` must name the address that others see");
        } else {
            take(e, &effect->as.event);
        }
    }
}

static void say_addresses(struct engine *e)
{
    struct addr own[PEER_ADDRS];
    gossip_addresses(e->core, own, udp_addresses(e->links->udp, own, PEER_ADDRS));
}

void engine_look(struct engine *e, int64_t now)
{
    bool told = links_look(e->links, now);
    say_addresses(e);
    if (udp_reaches_more(e->links->udp)) {
        gossip_reaches_more(e->core, now);
        uplink_reaches_more(e->uplink);
    }
    if (told) {
        uplink_network(e->uplink, &e->links->network);
    }
}

void engine_tick(struct engine *e, int64_t now)
{
    if (now >= engine_deadline(e)) {
        gossip_slept(e->core, clock_slept());
        gossip_tick(e->core, e->fx, now);
        carry_out(e, now);
    }
}

void engine_command(struct engine *e, int64_t now, const struct command *command)
{
    if (command->type == COMMAND_ALIVE || command->type == COMMAND_HIDE || command->type == COMMAND_LEAVE) {
        e->announced = command->type == COMMAND_ALIVE;
    }
    if (command->type == COMMAND_LEAVE) {
        e->left = false;
    }
    gossip_command(e->core, e->fx, now, command);
    carry_out(e, now);
}

struct gossip_stats engine_stats(const struct engine *e)
{
    struct gossip_stats stats = gossip_stats(e->core);
    stats.foreign -= e->siblings_heard;
    stats.own += e->siblings_heard;
    return stats;
}

static bool siblings_port(const struct siblings *s, uint16_t port)
{
    size_t i = 0;
    while (i < s->count && s->ports[i] != port) {
        i++;
    }
    return i < s->count;
}

/* The core judges all alike, so that looking like a sibling brings nothing but another counter. */
static void receive_one(struct engine *e, int64_t now, const struct path *from, const uint8_t *datagram,
                        size_t len)
{
    bool maybe = siblings_port(&e->siblings, from->addr.port);
    uint64_t foreign = maybe ? gossip_stats(e->core).foreign : 0;
    gossip_receive(e->core, e->fx, now, from, datagram, len);
    if (maybe && gossip_stats(e->core).foreign > foreign && udp_is_own(&from->addr)) {
        e->siblings_heard++;
    }
    carry_out(e, now);
}

void engine_receive(struct engine *e, int64_t now, const struct pollfd *fds)
{
    struct pollfd all[UDP_SOCKETS_MAX];
    size_t sockets = links_descriptors(e->links, all);
    gossip_slept(e->core, clock_slept());
    size_t most = fds == NULL ? DATAGRAMS_DRAINED : DATAGRAMS_A_WAKE_UP;
    for (size_t i = 0; i < sockets; i++) {
        int got = fds == NULL || fds[i].revents != 0;
        for (size_t n = 0; n < most && got != 0; n++) {
            uint8_t datagram[DATAGRAM_MAX];
            struct path from;
            size_t len;
            got = links_receive(e->links, i, &from, datagram, &len);
            if (got != 1) {
                continue;
            }
            if (udp_addresses_changed(e->links->udp)) {
                say_addresses(e);
            }
            receive_one(e, now, &from, datagram, len);
        }
    }
}
