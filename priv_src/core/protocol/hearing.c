/* Multicast may work one way, or not at all, where unicast works: a firewall drops what comes to the group,
 * a switch forgets who is in it. Members that are listed go on living then, since they answer when they are
 * asked; but who comes new is found late, or not at all, and nobody knows why. So this member sees, for each
 * of its links, whether what goes to the group arrives.
 *
 * It is deaf where peers answer by unicast while nothing comes by the group. Whether it is mute only others
 * can tell: who does not hear a peer by the group (far.c) says so in each datagram to it (WIRE_FAR).
 * But the one who says so may be the deaf one. So others on that link are asked, a few at a time, and most
 * of those who have spoken decide. With one peer alone nobody can tell which of the two it is: each says what
 * it sees. Causes are never guessed.
 *
 * None of that costs a datagram, or tells anything, while all is well. */
#include "protocol/hearing.h"

#include <string.h>

#include "protocol/send.h"
#include "state/self.h"

#define CHANGES_MOST 4 /* told at one look */

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The link; one that was not used for long, and of which nothing is told, gives way. NULL: there is none. */
static struct link *find(struct gossip *g, uint32_t ifindex)
{
    struct link *oldest = NULL;
    for (size_t i = 0; i < LINKS_MAX; i++) {
        struct link *l = &g->links[i];
        if (l->used != 0 && l->ifindex == ifindex) {
            return l;
        }
        bool told = l->told.deaf > 0 || l->told.mute > 0;
        if (!told && (oldest == NULL || l->used < oldest->used)) {
            oldest = l;
        }
    }
    if (oldest != NULL) {
        *oldest = (struct link){.ifindex = ifindex, .told.ifindex = ifindex};
    }
    return oldest;
}

/* Something that lasts is seen again; after a gap it begins anew. */
static void seen(struct span *s, int64_t now, int64_t gap)
{
    s->since = s->last == 0 || now - s->last > gap ? now : s->since;
    s->last = now;
}

static void tell(struct effects *fx, struct link *l, bool lapsed)
{
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    if (e != NULL) {
        e->as.event.type = EVENT_LINK;
        e->as.event.link = l->told;
        e->as.event.link.lapsed = lapsed;
    }
}

static uint16_t counted(size_t count)
{
    return count > UINT16_MAX ? UINT16_MAX : (uint16_t)count;
}

/* Peers of this link that were heard lately, and not by the group. */
static size_t far_peers(const struct gossip *g, const struct link *l)
{
    size_t count = 0;
    for (size_t i = 0; i < g->roster.listed; i++) {
        const struct peer *p = g->roster.list[i].peer;
        count += p->link == l->ifindex && p->far && g->now - p->direct < p->miss * p->interval;
    }
    return count > 0 ? count : 1; /* it is one of them that makes this member look */
}

/* Something has come by the group. */
static void hear(struct gossip *g, struct link *l)
{
    l->used = g->now;
    l->far = (struct span){0};
}

static void judge_deaf(const struct gossip *g, struct effects *fx, struct link *l, int64_t interval)
{
    if (l->told.deaf == 0 && l->far.last != 0 && g->now - l->far.since >= DEAF_SPAN * interval) {
        l->told.deaf = counted(far_peers(g, l));
        tell(fx, l, false);
    }
}

/* Who is so new has not missed anything yet, and so says nothing by not saying it. */
static bool is_new(const struct gossip *g, const struct peer *p)
{
    return g->now - p->since < p->miss * p->interval;
}

/* Whether it has said within `within` T if it hears this member. */
static bool spoke(const struct gossip *g, const struct peer *p, int64_t within)
{
    return p->said_at != 0 && g->now - p->said_at < within * p->interval;
}

/* What the peers of a link have said within `within` T; so many of them are new, and may say it yet. */
struct words {
    size_t said, unheard, new;
};

static struct words words_of(const struct gossip *g, const struct link *l, int64_t within)
{
    struct words w = {0};
    for (size_t i = 0; i < g->roster.listed; i++) {
        const struct peer *p = g->roster.list[i].peer;
        if (p->link != l->ifindex) {
            continue;
        }
        bool lately = spoke(g, p, within);
        w.said += lately;
        w.unheard += lately && p->says_far;
        w.new += is_new(g, p) && !lately;
    }
    return w;
}

static void judge_mute(const struct gossip *g, struct effects *fx, struct link *l, int64_t interval)
{
    if (l->told.mute > 0 || g->now - l->unheard.since < MUTE_SPAN * interval) {
        return;
    }
    struct words w = words_of(g, l, WORDS_LIFE);
    if (2 * w.unheard > w.said + w.new && (w.said >= WORDS_ENOUGH || l->polled)) {
        l->told.mute = counted(w.unheard);
        tell(fx, l, false);
    }
}

