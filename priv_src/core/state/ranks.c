/* Who is to act, and who may help. All members are ordered with regard to one of them, the same way
 * everywhere (rendezvous hashing), so that a few act and the others need not, without a word about whose
 * turn it is. Who may help: the peers heard most recently. */
#include "state/ranks.h"

#include "kit/rank.h"

/* What is said to the group does not reach the far. */
static bool heard_lately(const struct gossip *g, const struct peer *p)
{
    return !p->far && g->now - p->heard < silence_to_probe(p->interval);
}

/* All may have started at once, and know each other by hearing only; for the settled, a stranger is a
 * newcomer, who knows nothing, or a recording: and whoever has many of those must not have each of them
 * looked at for each that he says. */
static size_t strangers_who_count(const struct gossip *g)
{
    return g->now - g->born < YOUNG ? g->pending.count : 0;
}

static bool counts(const struct gossip *g, const struct pending *p, uint64_t subject)
{
    return p->boot != subject && g->now - p->heard < PENDING_LIFE;
}

static size_t strangers_before(const struct gossip *g, uint64_t subject, uint64_t turn, size_t enough)
{
    uint64_t mine = rank_weight(g->self.boot, subject + turn);
    size_t before = 0, count = strangers_who_count(g);
    for (size_t i = 0; i < count && before < enough; i++) {
        const struct pending *p = &g->pending.slots[i];
        before += counts(g, p, subject) && rank_weight(p->boot, subject + turn) > mine;
    }
    return before;
}

size_t rank_among_live(const struct gossip *g, uint64_t subject, size_t enough, size_t *live)
{
    const struct roster *r = &g->roster;
    uint64_t mine = rank_weight(g->self.boot, subject);
    size_t before = 0;
    size_t count = 1;
    for (size_t i = 0; i < r->listed && before < enough; i++) {
        if (r->list[i].boot != subject) {
            count++;
            before += rank_weight(r->list[i].boot, subject) > mine && !(r->far > 0 && r->list[i].peer->far);
        }
    }
    size_t strangers = strangers_who_count(g);
    for (size_t i = 0; i < strangers; i++) {
        count += counts(g, &g->pending.slots[i], subject);
    }
    *live = count;
    return before < enough ? before + strangers_before(g, subject, 0, enough - before) : before;
}

/* Counted are those who were listed before then, or, where that is NULL, those who were heard lately. */
static bool in_turn(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width,
                    const int64_t *listed_before)
{
    const struct roster *r = &g->roster;
    uint64_t mine = rank_weight(g->self.boot, subject + turn);
    size_t before = 0;
    for (size_t i = 0; i < r->listed && before < width; i++) {
        const struct listed *l = &r->list[i];
        before += l->boot != subject && rank_weight(l->boot, subject + turn) > mine &&
                  (listed_before == NULL ? heard_lately(g, l->peer)
                                         : !l->peer->far && l->peer->since <= *listed_before);
    }
    return before < width && strangers_before(g, subject, turn, width - before) < width - before;
}

bool rank_in_turn(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width)
{
    return in_turn(g, subject, turn, width, NULL);
}

bool rank_in_turn_of_old(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width)
{
    const struct peer *known = roster_find(&g->roster, subject);
    const struct pending *pending = pending_find(&g->pending, subject);
    int64_t then = pending != NULL ? pending->first : g->now;
    then = known != NULL && known->state == PEER_GONE && known->since < then ? known->since : then;
    return in_turn(g, subject, turn, width, &then);
}

bool rank_watches(const struct gossip *g, const struct peer *p)
{
    const struct roster *r = &g->roster;
    uint64_t mine = rank_weight(g->self.boot, p->id.boot);
    size_t before = 0;
    for (size_t i = 0; i < r->listed && before < ANSWERERS; i++) {
        const struct peer *other = r->list[i].peer;
        before += other != p && rank_weight(r->list[i].boot, p->id.boot) > mine && heard_lately(g, other);
    }
    return before < ANSWERERS;
}

size_t rank_helpers(const struct gossip *g, const struct peer *p, size_t max, struct peer **out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->roster.listed; i++) {
        struct peer *other = g->roster.list[i].peer;
        if (other == p || !other->met || other->addr_count == 0 ||
            (n == max && other->heard <= out[n - 1]->heard)) {
            continue;
        }
        size_t at = n < max ? n++ : n - 1;
        for (; at > 0 && out[at - 1]->heard < other->heard; at--) {
            out[at] = out[at - 1];
        }
        out[at] = other;
    }
    return n;
}
