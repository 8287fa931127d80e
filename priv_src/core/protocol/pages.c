/* The roster, page by page, so that a newcomer knows a thousand in the time of some round trips, not of
 * their beats. The newcomer pulls: a page pushed at it would go to an address that nobody has proven, and
 * amplify. Pages are sorted by boot id and asked for by cursor, so that any member can serve the next one,
 * and none has to remember whom it serves.
 *
 * Nor may it flood another: the seal does not cover the source of a request. Where its sender was not reached
 * yet, a page has at most three times its bytes, as what goes to strangers; the next request echoes it, and
 * from then on pages are whole. The same holds for the first requests: where their receiver only says that it
 * is.
 *
 * Nor may one keep a roster from all others by pages without end: after a while another goes on with it. */
#include "protocol/pages.h"

#include "protocol/alarm.h"
#include "protocol/entry.h"
#include "protocol/send.h"
#include "state/self.h"

#define CURSOR_END UINT64_MAX

/* A pull that nobody answers (a firewall that lets no unicast in) must not ask 50 times a second for ever. */
static void pause(struct gossip *g, int64_t wait)
{
    wait = g->pull.vain < PAGE_PEERS ? wait : current_interval(g);
    g->pull.due = set_timer(g, wait, TIMER_PULL, g->self.boot, 0);
}

/* Whether a request of this size may go out now; where nobody was reached, beyond what is allowed there, it
 * may as often as a silent peer is probed. */
static bool may_ask(struct gossip *g, size_t size)
{
    bool any = g->pull.most == PULL_ANY, allowed = size <= g->pull.most;
    if (!allowed && g->now - g->pull.asked < PROBE_EVERY) {
        return false;
    }
    g->pull.most = any ? PULL_ANY : allowed ? (uint16_t)(g->pull.most - size) : 0;
    g->pull.asked = g->now;
    return true;
}

/* Each request has a nonce of its own, good for one page; the same request again has the same. False: nothing
 * may be sent there just now. */
static bool request(struct gossip *g, struct effects *fx, const struct peer *p, const struct addr *to)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_ROSTER);
    if (g->pull.nonce == 0) {
        g->pull.first = g->now;
    }
    while (g->pull.nonce == 0) {
        g->pull.nonce = random_u64(g);
    }
    m.nonce = g->pull.nonce;
    m.cursor = g->pull.cursor;
    m.has |= HAS_CURSOR;
    if (g->pull.echo != 0) {
        message_echo(&m, g->pull.from, g->pull.echo);
    }
    m.to = *to;
    m.has |= HAS_TO;
    if (p->far && !p->met) { /* it may not have heard yet of this member: so it can be told */
        m.flags = WIRE_ASK;
    }
    size_t size = message_size(&m);
    while (size > g->pull.most && message_shed(&m)) {
        size = message_size(&m);
    }
    bool may = may_ask(g, size) && (g->pull.there || message_may_try(g, p, to));
    if (may) {
        message_to(g, fx, g->pull.from, to, &m);
    }
    pause(g, page_retry(g->pull.patience, g->pull.tries));
    g->pull.tries = (uint8_t)(g->pull.tries + may);
    return may;
}

bool pages_wanted(const struct gossip *g)
{
    return !g->pull.active && !g->pull.complete;
}

void pages_begin(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct addr *to,
                 size_t most)
{
    g->pull = (struct pull){.from = m->id.boot,
                            .echo = m->nonce,
                            .since = g->now,
                            .began = g->now,
                            .asked = g->now,
                            .most = (uint16_t)most,
                            .active = true};
    (void)request(g, fx, roster_find(&g->roster, m->id.boot), to);
}

void pages_instead(struct gossip *g, const struct wire_message *m, size_t most)
{
    if (g->pull.active && !g->pull.single && m->id.boot != g->pull.from) {
        g->pull.next = m->id.boot;
        g->pull.next_echo = m->nonce;
        g->pull.next_most = (uint16_t)most;
    }
}

