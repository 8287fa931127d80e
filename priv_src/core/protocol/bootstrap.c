/* Where multicast does not lead, somebody must be known beforehand: the seeds. Whoever stands there is asked
 * as the group is, in the same quick order, but by unicast, so that it alone answers, and at once: no rank
 * decides, since nobody else has heard it. Once a listed peer has answered at a seed, it is left alone: all
 * else comes by that peer's pages and vouches. When that peer is gone, the seed is asked again, ever more
 * seldom: so two halves of a group find each other again. And so that they need no seed for it, far peers
 * that fell silent are asked in the same way, where they were last reached, for a day. */
#include "protocol/bootstrap.h"

#include "protocol/send.h"
#include "state/self.h"

#define AT_ONCE 8 /* questions of one call that are left before it stops: of one seed more do not go */

static void plan(struct gossip *g)
{
    const struct door *first = seeds_first(&g->seeds);
    if (first != NULL && g->announced && !g->leaving) {
        g->seeds_due =
            set_timer(g, first->due > g->now ? first->due - g->now : 0, TIMER_SEEDS, g->self.boot, 0);
    }
}

void bootstrap_seeds(struct gossip *g, const struct seed *seeds, size_t count)
{
    seeds_replace(&g->seeds, seeds, count, g->now);
    plan(g);
}

void bootstrap_start(struct gossip *g, int64_t delay)
{
    seeds_begin(&g->seeds, g->now + delay);
    plan(g);
}

void bootstrap_settle(struct gossip *g)
{
    if (g->seeds.more) {
        g->seeds.more = false;
        plan(g);
    }
}

/* Whether a listed peer has answered there what only went there. */
static bool stands_at(const struct peer *p, const struct seed *seed)
{
    for (size_t i = 0; p->state == PEER_LISTED && i < p->addr_count; i++) {
        if (seed_has(seed, &p->addrs[i]) && peer_is_reached(p, &p->addrs[i])) {
            return true;
        }
    }
    return false;
}

/* The boot id of a peer that stands there; 0: nobody is known to. */
static uint64_t who_is_at(const struct gossip *g, const struct door *d)
{
    const struct peer *last = roster_find(&g->roster, d->boot);
    if (last != NULL && stands_at(last, &d->seed)) {
        return d->boot;
    }
    for (size_t i = 0; i < g->roster.listed; i++) {
        if (stands_at(g->roster.list[i].peer, &d->seed)) {
            return g->roster.list[i].boot;
        }
    }
    return 0;
}

/* For whoever stands there: so its boot id is 0, and so is the one that its nonce is bound to. */
static void question(struct gossip *g, struct effects *fx, const struct door *d, uint8_t offset)
{
    struct addr to = d->seed.addr;
    struct wire_message m WIRE_ROOM;
    to.port = (uint16_t)(to.port + offset);
    if (addr_among(&to, g->own, g->own_count)) {
        return;
    }
    message_start(g, &m, WIRE_HELLO);
    m.question = d->asked;
    m.has |= HAS_QUESTION;
    m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    message_to(g, fx, 0, &to, &m);
}

/* Of several ports it is most likely the first. So the first is asked each time, and while that happens often
 * one of the others with it, in turn; later all of them. */
static void ask(struct gossip *g, struct effects *fx, const struct door *d)
{
    uint8_t others = (uint8_t)(d->seed.ports - 1);
    question(g, fx, d, 0);
    for (uint8_t i = 1; i <= others; i++) {
        if (d->asked > QUESTIONS_QUICK || i == 1 + d->asked % others) {
            question(g, fx, d, i);
        }
    }
}

/* Those who are lost at once by many are not to be asked at once by many, or for long by nobody. */
static int64_t next_gap(struct gossip *g, const struct door *d)
{
    if (d->lost != 0) {
        int64_t gap = question_gap(d->asked, LOST_GAP_MOST);
        return random_between(g, gap / 2, gap + gap / 2);
    }
    int64_t gap = question_gap(d->asked, SEED_GAP_MOST);
    return d->asked > QUESTIONS_QUICK ? interval_jittered(gap, random_u32(g)) : gap;
}

/* Whether one that was lost is listed again, wherever it is. */
static bool is_back(const struct gossip *g, const struct door *d)
{
    const struct peer *p = roster_find(&g->roster, d->lost);
    return p != NULL && p->state == PEER_LISTED;
}

static void look(struct gossip *g, struct effects *fx, struct door *d)
{
    uint64_t boot = who_is_at(g, d);
    if (d->lost != 0 && (boot != 0 || is_back(g, d) || g->now >= d->until)) {
        seeds_drop(&g->seeds, d);
        return;
    }
    if (boot != 0) {
        d->boot = boot;
        d->due = g->now + current_interval(g);
        return;
    }
    if (d->boot != 0) { /* all who knew it lose it at once */
        d->boot = 0;
        d->asked = SEED_LOST;
        d->due = g->now + random_between(g, 0, current_interval(g));
        return;
    }
    if (!bucket_take_each(&g->seed_asks, g->now, SEED_BURST, SEED_PERIOD)) {
        d->due = bucket_next(&g->seed_asks, SEED_BURST, SEED_PERIOD);
        return;
    }
    ask(g, fx, d);
    d->asked = d->asked < SEED_ASKED ? (uint8_t)(d->asked + 1) : SEED_ASKED;
    d->due = g->now + next_gap(g, d);
}

void bootstrap_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    if (t->boot != g->self.boot || t->due != g->seeds_due) {
        return; /* of an earlier life, or overtaken */
    }
    size_t room = effects_room(fx);
    for (size_t i = 0; i < SEEDS_MAX && room - effects_room(fx) <= AT_ONCE; i++) {
        struct door *d = seeds_first(&g->seeds);
        if (d == NULL || d->due > g->now) {
            break;
        }
        look(g, fx, d);
    }
    plan(g);
}
