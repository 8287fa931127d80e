#include "gossip.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

const struct gossip_sealing gossip_sealed = {.match = seal_match, .close = seal_close, .open = seal_open};

/* Effects that handling one timer or datagram may make, at most. */
#define ROOM 16

uint32_t random_u32(struct gossip *g)
{
    uint32_t v;
    g->options.random(g->options.random_context, &v, sizeof v);
    return v;
}

uint64_t random_u64(struct gossip *g)
{
    uint64_t v;
    g->options.random(g->options.random_context, &v, sizeof v);
    return v;
}

int64_t random_between(struct gossip *g, int64_t least, int64_t most)
{
    return least + (int64_t)(random_u64(g) % (uint64_t)(most - least + 1));
}

/* The departed count for a while: when a partition heals, they all come back at once. */
int64_t current_interval(const struct gossip *g)
{
    return interval_for(g->options.interval_ms * MS_US, g->roster.listed + g->roster.gone + 1);
}

int64_t set_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step)
{
    if (kind != TIMER_ANSWER || g->timers.count < g->timers.limit / 2) {
        (void)timers_add(&g->timers, g->now + delay, kind, boot, step);
    }
    return g->now + delay;
}

struct gossip *gossip_new(const struct gossip_options *options, int64_t now)
{
    struct gossip *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    g->options = *options;
    g->now = now;
    g->salt = random_u64(g);
    announce_init(g);
    /* A peer has its silence timer, one for a rival, as a tombstone one more, and each may have left a stale
     * one. */
    timers_init(&g->timers, 8 * ((size_t)options->max_peers + PENDING_MAX));
    return g;
}

void gossip_free(struct gossip *g)
{
    if (g != NULL) {
        timers_free(&g->timers);
        roster_free(&g->roster);
        sodium_memzero(g, sizeof *g);
        free(g);
    }
}

int64_t gossip_deadline(const struct gossip *g)
{
    int64_t next = timers_next(&g->timers);
    return next == INT64_MAX ? NEVER : next + g->lag;
}

/* Sets the core's own time. A caller who comes long after the deadline was stopped (SIGSTOP, a paused VM,
 * swap): the time it did not live through does not count, or it would take everybody for dead. */
static void enter(struct gossip *g, int64_t now)
{
    int64_t due = timers_next(&g->timers);
    int64_t expected = due < g->now ? g->now : due;
    if (due != INT64_MAX && now - g->lag - expected > LATE) {
        g->lag = now - expected;
    }
    if (now - g->lag > g->now) {
        g->now = now - g->lag;
    }
}

static void fire(struct gossip *g, struct effects *fx, const struct timer *t);

void gossip_tick(struct gossip *g, struct effects *fx, int64_t now)
{
    enter(g, now);
    struct timer t;
    while (effects_room(fx) >= ROOM && timers_take(&g->timers, g->now, &t)) {
        fire(g, fx, &t);
    }
}

static void fire(struct gossip *g, struct effects *fx, const struct timer *t)
{
    switch (t->kind) {
    case TIMER_BEAT:
        if (g->announced && !g->leaving) {
            join_beat(g, fx, t);
        }
        break;
    case TIMER_ANSWER:
        join_retry(g, fx, t);
        break;
    case TIMER_SILENCE:
        watch_timer(g, t);
        break;
    case TIMER_RIVAL:
        watch_rival_timer(g, fx, t);
        break;
    case TIMER_PROBE:
        watch_probe_timer(g, fx, t);
        break;
    case TIMER_GOODBYE:
        announce_goodbye_timer(g, fx, t);
        break;
    case TIMER_FORGET:
        member_forget_timer(g, t);
        break;
    case TIMER_VOUCH:
        vouch_timer(g, fx, t);
        break;
    case TIMER_DEAD:
        verdict_dead_timer(g, fx, t);
        break;
    case TIMER_PULL:
        pages_timer(g, fx, t);
        break;
    default:
        break;
    }
}

/* An address at which a peer is not known may be forged: the seal does not cover it. It counts once the peer
 * has answered from there (RFC 9000, section 8.2, does the same). */
static void learn_address(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                          const struct path *from)
{
    if (peer_has_address(p, &from->addr) || message_answers(g, m)) {
        if (peer_address(p, &from->addr) && p->state == PEER_LISTED) {
            member_update(fx, p);
        }
    } else if (g->now - p->path_tried >= PATH_RETRY) {
        p->path_tried = g->now;
        join_probe(g, fx, &from->addr);
    }
}

