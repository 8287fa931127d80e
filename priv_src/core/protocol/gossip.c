/* The API, the core's own time, and which timer fires what; here every call comes in. The first checks
 * stand in the order of their cost: whose key (8 bytes), the seal, the decoder. The core's time stands
 * still while this process is stopped, or it would wake up and take everybody for dead. */
#include "gossip.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "primitives.h"
#include "protocol/announce.h"
#include "protocol/beat.h"
#include "protocol/bootstrap.h"
#include "protocol/disconnect.h"
#include "protocol/far.h"
#include "protocol/flood.h"
#include "protocol/hearing.h"
#include "protocol/isolate.h"
#include "protocol/members.h"
#include "protocol/multipath.h"
#include "protocol/pages.h"
#include "protocol/receive.h"
#include "protocol/tell.h"
#include "protocol/verdict.h"
#include "protocol/vouch.h"
#include "protocol/watch.h"
#include "state/self.h"

/* Effects that handling one timer or datagram may make, at most. */
#define ROOM 16

/* What holds keys, the cookie or chances: all that stands in front of the tables. It fits into the 64 KiB
 * that many systems let a process lock. */
#define SECRETS offsetof(struct gossip, roster)
_Static_assert(SECRETS <= (size_t)56 * 1024, "with a page at either end it is more than 64 KiB");

struct gossip *gossip_new(const struct gossip_options *options, int64_t now)
{
    struct gossip *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    g->options = *options;
    g->now = now;
    g->salt = random_u64(g);
    options->random(options->random_context, g->nonce_key, sizeof g->nonce_key);
    g->clock = now;
    g->lost_at = INT64_MIN / 2;
    announce_init(g);
    /* Of a member there may be one for a probe, a path, a vouch, a verdict said again, a goodbye that others
     * told of and the end of a connection; and stale ones, which stay until they are due. */
    timers_init(&g->timers, 8 * ((size_t)options->max_peers + PENDING_MAX));
    return g;
}

int gossip_lock(struct gossip *g)
{
    g->locked = primitives_lock(g, SECRETS);
    return g->locked ? 0 : -1;
}

void gossip_free(struct gossip *g)
{
    if (g != NULL) {
        timers_free(&g->timers);
        roster_free(&g->roster);
        pending_free(&g->pending);
        bool locked = g->locked;
        primitives_wipe(g, sizeof *g);
        if (locked) {
            primitives_unlock(g, SECRETS);
        }
        free(g);
    }
}

int64_t gossip_deadline(const struct gossip *g)
{
    int64_t next = timers_next(&g->timers);
    return next == INT64_MAX ? NEVER : next + g->lag;
}

void gossip_slept(struct gossip *g, int64_t ahead)
{
    if (ahead > g->ahead) {
        g->slept += ahead - g->ahead;
        g->ahead = ahead;
    }
}

void gossip_addresses(struct gossip *g, const struct addr *addrs, size_t count)
{
    g->own_count = 0;
    if (g->options.advertise.family != ADDR_NONE && g->options.advertise.port != 0) {
        g->own[g->own_count++] = g->options.advertise;
    }
    for (size_t i = 0; i < count && g->own_count < PEER_ADDRS; i++) {
        g->own[g->own_count] = addrs[i];
        g->own[g->own_count++].ifindex = 0;
    }
}

/* So much time was not lived through since the last call, which came at `before`. What waits in the sockets
 * is as late; and if a pause had only just ended by then, as late as both: there was no time to read it. */
static void lost(struct gossip *g, int64_t before, int64_t time)
{
    g->lost = before - g->lost_at <= STOPPED_AFTER ? g->lost + time : time;
    g->lost_at = g->clock;
}

/* Sets the core's own time. A caller who comes long after the deadline was stopped (SIGSTOP, a paused VM,
 * swap): the time it did not live through does not count, or it would take everybody for dead. */
