/* What is new is said to the group, and all who belong to it hear it. Those who do not hear the group hear it
 * along the watch graph: whoever hears something for the first time passes it on to all with whom it is
 * linked, but the one who told it. What it knew it does not pass on, so each word ends by itself; and only
 * what changes something is a word, so nobody can make others talk for nothing. What came to one island by
 * unicast is said there to the group, once; of what came by the group the first three by rank tell those
 * beyond at once. One that is deaf by itself may be linked with none of these three: so with all others, too,
 * it rides along.
 *
 * It is gathered for a moment, since what comes at once (a partition heals) fits into few datagrams. And for
 * some seconds it rides along in probes and answers, since datagrams get lost. */
#include "protocol/flood.h"

#include "protocol/entry.h"
#include "protocol/send.h"
#include "state/graph.h"
#include "state/ranks.h"
#include "state/self.h"

#define VERDICT_BYTES 16
#define RIDE_ENTRIES  4 /* at most, so that a probe stays short */
#define RIDE_VERDICTS 8

/* Whether this member is to tell the far of what the group has heard. */
static bool is_first(const struct gossip *g, uint64_t subject)
{
    size_t live;
    return rank_among_live(g, subject, ANSWERERS, &live) < ANSWERERS;
}

static void plan(struct gossip *g, int64_t wait)
{
    if (g->flood_at == 0) {
        g->flood_at = set_timer(g, wait, TIMER_FLOOD, 0, 0);
    }
}

static void add(struct gossip *g, struct news n, bool by_group)
{
    if (g->roster.far == 0 ||
        !bucket_take(&g->floods, g->now, g->options.max_peers, crowd_rate(g->options.max_peers))) {
        return;
    }
    n.rides = by_group && n.giver != 0 && !is_first(g, n.boot);
    n.for_group = !by_group && g->roster.far < g->roster.listed;
    g->news[g->news_count++ % NEWS_KEPT] = n;
    if (g->news_count - g->news_said > NEWS_KEPT) {
        g->news_said++; /* the digests will tell */
    }
    if (!n.rides) {
        plan(g, FLOOD_GATHER);
    }
}

void flood_entry(struct gossip *g, const struct peer *p, uint64_t giver, bool by_group)
{
    add(g, (struct news){.boot = p->id.boot, .giver = giver, .at = g->now, .incarnation = p->id.incarnation},
        by_group);
}

void flood_verdict(struct gossip *g, const struct wire_verdict *v, uint64_t giver, bool by_group)
{
    add(g,
        (struct news){.boot = v->boot,
                      .giver = giver,
                      .at = g->now,
                      .incarnation = v->incarnation,
                      .verdict = v->verdict},
        by_group);
}

/* What it takes in a datagram; 0: it is not true any more. */
static size_t size_of(const struct gossip *g, const struct news *n, struct wire_entry *e)
{
    if (n->verdict != 0) {
        return VERDICT_BYTES;
    }
    const struct peer *p = roster_find(&g->roster, n->boot);
    if (p == NULL || p->state != PEER_LISTED) {
        return 0;
    }
    entry_about(g, p, e);
    return wire_entry_size(e);
}

static void put(struct wire_message *m, const struct news *n, const struct wire_entry *e)
{
    if (n->verdict != 0) {
        message_verdict(m, n->verdict, n->boot, n->incarnation);
    } else if (m->entry_count < WIRE_ENTRIES) {
        m->entries[m->entry_count++] = *e;
    }
}

/* A message with nothing of the sender's that its receivers know, or will ask for. */
static size_t begin(struct gossip *g, struct wire_message *m)
{
    message_start(g, m, WIRE_NEWS);
    while (message_shed(m)) {
    }
    m->has |= HAS_TO;
    m->to = (struct addr){.family = ADDR_IPV6};
    return message_size(m);
}

/* As much of what is owed as one datagram holds; what is no more true is not. Returns how many. */
static size_t take(struct gossip *g, const struct news *out[static WIRE_VERDICTS])
{
    struct wire_message m WIRE_ROOM;
    struct wire_entry e;
    size_t n = 0, size = begin(g, &m);
    for (; g->news_said != g->news_count && n < WIRE_VERDICTS; g->news_said++) {
        const struct news *news = &g->news[g->news_said % NEWS_KEPT];
        size_t bytes = size_of(g, news, &e);
        if (size + bytes > DATAGRAM_MAX) {
            break;
        }
        size += bytes;
        out[n] = news;
        n += bytes > 0;
    }
    return n;
}

static void fill(const struct gossip *g, struct wire_message *m, const struct news *const *news, size_t count,
                 uint64_t to)
{
    for (size_t i = 0; i < count; i++) {
        struct wire_entry e;
        if (news[i]->rides) {
            continue;
        }
        bool tell = to == 0 ? news[i]->for_group : news[i]->giver != to && news[i]->boot != to;
        tell = tell || (news[i]->verdict != 0 && news[i]->boot == to); /* the accused hears it first */
        if (tell && size_of(g, news[i], &e) > 0) {
            put(m, news[i], &e);
        }
    }
}

void flood_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    const struct news *news[WIRE_VERDICTS];
    struct peer *links[GRAPH_LINKS];
    if (t->due != g->flood_at) {
        return;
    }
    g->flood_at = 0;
    graph_look(g);
    size_t links_count = graph_links(g, links), count = take(g, news);
    for (size_t i = 0; i <= links_count; i++) {
        struct wire_message m WIRE_ROOM;
        (void)begin(g, &m);
        fill(g, &m, news, count, i < links_count ? links[i]->id.boot : 0);
        if (m.entry_count + m.verdict_count == 0) {
            continue;
        }
        if (i == links_count) {
            message_to_group(g, fx, &m);
        } else if (message_may_reach(g, links[i], 0)) {
            message_to(g, fx, links[i]->id.boot, &links[i]->addrs[0], &m);
        }
    }
    if (g->news_said != g->news_count) {
        plan(g, 0);
    }
}

void flood_ride(const struct gossip *g, struct wire_message *m, uint64_t to, size_t most)
{
    size_t size = message_size(m), verdicts = 0;
    most = most < DATAGRAM_MAX ? most : DATAGRAM_MAX;
    size_t kept = g->news_count < NEWS_KEPT ? (size_t)g->news_count : NEWS_KEPT;
    for (size_t i = 1; i <= kept && m->entry_count < RIDE_ENTRIES && verdicts < RIDE_VERDICTS; i++) {
        const struct news *n = &g->news[(g->news_count - i) % NEWS_KEPT];
        struct wire_entry e;
        if (n->at + NEWS_LIFE <= g->now) {
            return;
        }
        size_t bytes = n->giver != to && n->boot != to ? size_of(g, n, &e) : 0;
        if (bytes > 0 && size + bytes <= most) {
            put(m, n, &e);
            size += bytes;
            verdicts += n->verdict != 0;
        }
    }
}