/* A fresh datagram of someone who is known and not gone. */
static void from_peer(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                      bool newest, const struct path *from)
{
    g->heard = g->now;
    isolate_leave(g, fx);
    if (m->type == WIRE_BYE) {
        uint8_t reason =
            (m->has & HAS_REASON) != 0 && m->reason == DOWN_BEAM_EXIT ? DOWN_BEAM_EXIT : DOWN_LEFT;
        verdict_left(g, p, reason);
        member_gone(g, fx, p, reason);
        return;
    }
    learn_address(g, fx, p, m, from);
    member_heard(g, fx, p, m, newest);
    relay_answered(g, fx, p);
    for (size_t i = 0; i < m->entry_count; i++) {
        member_vouched(g, fx, &m->entries[i]);
    }
    /* what an ACK says of the dead is for the accused, who is back: the others would bury it again */
    verdict_receive(g, fx, m, m->type != WIRE_ACK);
    p = roster_find(&g->roster, m->id.boot);
    if (p == NULL || p->state == PEER_GONE) {
        return; /* it has just vouched for its own successor */
    }
    switch (m->type) {
    case WIRE_HELLO:
        join_answer(g, fx, m, from);
        break;
    case WIRE_ACK:
        relay_ack(g, fx, m);
        join_reply(g, fx, m, from);
        break;
    case WIRE_PROBE_FOR:
        relay_request(g, fx, m, from);
        break;
    case WIRE_ROSTER:
        pages_receive(g, fx, p, m, from);
        break;
    default:
        join_reply(g, fx, m, from);
        break;
    }
}

/* A datagram of someone unknown, or buried. Holders of the key may be recorded: only an echo of our own nonce
 * counts. */
static void from_stranger(struct gossip *g, struct effects *fx, const struct peer *gone,
                          const struct wire_message *m, uint64_t sequence, const struct path *from)
{
    if (m->type == WIRE_BYE || m->id.name.len == 0 || (gone != NULL && gone->reason != DOWN_SILENT)) {
        g->stats.unproven++;
        return;
    }
    if (!message_answers(g, m)) {
        join_prove(g, fx, m, sequence, from);
        if (m->type != WIRE_HELLO) {
            join_reply(g, fx, m, from);
        }
        return;
    }
    bool accuse = gone != NULL && m->id.incarnation <= gone->id.incarnation;
    uint32_t incarnation = gone != NULL ? gone->id.incarnation : 0;
    verdict_receive(g, fx, m, false); /* it may have buried us: refute before answering */
    struct peer *p = member_proven(g, fx, m, sequence, from);
    if (p == NULL) {
        return;
    }
    g->heard = g->now;
    isolate_leave(g, fx);
    if (m->type == WIRE_ROSTER) {
        pages_receive(g, fx, p, m, from);
    }
    if (accuse) {
        join_accuse(g, fx, m, incarnation, from);
    } else if (!pages_begin(g, fx, m, from)) {
        join_reply(g, fx, m, from);
    }
}

static void dispatch(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                     const struct path *from)
{
    struct peer *p = roster_find(&g->roster, m->id.boot);
    enum window_verdict fresh = WINDOW_NEWEST;
    if (p != NULL) {
        fresh = window_accept(&p->window, sequence);
        if (fresh == WINDOW_REPLAY) {
            g->stats.replayed++;
            return;
        }
    }
    if (!g->announced || g->leaving) {
        g->stats.unproven++;
    } else if (p != NULL && p->state != PEER_GONE) {
        from_peer(g, fx, p, m, fresh == WINDOW_NEWEST, from);
    } else {
        from_stranger(g, fx, p, m, sequence, from);
    }
}

void gossip_receive(struct gossip *g, struct effects *fx, int64_t now, const struct path *from,
                    const uint8_t *datagram, size_t len)
{
    enter(g, now);
    g->stats.received++;
    g->stats.bytes_received += len;
    int key = len > DATAGRAM_MAX ? -1 : g->options.sealing->match(&g->options.keys, datagram, len);
    if (key < 0) {
        g->stats.foreign++;
        return;
    }
    uint8_t plain[DATAGRAM_MAX];
    int size = g->options.sealing->open(&g->options.keys, key, datagram, len, plain);
    if (size < 0) {
        g->stats.forged++;
        return;
    }
    struct wire_message m;
    if (wire_decode(&m, plain, (size_t)size) != 0) {
        g->stats.malformed++;
        return;
    }
    g->stats.opened[key]++;
    if (m.id.boot == g->self.boot) {
        g->stats.own++;
        return;
    }
    dispatch(g, fx, &m, seal_sequence(datagram), from);
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
        struct peer_view v = member_view(g->roster.list[i].peer);
        stop = visit(context, &v);
    }
    return stop;
}

struct gossip_stats gossip_stats(const struct gossip *g)
{
    struct gossip_stats s = g->stats;
    s.listed = (uint32_t)g->roster.listed;
    s.pending = (uint32_t)g->roster.pending_count;
    s.interval_ms = (uint32_t)(current_interval(g) / MS_US);
    return s;
}