static void enter(struct gossip *g, int64_t now)
{
    int64_t before = g->clock, time = g->slept > STOPPED_AFTER ? g->slept : 0;
    int64_t due = timers_next(&g->timers);
    int64_t expected = due < g->now ? g->now : due;
    g->slept = 0;
    g->clock = now + g->ahead > before ? now + g->ahead : before;
    if (due != INT64_MAX && now - g->lag - expected > STOPPED_AFTER) {
        time += now - expected - g->lag;
        g->lag = now - expected;
    }
    if (now - g->lag > g->now) {
        g->now = now - g->lag;
    }
    if (time > 0) {
        lost(g, before, time);
        isolate_stopped(g, g->clock - before);
    }
}

void gossip_reaches_more(struct gossip *g, int64_t now)
{
    enter(g, now);
    if (g->announced && !g->leaving) {
        beat_again(g);
    }
}

void gossip_seeds(struct gossip *g, int64_t now, const struct seed *seeds, size_t count)
{
    enter(g, now);
    bootstrap_seeds(g, seeds, count);
}

static void fire(struct gossip *g, struct effects *fx, const struct timer *t);

/* What follows from whatever has happened. */
static void settle(struct gossip *g)
{
    far_settle(g);
    bootstrap_settle(g);
}

void gossip_tick(struct gossip *g, struct effects *fx, int64_t now)
{
    enter(g, now);
    struct timer t;
    while (effects_room(fx) >= ROOM && timers_take(&g->timers, g->now, &t)) {
        fire(g, fx, &t);
    }
    settle(g);
}

static void fire(struct gossip *g, struct effects *fx, const struct timer *t)
{
    switch (t->kind) {
    case TIMER_BEAT:
        if (g->announced && !g->leaving && !(g->life_owed && announce_again(g))) {
            beat_timer(g, fx, t);
            hearing_look(g, fx);
        }
        break;
    case TIMER_SILENCE:
        watch_timer(g, t);
        break;
    case TIMER_SWEEP:
        if (t->due == g->sweep_at) {
            member_sweep_timer(g, fx);
        }
        break;
    case TIMER_MISSED:
        if (t->due == g->missed_at) {
            watch_missed_timer(g, fx);
        }
        break;
    case TIMER_OWED:
        if (t->due == g->owed_at) {
            tell_owed_timer(g, fx);
        }
        break;
    case TIMER_FAR:
        far_timer(g, fx, t);
        break;
    case TIMER_FLOOD:
        flood_timer(g, fx, t);
        break;
    case TIMER_PROBE:
        watch_probe_timer(g, fx, t);
        break;
    case TIMER_GOODBYE:
        announce_goodbye_timer(g, fx, t);
        break;
    case TIMER_FAREWELL:
        verdict_farewell_timer(g, fx, t);
        break;
    case TIMER_DISCONNECT:
        disconnect_timer(g, fx, t);
        break;
    case TIMER_PATH:
        multipath_timer(g, fx, t);
        break;
    case TIMER_VOUCH:
        vouch_timer(g, fx, t);
        break;
    case TIMER_DEAD:
        verdict_dead_timer(g, fx, t);
        break;
    case TIMER_SEEDS:
        if (g->announced && !g->leaving) {
            bootstrap_timer(g, fx, t);
        }
        break;
    case TIMER_PULL:
        pages_timer(g, fx, t);
        break;
    default:
        break;
    }
}

void gossip_receive(struct gossip *g, struct effects *fx, int64_t now, const struct path *from,
                    const uint8_t *datagram, size_t len)
{
    enter(g, now);
    if (len == 0) {
        return; /* how the doctor tries the way in to its own host: it says nothing, and counts for nothing */
    }
    g->stats.received++;
    g->stats.bytes_received += len;
    int key = len > DATAGRAM_MAX ? -1 : g->options.sealing->match(&g->options.keys, datagram, len);
    if (key < 0) {
        g->stats.foreign++;
        return;
    }
    uint64_t boot = seal_sender(datagram), sequence = seal_sequence(datagram), chance = seal_chance(datagram);
    uint64_t mark = copies_mark(g->nonce_key, from->kind, datagram + SEAL_PREFIX, SEAL_NONCE);
    if (copies_seen(&g->copies, mark)) {
        g->stats.copies++;
        struct peer *p = from->kind == PATH_GROUP ? roster_find(&g->roster, boot) : NULL;
        if (p != NULL) {
            multipath_copy(g, p, from);
            hearing_copy(g, p, from);
        }
        return;
    }
    if (boot == g->self.boot && announce_said(g, sequence, chance)) {
        g->stats.own++; /* nobody else could say so before this member did, and it has been said */
        return;
    }
    uint8_t plain[DATAGRAM_MAX];
    int size = g->options.sealing->open(&g->options.keys, key, datagram, len, plain);
    if (size < 0) {
        g->stats.forged++;
        return;
    }
    struct wire_message m WIRE_ROOM;
    if (wire_decode(&m, plain, (size_t)size) != 0 || m.id.boot != boot) {
        g->stats.malformed++;
        return;
    }
    g->stats.opened[key]++;
    m.size = (uint16_t)len;
    if (m.id.boot == g->self.boot) {
        g->stats.own++;
        (void)announce_again(g); /* a copy of this machine, or of this process, says it */
        return;
    }
    if (receive_message(g, fx, &m, sequence, from)) {
        copies_keep(&g->copies, mark);
    }
    settle(g);
}