static void note_word(const struct gossip *g, struct peer *p, bool unheard)
{
    if (unheard || !is_new(g, p)) {
        p->says_far = unheard;
        p->said_at = g->now;
    }
}

void hearing_note(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  const struct path *from)
{
    bool by_group = from->kind == PATH_GROUP;
    struct link *l =
        p->state == PEER_LISTED && from->source == SOURCE_NEAR ? find(g, from->addr.ifindex) : NULL;
    if (l == NULL) {
        return; /* multicast keeps to the link: who is far off is not expected to be heard by it */
    }
    int64_t interval = longer(p->interval, current_interval(g)), gap = SPAN_GAP * interval;
    p->link = l->ifindex;
    l->used = g->now;
    if (by_group) {
        hear(g, l);
        if (l->told.deaf > 0) {
            l->told.deaf = 0;
            tell(fx, l, false);
        }
        return;
    }
    note_word(g, p, (m->flags & WIRE_FAR) != 0);
    if (p->far) {
        seen(&l->far, g->now, gap);
        judge_deaf(g, fx, l, interval);
    }
    if ((m->flags & WIRE_FAR) != 0) {
        l->polled = l->unheard.last != 0 && g->now - l->unheard.last <= gap && l->polled;
        seen(&l->unheard, g->now, gap);
    }
}

void hearing_copy(struct gossip *g, const struct peer *p, const struct path *from)
{
    struct link *l = p->state == PEER_LISTED ? find(g, from->addr.ifindex) : NULL;
    if (l != NULL) {
        hear(g, l);
    }
}

/* Asks a few of this link's peers who have not spoken for so many T whether they hear this member: they say
 * so when they answer. Begins anywhere, so that each has its turn. */
static void poll(struct gossip *g, struct effects *fx, const struct link *l, int64_t within)
{
    size_t asked = 0, from = g->roster.listed > 0 ? random_u32(g) % g->roster.listed : 0;
    for (size_t i = 0; i < g->roster.listed && asked < WORDS_ENOUGH; i++) {
        const struct peer *p = g->roster.list[(from + i) % g->roster.listed].peer;
        if (p->link == l->ifindex && p->met && p->addr_count > 0 && !spoke(g, p, within)) {
            message_probe_peer(g, fx, p, 0);
            asked++;
        }
    }
}

/* Where somebody has said that it does not hear this member, others are asked, as long as that lasts. */
static void look_mute(struct gossip *g, struct effects *fx, struct link *l, int64_t interval)
{
    bool lasts = l->unheard.last - l->unheard.since >= interval; /* who has just joined says so, too */
    bool doubt = lasts && g->now - l->unheard.last <= SPAN_GAP * interval;
    if (l->told.mute == 0 && doubt) {
        judge_mute(g, fx, l, interval);
        struct words again = words_of(g, l, WORDS_AGAIN);
        if (again.said < WORDS_ENOUGH) {
            poll(g, fx, l, WORDS_AGAIN);
            l->polled = l->polled || again.new == 0; /* what the new answer counts for nothing */
        }
        return;
    }
    if (l->told.mute == 0) {
        return;
    }
    struct words lately = words_of(g, l, WORDS_FRESH);
    bool heard = lately.said > 0 && 2 * lately.unheard <= lately.said;
    if (heard || words_of(g, l, WORDS_LIFE).said == 0) {
        l->told.mute = 0;
        l->unheard = (struct span){0}; /* what was said before counts no more */
        tell(fx, l, !heard);
    } else if (lately.said < WORDS_ENOUGH) { /* else they speak unasked: far ones ask each other */
        poll(g, fx, l, WORDS_FRESH);
    }
}

static void look_deaf(struct gossip *g, struct effects *fx, struct link *l, int64_t interval)
{
    bool heard = l->far.last == 0, lapsed = g->now - l->far.last >= WORDS_LIFE * interval;
    if (l->told.deaf > 0 && (heard || lapsed)) {
        l->told.deaf = 0;
        tell(fx, l, !heard);
    }
}

void hearing_look(struct gossip *g, struct effects *fx)
{
    int64_t interval = current_interval(g);
    if (g->now < g->links_look) {
        return;
    }
    g->links_look = g->now + interval / 2;
    size_t before = effects_room(fx), most = (size_t)CHANGES_MOST * 2;
    for (size_t i = 0; i < LINKS_MAX && before - effects_room(fx) < most; i++) {
        struct link *l = &g->links[i];
        if (l->used != 0) {
            look_deaf(g, fx, l, interval);
            look_mute(g, fx, l, interval);
        }
    }
}

void hearing_end(struct gossip *g)
{
    memset(g->links, 0, sizeof g->links);
    g->links_look = 0;
}
