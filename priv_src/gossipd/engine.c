#include "engine.h"

#include "clock.h"

#include <stdlib.h>

#define DATAGRAMS_DRAINED                                                                                    \
    ((size_t)1 << 16) /* of each socket, after a pause: more than the largest buffer holds */
#define FEW 8         /* asked for at first, since mostly no more have come */
#define EFFECTS_WAITING                                                                                      \
    64 /* are carried out at once: what one datagram causes always finds room behind them */

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
    if (EFFECTS_MAX - effects_room(e->fx) > EFFECTS_WAITING) {
        carry_out(e, now);
    }
}

/* Gives the core what waits in this socket, `most` datagrams at most; `taken` says how many it were. What
 * they cause is carried out once for all that one call has brought. Whether more may wait. */
static bool take_from(struct engine *e, int64_t now, size_t socket, size_t most, size_t *taken)
{
    size_t wanted = FEW;
    bool more = true;
    *taken = 0;
    while (more && *taken < most) {
        wanted = wanted < most - *taken ? wanted : most - *taken;
        int got = udp_take(e->links->udp, socket, wanted);
        for (int n = 0; n < got; n++) {
            struct path from;
            const uint8_t *datagram;
            size_t len;
            if (!udp_taken(e->links->udp, (size_t)n, &from, &datagram, &len)) {
                continue;
            }
            if (udp_addresses_changed(e->links->udp)) {
                say_addresses(e);
            }
            receive_one(e, now, &from, datagram, len);
        }
        carry_out(e, now);
        more = got < 0 || (size_t)got == wanted;
        *taken += got > 0 ? (size_t)got : 1;
        wanted = UDP_BATCH;
    }
    return more;
}

void engine_drain(struct engine *e, int64_t now)
{
    struct pollfd all[UDP_SOCKETS_MAX];
    size_t sockets = links_descriptors(e->links, all), taken;
    gossip_slept(e->core, clock_slept());
    for (size_t i = 0; i < sockets; i++) {
        (void)take_from(e, now, i, DATAGRAMS_DRAINED, &taken);
    }
}

enum engine_turn engine_receive(struct engine *e, int64_t now, const struct pollfd *fds)
{
    struct pollfd all[UDP_SOCKETS_MAX];
    size_t sockets = links_descriptors(e->links, all), left = ENGINE_TURN, first = e->next_socket;
    enum engine_turn turn = TURN_IDLE;
    bool full = false;
    gossip_slept(e->core, clock_slept());
    for (size_t n = 0; n < sockets; n++) {
        size_t i = (first + n) % sockets, taken;
        if (fds[i].revents == 0) {
            continue;
        }
        if (left > 0) {
            bool more = take_from(e, now, i, left < ENGINE_SOCKET_TURN ? left : ENGINE_SOCKET_TURN, &taken);
            turn = more || turn == TURN_CUT ? TURN_CUT : TURN_WHOLE;
            left -= taken;
        } else if (!full) { /* the first that had no turn begins the next one */
            e->next_socket = i;
            full = true;
        }
    }
    return full ? TURN_CUT : turn;
}
