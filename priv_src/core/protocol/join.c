/* First contact: nobody is listed, named or dialled before it has answered a nonce that this member has just
 * made, or a peer that has done so vouches for it. A recorded datagram cannot do that, whoever sends it from
 * wherever.
 *
 * And nobody can be made to flood: whatever a stranger sends to the group is answered by so few, and each
 * answer is so short, that all of them together send at most three times the bytes that came (RFC 9000,
 * section 8.1, has the same limit). So nothing is repeated to strangers; a newcomer asks again. */
#include "protocol/join.h"

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
    bool asks = (m->has & HAS_QUESTION) != 0;
    size_t live, width = asks ? ANSWERERS : ANSWERERS_BEAT;
    uint64_t turn = asks ? m->question : sequence;
    size_t rank = asks ? rank_among_heard(g, m->id.boot, &live) : rank_among_old(g, m->id.boot, &live);
    size_t first = (size_t)(turn % live * width % live);
    return (rank + live - first) % live < width;
}

/* Whether an answer has so many bytes at most; what is left out of it for that is said later. */
static bool fits(struct wire_message *m, size_t most)
{
    if (message_size(m) > most) {
        m->has = (uint16_t)(m->has & ~HAS_FINGERPRINT);
        m->id.name.len = 0;
        m->own_count = 0;
        m->host.len = 0;
    }
    return message_size(m) <= most;
}

/* An ACK that echoes the stranger's nonce and asks for an echo of ours. Whom this member has buried is told
 * so, and may refute it before it answers. */
static void ask(struct gossip *g, struct effects *fx, struct pending *p, bool by_group, size_t most)
{
    if (!may_answer(g, &p->from)) {
        return;
    }
    by_group = by_group || p->vain >= UNICAST_VAIN; /* it may hear nothing else */
    p->asked = true;
    p->vain = p->vain < UINT8_MAX ? (uint8_t)(p->vain + 1) : UINT8_MAX;
    struct wire_message m;
    message_start(g, &m, WIRE_ACK);
    m.flags = WIRE_ASK;
    message_echo(&m, p->boot, p->nonce);
    const struct peer *gone = roster_find(&g->roster, p->boot);
    if (gone != NULL) {
        message_verdict(&m, VERDICT_DEAD, p->boot, gone->id.incarnation);
    }
    m.to = p->from; /* so that its size is right */
    m.has |= by_group ? 0 : HAS_TO;
    if (!fits(&m, most)) {
        return; /* a question that is not padded */
    }
    if (by_group) {
        message_to_group(g, fx, &m);
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
    p->heard = g->now;
    p->nonce = m->nonce;
    p->incarnation = m->id.incarnation;
    p->asked = false;
    p->from = from->addr;
    return p;
}

void join_stranger(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                   const struct path *from)
{
    bool for_all = from->kind == PATH_GROUP && m->type == WIRE_HELLO;
    bool asks = (m->has & HAS_QUESTION) != 0;
    g->stats.unproven++;
    if (!for_all && ((m->flags & WIRE_ASK) == 0 || (from->kind == PATH_GROUP && !names_me(g, m))) &&
        !(from->kind == PATH_UNICAST && asks)) {
        return; /* nobody is asked for anything */
    }
    struct pending *p = note(g, m, sequence, from);
    if (p == NULL) {
        return;
    }
    if (!for_all) {
        ask(g, fx, p, from->kind == PATH_GROUP, 3 * (size_t)m->size);
        return;
    }
    /* Who beats steadily may be on the next page; a rank among the few who are listed so far means little. */
    if ((asks || !pages_coming(g)) && join_turn(g, m, sequence)) {
        bool mute = asks ? m->question >= QUESTION_MUTE : sequence % 4 == 3;
        p->mine = true;
        ask(g, fx, p, mute, asks ? m->size : m->size + m->size / 2);
    }
}

void join_known(struct gossip *g, struct effects *fx, uint64_t digest)
{
    for (size_t i = 0; i < g->pending.count; i++) {
        struct pending *p = &g->pending.slots[i];
        if (roster_digest(p->boot, p->incarnation) == digest && !p->asked && p->wait <= g->now) {
            ask(g, fx, p, false, DATAGRAM_MAX);
        }
    }
}

void join_waiting(struct gossip *g, struct effects *fx)
{
    for (size_t i = 0; i < g->pending.count; i++) {
        struct pending *p = &g->pending.slots[i];
        if (!p->asked && p->wait <= g->now && g->now - p->heard < PENDING_LIFE) {
            ask(g, fx, p, false, DATAGRAM_MAX);
            return;
        }
    }
}

/* An echo, the way it came. */
static void echo(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from,
                 struct wire_message *reply)
{
    if (!may_answer(g, &from->addr)) {
        return;
    }
    message_echo(reply, m->id.boot, m->nonce);
    if (from->kind == PATH_GROUP) {
        message_to_group(g, fx, reply);
    } else {
        message_to(g, fx, m->id.boot, &from->addr, reply);
    }
}

void join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    struct path to = path_unicast(&from->addr);
    struct wire_message reply;
    if ((m->has & HAS_QUESTION) != 0 && m->question > 0 && join_turn(g, m, 0)) {
        message_start(g, &reply, WIRE_ACK);
        echo(g, fx, m, m->question >= QUESTION_MUTE ? from : &to, &reply);
    }
}

void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    struct wire_message reply;
    if ((m->flags & WIRE_ASK) != 0 && (from->kind != PATH_GROUP || names_me(g, m))) {
        message_start(g, &reply, WIRE_ACK);
        reply.ended = m->ended;
        reply.has |= m->type == WIRE_DISCONNECT ? HAS_DISCONNECT : 0; /* what is acknowledged */
        echo(g, fx, m, from, &reply);
    }
}

void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from)
{
    struct path to = path_unicast(&from->addr);
    struct wire_message reply;
    message_start(g, &reply, WIRE_ACK);
    message_verdict(&reply, VERDICT_DEAD, m->id.boot, incarnation);
    echo(g, fx, m, &to, &reply);
}

void join_verify(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    struct path to = path_unicast(&from->addr);
    struct wire_message reply;
    message_start(g, &reply, WIRE_ACK);
    reply.flags = WIRE_ASK;
    echo(g, fx, m, &to, &reply);
}