/* Some listed peer, at random, of whom there is one; and not this one (0: it may be any), where there is
 * another. */
static struct peer *anybody_but(struct gossip *g, uint64_t boot)
{
    size_t at = random_u32(g) % g->roster.listed;
    at = g->roster.list[at].boot == boot ? (at + 1) % g->roster.listed : at;
    return g->roster.list[at].peer;
}

static bool pull(struct gossip *g, struct effects *fx, const struct peer *p, uint64_t cursor, bool single)
{
    if (g->pull.active || p->addr_count == 0) {
        return false;
    }
    g->pull = (struct pull){.from = p->id.boot,
                            .cursor = cursor,
                            .since = g->now,
                            .began = g->now,
                            .most = PULL_ANY,
                            .active = true,
                            .single = single,
                            .again = true,
                            .complete = g->pull.complete};
    (void)request(g, fx, p, &p->addrs[0]);
    return true;
}

bool pages_from(struct gossip *g, struct effects *fx, const struct peer *p, bool catch_up)
{
    bool begun = pull(g, fx, p, 0, false);
    g->pull.catch_up = begun ? catch_up : g->pull.catch_up;
    return begun;
}

bool pages_find(struct gossip *g, struct effects *fx, const struct peer *p, uint64_t boot)
{
    return pull(g, fx, p, boot - 1, true);
}

bool pages_blocked(const struct gossip *g)
{
    return (g->pull.active && g->pull.vain >= PAGE_PEERS) || g->lookups_vain >= LOOKUPS_VAIN;
}

bool pages_coming(const struct gossip *g)
{
    return g->pull.active && !g->pull.single && g->pull.vain < PAGE_PEERS &&
           g->now - g->pull.since < PAGES_QUIET;
}

/* Whether the peer that is asked has had its chance. */
static bool given_up(const struct gossip *g, const struct peer *p)
{
    return p == NULL || p->state != PEER_LISTED || g->pull.tries >= PAGE_TRIES || g->pull.vain >= PAGE_PEERS;
}

static struct peer *listed(struct gossip *g, uint64_t boot)
{
    struct peer *p = boot != 0 ? roster_find(&g->roster, boot) : NULL;
    return p != NULL && p->state == PEER_LISTED ? p : NULL;
}

/* The rest is asked of this one from now on; `echo` is of its own, 0: none, and `most` is what may go there.
 */
static void turn_to(struct gossip *g, uint64_t boot, uint64_t echo, uint16_t most)
{
    g->pull.from = boot;
    g->pull.began = g->now;
    g->pull.there = g->pull.known = false;
    g->pull.nonce = 0;
    g->pull.echo = echo;
    g->pull.most = most;
    g->pull.tries = 0;
}

/* Asks another from now on: who has let this member in, or has answered it meanwhile and so knows where it
 * is, or anybody. */
static struct peer *go_over(struct gossip *g)
{
    struct peer *door = g->pull.vain == 0 ? listed(g, g->pull.door) : NULL, *next = listed(g, g->pull.next);
    struct peer *p = door != NULL ? door : next != NULL ? next : anybody_but(g, 0);
    bool answered = p->id.boot == g->pull.next && g->pull.next_echo != 0;
    uint16_t most = p->id.boot == g->pull.from ? g->pull.most : PULL_ANY;
    turn_to(g, p->id.boot, answered ? g->pull.next_echo : 0, answered ? g->pull.next_most : most);
    g->pull.next = g->pull.next_echo = 0;
    g->pull.vain = g->pull.vain < PAGE_PEERS ? (uint8_t)(g->pull.vain + 1) : PAGE_PEERS;
    return p;
}

