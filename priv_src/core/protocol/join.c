/* First contact: nobody is listed, named or dialled before it has answered a nonce that this member has just
 * made, or a peer that has done so vouches for it. A recorded datagram cannot do that, whoever sends it from
 * wherever.
 *
 * And nobody can be made to flood: whatever a stranger sends to the group is answered by so few, and each
 * answer is so short, that all of them together send at most three times the bytes that came (RFC 9000,
 * section 8.1, has the same limit). So nothing is repeated to strangers; a newcomer asks again. */
#include "protocol/join.h"

#include "protocol/far.h"
#include "protocol/members.h"
#include "protocol/pages.h"
#include "protocol/send.h"
#include "state/ranks.h"
#include "state/self.h"

#define UNICAST_VAIN 2 /* unanswered questions, before a stranger is asked by the group */

/* Whether an answer may go to this source now; counts the refusals. */
static bool may_answer(struct gossip *g, const struct addr *to)
{
    if (bucket_take(sources_bucket(&g->sources, to, g->salt), g->now, ANSWER_RATE, ANSWER_RATE) &&
        bucket_take(&g->answers, g->now, ANSWER_RATE_ALL, ANSWER_RATE_ALL)) {
        return true;
    }
    g->stats.answers_limited++;
    return false;
}

bool join_turn(const struct gossip *g, const struct wire_message *m, uint64_t sequence)
{
    return (m->has & HAS_QUESTION) != 0 ? rank_in_turn(g, m->id.boot, m->question, ANSWERERS)
                                        : rank_in_turn_of_old(g, m->id.boot, sequence, ANSWERERS_BEAT);
}

size_t join_longest(const struct wire_message *m)
{
    size_t answerers = (m->has & HAS_QUESTION) != 0 ? ANSWERERS : ANSWERERS_BEAT;
    return message_may_cause(m) / (2 * answerers); /* half is for those who know other members */
}

/* An ACK that echoes the stranger's nonce and asks for an echo of ours. Whom this member has buried is told
 * so, and may refute it before it answers. */
static void ask(struct gossip *g, struct effects *fx, struct pending *p, bool by_group, size_t most)
{
    if (!may_answer(g, &p->from)) {
        return;
    }
    p->asked = true;
    p->vain = p->vain < UINT8_MAX ? (uint8_t)(p->vain + 1) : UINT8_MAX;
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_ACK);
    m.flags = WIRE_ASK;
    message_echo(&m, p->boot, p->nonce);
    const struct peer *gone = roster_find(&g->roster, p->boot);
    if (gone != NULL) {
        message_verdict(&m, VERDICT_DEAD, p->boot, gone->id.incarnation);
    }
    if (!message_shorten(&m, by_group ? NULL : &p->from, most)) {
        return; /* a question that is not padded */
    }
    if (by_group) {
        message_to_link(g, fx, &p->from, &m, most);
    } else {
        message_to(g, fx, p->boot, &p->from, &m);
    }
}

/* What goes to the group, for want of a better way, asks only whom it names. */
static bool names_me(const struct gossip *g, const struct wire_message *m)
{
    if ((m->has & HAS_TARGET) != 0 && m->target == g->self.boot) {
        return true;
    }
    for (size_t i = 0; i < m->echo_count; i++) {
        if (m->echoes[i].boot == g->self.boot) {
            return true;
        }
    }
    return false;
}

/* Whom only the group may reach. */
static bool hears_no_unicast(const struct pending *p)
{
    return p->far || p->vain >= UNICAST_VAIN;
}

/* A question to this member alone, or to whoever stands here: it is somebody's seed, or was taken for dead.
 * Nobody else has heard it, so nobody else will answer, or tell the others. Whoever repeats a recorded one
 * from elsewhere gets no more out of it than he puts in: so it may be answered off the link, too. */
static bool is_knock(const struct wire_message *m, const struct path *from)
{
    return from->kind == PATH_UNICAST && m->type == WIRE_HELLO && (m->has & HAS_QUESTION) != 0;
}

