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
static void count_strangers(const struct gossip *g, uint64_t subject, size_t enough, size_t *before,
                            size_t *count)
{
    uint64_t mine = rank_weight(g->self.boot, subject);
    bool young = g->now - g->born < YOUNG;
    for (size_t i = 0; young && i < g->pending.count && *before < enough; i++) {
        const struct pending *p = &g->pending.slots[i];
        if (p->boot != subject && g->now - p->heard < PENDING_LIFE) {
            (*count)++;
            *before += rank_weight(p->boot, subject) > mine;
        }
    }
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
    count_strangers(g, subject, enough, &before, &count);
    *live = count;
    return before;
}

size_t rank_among_heard(const struct gossip *g, uint64_t subject, size_t *live)
{
    const struct roster *r = &g->roster;
    uint64_t mine = rank_weight(g->self.boot, subject);
    size_t before = 0;
    size_t count = 1;
    for (size_t i = 0; i < r->listed; i++) {
        if (r->list[i].boot != subject && heard_lately(g, r->list[i].peer)) {
            count++;
            before += rank_weight(r->list[i].boot, subject) > mine;
        }
    }
    count_strangers(g, subject, SIZE_MAX, &before, &count);
    *live = count;
    return before;
}

size_t rank_among_old(const struct gossip *g, uint64_t subject, size_t *live)
{
    const struct roster *r = &g->roster;
    const struct peer *gone = roster_find(r, subject);
    const struct pending *pending = pending_find(&g->pending, subject);
    int64_t before_then = pending != NULL ? pending->first : g->now;
    before_then = gone != NULL && gone->since < before_then ? gone->since : before_then;
    uint64_t mine = rank_weight(g->self.boot, subject);
    size_t before = 0;
    size_t count = 1;
    for (size_t i = 0; i < r->listed; i++) {
        if (r->list[i].boot != subject && r->list[i].peer->since <= before_then) {
            count++;
            before += rank_weight(r->list[i].boot, subject) > mine;
        }
    }
    count_strangers(g, subject, SIZE_MAX, &before, &count);
    *live = count;
    return before;
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