void pages_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    if (!g->pull.active || g->pull.due != t->due) {
        return;
    }
    if (g->pull.turn && g->roster.listed > 0) {
        turn_to(g, anybody_but(g, g->pull.door)->id.boot, 0, PULL_ANY);
    }
    g->pull.turn = false;
    struct peer *p = roster_find(&g->roster, g->pull.from);
    if (g->pull.single && given_up(g, p)) {
        g->pull.active = false; /* the next to know more is asked */
        g->lookups_vain = g->lookups_vain < LOOKUPS_VAIN ? (uint8_t)(g->lookups_vain + 1) : LOOKUPS_VAIN;
        return;
    }
    bool over = given_up(g, p);
    if (over) {
        if (g->roster.listed == 0) {
            g->pull.active = false; /* the next to answer is asked */
            return;
        }
        p = go_over(g);
    }
    bool asked = p->addr_count > 0 && request(g, fx, p, &p->addrs[0]);
    if (!asked && !over && !g->pull.single && g->roster.listed > 1) { /* another may be asked sooner */
        p = go_over(g);
        asked = p->addr_count > 0 && request(g, fx, p, &p->addrs[0]);
    }
    if (!asked) {
        g->pull.tries = g->roster.listed > 1 || p->addr_count == 0 ? PAGE_TRIES : g->pull.tries;
        pause(g, PAGE_RETRY);
    }
}

void pages_known(struct gossip *g, const struct peer *p)
{
    bool waits = g->pull.active && g->pull.nonce != 0 && !g->pull.there && !g->pull.known;
    if (waits && p->id.boot == g->pull.from && g->pull.tries < PAGE_TRIES) {
        g->pull.known = true;
        g->pull.due = set_timer(g, PAGE_PACE, TIMER_PULL, g->self.boot, 0);
    }
}

void pages_same(struct gossip *g, const struct peer *p)
{
    if (g->pull.active && g->pull.again && !g->pull.single && p->id.boot == g->pull.from) {
        g->pull.active = false;
    }
}

/* The listed with the lowest boot ids above `cursor`, as many as a page holds, in order. Returns how many. */
static size_t after_cursor(const struct gossip *g, uint64_t cursor, const struct peer *out[WIRE_ENTRIES])
{
    const struct listed *lowest[WIRE_ENTRIES];
    size_t n = 0;
    for (size_t i = 0; i < g->roster.listed; i++) {
        const struct listed *l = &g->roster.list[i];
        if (l->boot <= cursor || (n == WIRE_ENTRIES && l->boot >= lowest[n - 1]->boot)) {
            continue;
        }
        size_t at = n < WIRE_ENTRIES ? n++ : n - 1;
        for (; at > 0 && lowest[at - 1]->boot > l->boot; at--) {
            lowest[at] = lowest[at - 1];
        }
        lowest[at] = l;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = lowest[i]->peer;
    }
    return n;
}

static void serve(struct gossip *g, struct effects *fx, const struct peer *p,
                  const struct wire_message *request, const struct path *from)
{
    if (!bucket_take(&g->pages, g->now, PAGE_RATE, PAGE_RATE)) {
        g->stats.answers_limited++;
        return;
    }
    const struct peer *peers[WIRE_ENTRIES];
    size_t n = after_cursor(g, request->cursor, peers);
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_ROSTER);
    message_echo(&m, request->id.boot, request->nonce);
    m.to = from->addr;
    m.has |= HAS_TO;
    m.has |= HAS_CURSOR | HAS_TOTAL;
    m.total = (uint32_t)g->roster.listed;
    m.cursor = CURSOR_END;
    if (request->cursor != 0) {
        m.tags.len = 0; /* said on the first page */
    }
    size_t most = peer_is_reached(p, &from->addr) ? DATAGRAM_MAX : message_may_cause(request);
    most = most < DATAGRAM_MAX ? most : DATAGRAM_MAX;
    size_t size = message_size(&m);
    if (n > 0) { /* what the sender says of itself gives way to the first entry */
        entry_about(g, peers[0], &m.entries[0]);
        while (most == DATAGRAM_MAX && size + wire_entry_size(&m.entries[0]) > most && message_shed(&m)) {
            size = message_size(&m);
        }
    }
    size_t room = most > size ? most - size : 0;
    for (size_t i = 0; i < n; i++) {
        struct wire_entry *e = &m.entries[m.entry_count];
        entry_about(g, peers[i], e);
        size_t more = wire_entry_size(e);
        if (more > room) {
            break;
        }
        room -= more;
        m.entry_count++;
    }
    if (size > most || (n > 0 && m.entry_count == 0)) {
        message_probe(g, fx, request->id.boot, &from->addr, most); /* who answers that is served */
        return;
    }
    if (m.entry_count > 0 && (m.entry_count < n || n == WIRE_ENTRIES)) {
        m.cursor = peers[m.entry_count - 1]->id.boot;
    }
    message_to(g, fx, request->id.boot, &from->addr, &m);
}

