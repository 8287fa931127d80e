/* One peer on several links is one peer with several paths. What it says to the group comes by each of them,
 * now by this one first, now by that: so which was the first means nothing. The path that has answered is
 * kept: it is used first as long as the peer is heard there, or answers. When it is heard by another alone
 * for more than a beat, the first is asked; when that does not answer in time, the other takes over, long
 * before a silence would be noticed, and is asked, too, so that it is proven. That is looked at when the peer
 * is heard: one beat that is lost on one link, of which loss makes many, is no doubt, and asks nobody. A path
 * is one that the peer has claimed under the seal, or that it has answered from; a copy that was not opened
 * tells only that one of those is in use. */
#include "protocol/multipath.h"

#include "protocol/send.h"
#include "protocol/tell.h"
#include "state/self.h"

/* How long a path may be without a word while others bring some: a beat comes within T, and may be late. */
static int64_t path_silent(const struct peer *p)
{
    return p->interval + p->interval / 4;
}

static bool first_in_doubt(const struct peer *p)
{
    bool watched = p->watch != WATCH_QUIET && p->path_heard[0] <= p->probe_began;
    return watched || p->path_asked > p->path_heard[0];
}

/* In person; of one that has but one address nothing else is kept. */
static bool first_heard(const struct peer *p)
{
    return p->path_heard[0] != 0 || (p->addr_count == 1 && p->met && (p->hearsay & 1) == 0);
}

/* Whether the first address stays that, though the peer is heard at this other one. Who does not claim it any
 * more has moved, and who claims none may have. What has answered goes before what was only heard, and that
 * before what others told of. */
static bool kept(const struct peer *p, const struct wire_message *m, const struct addr *other)
{
    return p->addr_count > 0 && !addr_same(&p->addrs[0], other) && message_claims(m, &p->addrs[0]) &&
           ((p->reached & 1) != 0 || (first_heard(p) && !peer_is_reached(p, other)));
}

/* With no more bytes than what it said may cause, until it has answered there. */
static void ask_first(struct gossip *g, struct effects *fx, const struct peer *p, size_t most)
{
    message_probe(g, fx, p->id.boot, &p->addrs[0], (p->reached & 1) != 0 ? DATAGRAM_MAX : most);
}

/* It has PATH_PATIENCE to answer. What is left of the bytes goes where the peer is used then. */
static void doubt_first(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m)
{
    size_t most = message_may_cause(m);
    uint64_t before = g->stats.bytes_sent;
    p->path_asked = g->now;
    ask_first(g, fx, p, most);
    size_t sent = (size_t)(g->stats.bytes_sent - before);
    p->path_left = (uint16_t)(sent < most ? most - sent : 0);
    (void)set_timer(g, PATH_PATIENCE, TIMER_PATH, p->id.boot, 0);
}

static bool to_front(struct gossip *g, struct peer *p, const struct addr *a)
{
    bool moved = p->addr_count > 0 && !addr_same(&p->addrs[0], a);
    bool changed = peer_address(p, a);
    peer_heard_at(p, a, g->now);
    return changed || moved;
}

/* Where it was heard last. */
static size_t latest(const struct peer *p)
{
    size_t best = 0;
    for (size_t i = 1; i < p->addr_count; i++) {
        best = p->path_heard[i] > p->path_heard[best] ? i : best;
    }
    return best;
}

void multipath_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state == PEER_GONE || p->path_asked <= p->path_heard[0] ||
        g->now - p->path_asked < PATH_PATIENCE) {
        return; /* it was heard there since, or is asked anew */
    }
    size_t at = latest(p);
    if (at == 0) {
        return;
    }
    struct addr by = p->addrs[at];
    (void)peer_address(p, &by);
    if ((p->reached & 1) == 0 && g->now - p->path_tried >= PATH_RETRY) {
        p->path_tried = g->now;
        ask_first(g, fx, p, p->path_left);
    }
    if (p->state == PEER_LISTED) {
        tell_update(g, fx, p);
    }
}

bool multipath_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                     const struct addr *from)
{
    if (!kept(p, m, from)) {
        return to_front(g, p, from);
    }
    bool changed = peer_beside(p, from);
    peer_heard_at(p, from, g->now);
    if (g->now - p->path_heard[0] > path_silent(p) && p->path_asked <= p->path_heard[0]) {
        doubt_first(g, fx, p, m);
    }
    return changed;
}

bool multipath_answered(struct gossip *g, struct peer *p, const struct wire_message *m,
                        const struct addr *where)
{
    if (!kept(p, m, where) || first_in_doubt(p)) {
        return to_front(g, p, where);
    }
    bool changed = peer_beside(p, where);
    peer_heard_at(p, where, g->now);
    return changed;
}

void multipath_copy(const struct gossip *g, struct peer *p, const struct path *from)
{
    if (p->state == PEER_GONE || from->source == SOURCE_FAR) {
        return; /* an address of another link: nobody says that from here but who has made up its source */
    }
    if (peer_has_address(p, &from->addr)) {
        peer_heard_at(p, &from->addr, g->now);
    } else if (!p->beside) {
        p->beside = true;
        p->other = from->addr;
    }
}

bool multipath_claimed(const struct gossip *g, struct peer *p, const struct wire_message *m)
{
    struct addr other = p->other;
    if (!p->beside || m->own_count == 0) {
        return false;
    }
    p->beside = false;
    if (!message_claims(m, &other) || !peer_beside(p, &other)) {
        return false;
    }
    peer_heard_at(p, &other, g->now);
    return true;
}