/* The longest answer of one whom it names: three times its bytes, for all whom it names. */
static size_t longest_echo(const struct wire_message *m)
{
    size_t named = m->echo_count + ((m->has & HAS_TARGET) != 0 ? 1u : 0u);
    return message_may_cause(m) / (named > 1 ? named : 1);
}

/* Notes a stranger; NULL when this datagram is the same again through another interface, or late. */
static struct pending *note(struct gossip *g, const struct wire_message *m, uint64_t sequence,
                            const struct path *from)
{
    struct pending *p = pending_note(&g->pending, m->id.boot);
    g->stats.refused_memory += p == NULL;
    if (p == NULL || sequence <= p->top) {
        return NULL;
    }
    if (p->top == 0) {
        p->first = g->now;
        p->wait = g->now + random_between(g, VOUCH_WAIT_MIN, VOUCH_WAIT_MAX);
    }
    p->top = sequence;
    pending_heard(&g->pending, p, g->now);
    p->nonce = m->nonce;
    p->incarnation = m->id.incarnation;
    p->asked = false;
    p->from = from->addr;
    p->claimed = message_claims(m, &from->addr);
    p->knocked = is_knock(m, from);
    p->far = from->source == SOURCE_FAR;
    return p;
}

void join_stranger(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                   const struct path *from)
{
    bool for_all = from->kind == PATH_GROUP && m->type == WIRE_HELLO;
    bool asks = (m->has & HAS_QUESTION) != 0, knock = is_knock(m, from);
    g->stats.unproven++;
    if (!for_all && ((m->flags & WIRE_ASK) == 0 || (from->kind == PATH_GROUP && !names_me(g, m))) &&
        !(from->kind == PATH_UNICAST && asks)) {
        return; /* nobody is asked for anything */
    }
    if (from->source == SOURCE_FAR && from->kind == PATH_UNICAST && !knock) {
        return; /* nothing leaves the link for a stranger */
    }
    struct pending *p = note(g, m, sequence, from);
    if (p == NULL) {
        return;
    }
    if (knock) {
        p->mine = true;
        ask(g, fx, p, false, m->size);
        return;
    }
    if (!for_all) {
        ask(g, fx, p, from->kind == PATH_GROUP || hears_no_unicast(p), longest_echo(m));
        return;
    }
    /* Who beats steadily may be on the next page; a rank among the few who are listed so far means little. */
    if ((asks || !pages_coming(g)) && join_turn(g, m, sequence)) {
        bool mute = asks ? m->question >= QUESTION_MUTE : sequence % 4 == 3;
        p->mine = true;
        ask(g, fx, p, mute || hears_no_unicast(p), join_longest(m));
    }
}

uint64_t join_missed(const struct gossip *g, uint64_t digest, bool at_once)
{
    for (size_t i = 0; i < g->pending.count; i++) {
        const struct pending *p = &g->pending.slots[i];
        if (!p->asked && (at_once || p->wait <= g->now) && g->now - p->heard < PENDING_LIFE &&
            (digest == 0 || roster_digest(p->boot, p->incarnation) == digest)) {
            return p->boot;
        }
    }
    return 0;
}

void join_looked_up(struct gossip *g, uint64_t boot)
{
    struct pending *p = pending_find(&g->pending, boot);
    if (p != NULL) {
        p->asked = true;
    }
}

void join_ask(struct gossip *g, struct effects *fx, uint64_t boot)
{
    struct pending *p = pending_find(&g->pending, boot);
    if (p != NULL) {
        ask(g, fx, p, true, DATAGRAM_MAX);
    }
}