void gossip_command(struct gossip *g, struct effects *fx, int64_t now, const struct command *command)
{
    enter(g, now);
    switch (command->type) {
    case COMMAND_ALIVE:
        announce_alive(g, fx, command);
        break;
    case COMMAND_HIDE:
        announce_leave(g, fx, DOWN_LEFT);
        break;
    case COMMAND_LEAVE:
        announce_leave(g, fx, command->as.reason);
        break;
    case COMMAND_PULSE:
        g->pulse = g->now;
        break;
    case COMMAND_KEYS:
        g->options.keys = command->as.keys;
        announce_fingerprints(g);
        break;
    case COMMAND_DISCONNECTED:
        disconnect_say(g, fx, command->as.boot);
        break;
    case COMMAND_SNAPSHOT: {
        struct effect *e = effects_push(fx, EFFECT_EVENT);
        if (e != NULL) {
            e->as.event.type = EVENT_SNAPSHOT;
        }
        break;
    }
    default:
        break;
    }
}

uint64_t gossip_boot(const struct gossip *g)
{
    return g->self.boot;
}

int gossip_peers(const struct gossip *g, int (*visit)(void *context, const struct peer_view *peer),
                 void *context)
{
    int stop = 0;
    for (size_t i = 0; i < g->roster.listed && stop == 0; i++) {
        struct peer_view v = tell_view(g->roster.list[i].peer);
        stop = visit(context, &v);
    }
    return stop;
}

int gossip_conflicts(const struct gossip *g,
                     int (*visit)(void *context, const struct peer_view *peer, const struct peer_view *other),
                     void *context)
{
    int stop = 0;
    for (size_t i = 0; i < g->roster.by_boot.size && stop == 0; i++) {
        struct peer *p = g->roster.by_boot.slots[i].value;
        if (p == NULL || p->state != PEER_RIVAL || !p->told) {
            continue;
        }
        struct peer *listed = roster_namesake(p, PEER_LISTED);
        if (listed != NULL || name_same(&p->id.name, &g->self.name)) {
            struct peer_view peer = tell_view(p), other = {.id = g->self, .status = STATUS_ALIVE};
            other = listed != NULL ? tell_view(listed) : other;
            stop = visit(context, &peer, &other);
        }
    }
    return stop;
}

size_t gossip_measures(const struct gossip *g, int64_t now, size_t from, struct measure *out, size_t most)
{
    size_t count = 0;
    int64_t own = now - g->lag > g->now ? now - g->lag : g->now;
    for (size_t i = from; i < g->roster.listed && count < most; i++) {
        const struct peer *p = g->roster.list[i].peer;
        out[count++] = (struct measure){.boot = p->id.boot,
                                        .round_trip = p->quality.round_trip > 0 ? p->quality.round_trip : -1,
                                        .heard = p->met ? own - p->direct : -1,
                                        .loss = (int16_t)quality_loss(&p->quality)};
    }
    return count;
}

struct gossip_stats gossip_stats(const struct gossip *g)
{
    struct gossip_stats s = g->stats;
    s.listed = (uint32_t)g->roster.listed;
    s.pending = (uint32_t)g->pending.count;
    s.interval_ms = (uint32_t)(current_interval(g) / MS_US);
    s.key_tag = keyring_tag(&g->options.keys);
    return s;
}
