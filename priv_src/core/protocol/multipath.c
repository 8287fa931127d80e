/* One peer on several links is one peer with several paths. What it says to the group comes by each of them,
 * now by this one first, now by that: so which was the first means nothing. The path that has answered is
 * kept: it is used first as long as the peer is heard there, or answers. When it is heard by another alone
 * for more than a beat, the first is asked; when that does not answer, the other takes over, long before a
 * silence would be noticed, and is asked, too, so that it is proven. A path is one that the peer has claimed
 * under the seal, or that it has answered from; a copy that was not opened tells only that one of those is in
 * use. */
#include "protocol/multipath.h"

#include "protocol/send.h"

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

/* With no more bytes than it said, three times, until it has answered there. */
static void ask_first(struct gossip *g, struct effects *fx, const struct peer *p,
                      const struct wire_message *m)
{
    message_probe(g, fx, p->id.boot, &p->addrs[0],
                  (p->reached & 1) != 0 ? DATAGRAM_MAX : message_may_cause(m));
}

static bool to_front(struct gossip *g, struct peer *p, const struct addr *a)
{
    bool moved = p->addr_count > 0 && !addr_same(&p->addrs[0], a);
    bool changed = peer_address(p, a);
    peer_heard_at(p, a, g->now);
    return changed || moved;
}

static bool take_over(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                      const struct addr *by)
{
    bool changed = to_front(g, p, by);
    if ((p->reached & 1) == 0 && g->now - p->path_tried >= PATH_RETRY) {
        p->path_tried = g->now;
        ask_first(g, fx, p, m);
    }
    return changed;
}

bool multipath_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                     const struct addr *from)
{
    if (!kept(p, m, from)) {
        return to_front(g, p, from);
    }
    bool changed = peer_beside(p, from);
    peer_heard_at(p, from, g->now);
    if (g->now - p->path_heard[0] <= path_silent(p)) {
        return changed;
    }
    if (p->path_asked <= p->path_heard[0]) {
        p->path_asked = g->now;
        ask_first(g, fx, p, m);
        return changed;
    }
    return g->now - p->path_asked >= PATH_PATIENCE ? take_over(g, fx, p, m, from) : changed;
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
    if (p->state == PEER_GONE) {
        return;
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
