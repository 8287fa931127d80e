/* Who is to act, and who may help. All members are ordered with regard to one of them, the same way
 * everywhere (rendezvous hashing), so that a few act and the others need not, without a word about whose
 * turn it is. Who may help: the peers heard most recently. */
#include "state/ranks.h"

#include "kit/rank.h"

static bool heard_lately(const struct gossip *g, const struct peer *p)
{
    return g->now - p->heard < silence_to_probe(p->interval);
}

/* All may have started at once, and know each other by hearing only; for the settled, a stranger is a
 * newcomer, who knows nothing, or a recording. */
static bool counts(const struct gossip *g, const struct pending *p, uint64_t subject)
{
    return p->boot != subject && g->now - p->heard < PENDING_LIFE && g->now - g->born < YOUNG;
}

static size_t strangers_before(const struct gossip *g, uint64_t subject, uint64_t turn, size_t enough)
{
    uint64_t mine = rank_weight(g->self.boot, subject + turn);
    size_t before = 0;
    for (size_t i = 0; i < g->pending.count && before < enough; i++) {
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
            before += rank_weight(r->list[i].boot, subject) > mine;
        }
    }
    for (size_t i = 0; i < g->pending.count; i++) {
        count += counts(g, &g->pending.slots[i], subject);
    }
    *live = count;
    return before < enough ? before + strangers_before(g, subject, 0, enough - before) : before;
}

bool rank_in_turn(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width)
{
    const struct roster *r = &g->roster;
    uint64_t mine = rank_weight(g->self.boot, subject + turn);
    size_t before = 0;
    for (size_t i = 0; i < r->listed && before < width; i++) {
        before += r->list[i].boot != subject && rank_weight(r->list[i].boot, subject + turn) > mine &&
                  heard_lately(g, r->list[i].peer);
    }
    before += strangers_before(g, subject, turn, width);
    return before < width;
}

bool rank_in_turn_of_old(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width)
{
    const struct roster *r = &g->roster;
    const struct peer *known = roster_find(r, subject);
    const struct pending *pending = pending_find(&g->pending, subject);
    int64_t before_then = pending != NULL ? pending->first : g->now;
    before_then =
        known != NULL && known->state == PEER_GONE && known->since < before_then ? known->since : before_then;
    uint64_t mine = rank_weight(g->self.boot, subject + turn);
    size_t before = 0;
    for (size_t i = 0; i < r->listed && before < width; i++) {
        before += r->list[i].boot != subject && rank_weight(r->list[i].boot, subject + turn) > mine &&
                  r->list[i].peer->since <= before_then;
    }
    before += strangers_before(g, subject, turn, width);
    return before < width;
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