void join_remind(struct gossip *g, struct effects *fx, const struct wire_entry *e, bool far)
{
    struct peer *p = roster_find(&g->roster, e->id.boot);
    const struct pending *heard = pending_find(&g->pending, e->id.boot);
    bool lately = heard != NULL && g->now - heard->heard < PENDING_LIFE;
    if (!(lately || far) || p == NULL || p->state != PEER_GONE || !member_may_return(p) ||
        e->id.incarnation > p->id.incarnation || p->addr_count == 0 || g->now - p->path_tried < PATH_RETRY ||
        !message_may_reach(g, p, 0)) {
        return;
    }
    struct wire_message m WIRE_ROOM;
    p->path_tried = g->now;
    message_start(g, &m, lately ? WIRE_ACK : WIRE_HELLO);
    if (lately) {
        m.flags = WIRE_ASK;
    } else { /* it may have buried this member, too, and be off the link */
        m.question = SEED_LOST;
        m.has |= HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    }
    message_verdict(&m, VERDICT_DEAD, p->id.boot, p->id.incarnation);
    message_to(g, fx, p->id.boot, &p->addrs[0], &m);
}

/* An echo, the way it came. The seal does not cover the source, whoever has sealed it: so it is bounded, too.
 */
static void echo(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from,
                 struct wire_message *reply, size_t most)
{
    if (!may_answer(g, &from->addr)) {
        return;
    }
    message_echo(reply, m->id.boot, m->nonce);
    if ((m->flags & WIRE_FAR) != 0 && (m->flags & WIRE_WHOLE) == 0 && from->kind == PATH_UNICAST) {
        const struct peer *p = roster_find(&g->roster, m->id.boot);
        if (p != NULL && p->met) {
            far_shorten(g, reply, p, &from->addr, most);
        }
    }
    if (!message_shorten(reply, from->kind == PATH_GROUP ? NULL : &from->addr, most)) {
        return;
    }
    if (from->kind == PATH_GROUP) {
        message_to_link(g, fx, &from->addr, reply, most);
    } else {
        message_to(g, fx, m->id.boot, &from->addr, reply);
    }
}

bool join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from,
                 bool ask)
{
    struct path to = path_unicast(&from->addr);
    struct wire_message reply WIRE_ROOM;
    if (is_knock(m, from)) {
        message_start(g, &reply, WIRE_ACK);
        reply.flags = ask ? WIRE_ASK : 0;
        echo(g, fx, m, &to, &reply, m->size);
        return true;
    }
    if ((m->has & HAS_QUESTION) == 0 || m->question == 0 || !join_turn(g, m, 0)) {
        return false;
    }
    bool by_group = m->question >= QUESTION_MUTE || from->source == SOURCE_FAR;
    message_start(g, &reply, WIRE_ACK);
    reply.flags = ask && !by_group ? WIRE_ASK : 0;
    echo(g, fx, m, by_group ? from : &to, &reply, join_longest(m));
    return true;
}

bool join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from,
                bool ask)
{
    struct wire_message reply WIRE_ROOM;
    if ((m->flags & WIRE_ASK) == 0 || (from->kind == PATH_GROUP && !names_me(g, m))) {
        return false;
    }
    message_start(g, &reply, WIRE_ACK);
    reply.flags = ask && from->kind != PATH_GROUP ? WIRE_ASK : 0;
    reply.ended = m->ended;
    reply.has |= m->type == WIRE_DISCONNECT ? HAS_DISCONNECT : 0; /* what is acknowledged */
    echo(g, fx, m, from, &reply, longest_echo(m));
    return true;
}

void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from, size_t most)
{
    struct path to = path_unicast(&from->addr);
    size_t longest = longest_echo(m);
    struct wire_message reply WIRE_ROOM;
    message_start(g, &reply, WIRE_ACK);
    message_verdict(&reply, VERDICT_DEAD, m->id.boot, incarnation);
    echo(g, fx, m, &to, &reply, most < longest ? most : longest);
}

void join_verify(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    struct path to = path_unicast(&from->addr);
    struct wire_message reply WIRE_ROOM;
    if (from->source == SOURCE_FAR) {
        return;
    }
    message_start(g, &reply, WIRE_ACK);
    reply.flags = WIRE_ASK;
    echo(g, fx, m, &to, &reply, longest_echo(m));
}
