/* Comings and goings of this member itself. Each announced life has a boot id of its own, which never
 * comes back after its goodbye: so a recorded goodbye can end nothing that lives, and a recorded beat
 * begins nothing that has gone. A goodbye is said three times, some ms apart, since nobody will be there
 * to repeat it. */
#include "protocol/announce.h"

#include <string.h>

#include "primitives.h"
#include "protocol/beat.h"
#include "protocol/hearing.h"
#include "protocol/isolate.h"
#include "protocol/send.h"
#include "protocol/spread.h"
#include "state/self.h"

static void new_boot(struct gossip *g)
{
    do {
        g->self.boot = random_u64(g);
    } while (g->self.boot == 0);
    g->sequence = 0;
    g->life_owed = false;
}

bool announce_said(const struct gossip *g, uint64_t sequence, uint64_t chance)
{
    if (sequence > g->sequence || sequence == 0) {
        return false;
    }
    return g->sequence - sequence >= SAID_KEPT || g->said[sequence % SAID_KEPT] == chance;
}

bool announce_again(struct gossip *g)
{
    if (!g->announced || g->leaving) {
        return false;
    }
    g->life_owed = !bucket_take(&g->lives, g->now, LIVES_BURST, LIVES_RATE);
    if (g->life_owed) {
        return false;
    }
    new_boot(g);
    g->self.incarnation = 0;
    beat_start(g);
    return true;
}

static void roster_reset(struct gossip *g)
{
    roster_init(&g->roster, g->options.max_peers, g->salt);
    pending_init(&g->pending, g->salt);
    g->graph = (struct graph){.version = UINT64_MAX};
    g->news_count = g->news_said = 0;
    g->far_at = g->flood_at = 0;
}

void announce_init(struct gossip *g)
{
    new_boot(g);
    roster_reset(g);
}

void announce_fingerprints(struct gossip *g)
{
    for (int i = 0; i < g->options.keys.count; i++) {
        seal_fingerprint(&g->options.keys, i, g->cookie, g->cookie_len, g->prints[i]);
    }
}

/* Tags that changed are told at once: somebody may wait for just these. Each state of them has a number of
 * its own, so that nobody who comes late with an old one is believed. */
static void retag(struct gossip *g, struct effects *fx, const struct tags *tags, bool starts)
{
    bool same = tags_same(tags, &g->tags);
    uint32_t number = starts ? 1 : same ? g->tags.number : g->tags.number + 1;
    g->tags = *tags;
    g->tags.number = number;
    if (!starts && !same) {
        beat_extra(g, fx);
    }
}

/* A life begins, or something about it changes: as the owner says it is. */
static void begin(struct gossip *g, struct effects *fx, const struct command *c)
{
    bool starts = !g->announced;
    struct identity self = c->as.alive.self;
    self.boot = g->self.boot;
    self.incarnation = g->self.incarnation;
    g->self = self;
    g->host = c->as.alive.host;
    g->cookie_len = c->as.alive.cookie_len;
    memcpy(g->cookie, c->as.alive.cookie, sizeof g->cookie);
    announce_fingerprints(g);
    g->pulse = g->now;
    g->announced = true;
    if (starts) {
        g->born = g->now;
        g->told = (struct told){0};
        beat_start(g);
    }
    retag(g, fx, &c->as.alive.tags, starts);
}

static void forget_next(struct gossip *g)
{
    primitives_wipe(&g->next, sizeof g->next);
}

/* Says goodbye once. After the last one this life is over, and never comes back under its boot id; the next
 * one begins, or the member is silent. */
static void goodbye(struct gossip *g, struct effects *fx, uint8_t step)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_BYE);
    m.reason = g->leave_reason;
    m.has |= HAS_REASON;
    message_spread(g, fx, &m);
    if (step < GOODBYES) {
        (void)set_timer(g, GOODBYE_GAP, TIMER_GOODBYE, g->self.boot, (uint8_t)(step + 1));
        return;
    }
    g->leaving = g->announced = false;
    new_boot(g);
    roster_free(&g->roster); /* who is not there has no peers */
    pending_free(&g->pending);
    roster_reset(g);
    g->tale_count = 0;
    g->look_at = g->sweep_at = g->missed_at = g->owed_at = 0;
    isolate_end(g, fx);
    hearing_end(g);
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        e->as.event.type = EVENT_LEFT;
    }
    if (g->next.type == COMMAND_ALIVE) {
        struct command next = g->next;
        forget_next(g);
        begin(g, fx, &next);
        primitives_wipe(&next, sizeof next);
    }
}

void announce_goodbye_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    if (g->leaving && t->boot == g->self.boot) {
        goodbye(g, fx, t->step);
    }
}

static void leave(struct gossip *g, struct effects *fx, uint8_t reason)
{
    g->leaving = true;
    g->leave_reason = reason;
    goodbye(g, fx, 1);
}

/* Distribution runs. A node that changes its name or its creation is another member: the old one takes its
 * leave, as often as any, for who misses that would take the new one for its rival; then the new one begins.
 */
void announce_alive(struct gossip *g, struct effects *fx, const struct command *c)
{
    const struct identity *self = &c->as.alive.self;
    bool same = name_same(&self->name, &g->self.name) && self->creation == g->self.creation;
    if (!g->announced || (same && !g->leaving)) {
        begin(g, fx, c);
        return;
    }
    g->next = *c;
    if (!g->leaving) {
        leave(g, fx, DOWN_LEFT);
    }
}

void announce_leave(struct gossip *g, struct effects *fx, uint8_t reason)
{
    forget_next(g);
    if (g->announced && !g->leaving) {
        leave(g, fx, reason);
    } else if (!g->leaving) {
        struct effect *e = effects_push(fx, EFFECT_EVENT);
        if (e != NULL) {
            e->as.event.type = EVENT_LEFT;
        }
    }
}