/* Whether a page answers the request that is under way. */
static bool wanted(const struct gossip *g, const struct peer *p, const struct wire_message *m)
{
    return g->pull.active && g->pull.nonce != 0 && p->id.boot == g->pull.from &&
           wire_echoes(m, g->self.boot, g->pull.nonce) && m->cursor > g->pull.cursor;
}

/* Of the far only news tells that they are gone, and news gets lost; and who could hear nobody for a while
 * has missed it of anybody. So whom a page leaves out, though this member has listed him for a while, is
 * asked; if he is dead, this member finds it out like a watcher. Who was stopped has heard all a moment ago,
 * by its own time: that says nothing. */
static void doubt_missing(struct gossip *g, const struct wire_message *m)
{
    for (size_t i = 0; i < g->roster.listed; i++) {
        uint64_t boot = g->roster.list[i].boot;
        if (boot <= g->pull.cursor || boot > m->cursor) {
            continue;
        }
        struct peer *p = g->roster.list[i].peer;
        bool missed = g->pull.catch_up;
        bool heard = !missed && g->now - p->direct < silence_to_probe(p->interval);
        bool told = g->now - p->since < p->interval || heard;
        if ((p->far || missed) && !told && p->watch == WATCH_QUIET && p->addr_count > 0 &&
            boot != m->id.boot && wire_entry_of(m, boot) == m->entry_count &&
            bucket_take(&g->doubts, g->now, DOUBT_BURST, DOUBT_RATE)) {
            alarm_probe(g, p);
        }
    }
}

bool pages_receive(struct gossip *g, struct effects *fx, const struct peer *p, const struct wire_message *m,
                   const struct path *from)
{
    if ((m->has & HAS_CURSOR) == 0) {
        return false;
    }
    if ((m->has & HAS_TOTAL) == 0) {
        if (p->state == PEER_LISTED && peer_has_address(p, &from->addr)) {
            serve(g, fx, p, m, from);
        }
        return false;
    }
    if (!wanted(g, p, m)) {
        return false; /* not asked for, or a second copy */
    }
    if ((p->far || g->pull.catch_up) && g->pull.again && !g->pull.single) {
        doubt_missing(g, m);
    }
    g->pull.nonce = 0;
    int64_t took = g->now - g->pull.first;
    if (g->pull.tries == 1) {
        g->pull.patience = took + took / 2;
    } else if (g->pull.patience == 0) { /* it may answer a later request, and so have taken less */
        g->pull.patience = took;
    }
    g->pull.most = PULL_ANY; /* what it answers only went there */
    g->pull.there = true;
    g->pull.echo = m->nonce;
    g->pull.cursor = m->cursor;
    g->lookups_vain = 0;
    if (g->pull.single) {
        g->pull.active = false;
        return true;
    }
    if (m->cursor == CURSOR_END) {
        g->pull.active = false;
        g->pull.complete = true;
        return true;
    }
    if (p->far && !g->pull.again && g->pull.door == 0) { /* many may have come by this door */
        g->pull.door = p->id.boot;
        g->pull.turn = true; /* when those whom this page names are listed */
    }
    g->pull.tries = g->now - g->pull.began < PAGES_OF_ONE ? 0 : PAGE_TRIES; /* then it is given up */
    g->pull.vain = 0;
    g->pull.due = set_timer(g, PAGE_PACE, TIMER_PULL, g->self.boot, 0);
    return true;
}
