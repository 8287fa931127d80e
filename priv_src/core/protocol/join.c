/* First contact: nobody is listed, named or dialled before it has answered a nonce that this member has
 * just made, or a peer that has done so vouches for it. A recorded datagram cannot do that, whoever sends
 * it from wherever. A question to a thousand must not bring a thousand answers: three by rank answer,
 * others wait for their vouch, and ask by themselves when none comes. All answers have a rate, for a
 * source and together, since the source may be forged. */
#include "protocol/join.h"

#include "protocol/pages.h"
#include "protocol/send.h"
#include "state/ranks.h"
#include "state/self.h"

/* Whether an answer may go to this source now; counts the refusals. */
static bool may_answer(struct gossip *g, const struct path *from)
{
    if (bucket_take(sources_bucket(&g->sources, &from->addr, g->salt), g->now, ANSWER_RATE, ANSWER_RATE) &&
        bucket_take(&g->answers, g->now, ANSWER_RATE_ALL, ANSWER_RATE_ALL)) {
        return true;
    }
    g->stats.answers_limited++;
    return false;
}

/* An ACK that echoes the other's nonce and asks for an echo of ours. Whom this member has buried is told so,
 * and may refute it before it answers. */
static void ask(struct gossip *g, struct effects *fx, struct pending *p, bool by_group)
{
    struct path to = path_unicast(&p->from);
    if (!may_answer(g, &to)) {
        return;
    }
    p->asked = true;
    struct wire_message m;
    message_start(g, &m, WIRE_ACK);
    m.flags = WIRE_ASK;
    message_echo(&m, p->boot, p->nonce);
    const struct peer *gone = roster_find(&g->roster, p->boot);
    if (gone != NULL) {
        message_verdict(&m, VERDICT_DEAD, p->boot, gone->id.incarnation);
    }
    struct path group = path_group();
    message_send(g, fx, by_group ? &group : &to, &m);
}

/* Question k is answered by ranks 3k, 3k+1, 3k+2, modulo the live; a beat without a question, by the first
 * three. */
static bool my_turn(const struct gossip *g, uint64_t subject, uint8_t question)
{
    size_t live;
    size_t rank = rank_among_live(g, subject, ((size_t)question + 1) * ANSWERERS, &live);
    size_t first = (size_t)question * ANSWERERS % live;
    return (rank + live - first) % live < ANSWERERS;
}

static void ask_and_retry(struct gossip *g, struct effects *fx, struct pending *p)
{
    bool by_group = p->tries <= (p->rounds < ANSWER_ROUNDS ? ANSWER_TRIES_MUTE : 0);
    ask(g, fx, p, by_group);
    if (--p->tries == 0) {
        p->rounds = p->rounds < ANSWER_ROUNDS ? (uint8_t)(p->rounds + 1) : p->rounds;
        p->asked = false; /* its next beat begins anew */
        return;
    }
    p->retry = set_timer(g, ANSWER_RETRY, TIMER_ANSWER, p->boot, 0);
}

static void wait_for_vouch(struct gossip *g, struct pending *p)
{
    p->retry = set_timer(g, random_between(g, VOUCH_WAIT_MIN, VOUCH_WAIT_MAX), TIMER_ANSWER, p->boot, 0);
}

void join_prove(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                const struct path *from)
{
    g->stats.unproven++;
    if (!g->announced || g->leaving) {
        return;
    }
    struct pending *p = pending_note(&g->pending, m->id.boot);
    if (p == NULL || sequence <= p->top) {
        return; /* the same again through another interface, or late */
    }
    p->top = sequence;
    p->heard = g->now;
    p->nonce = m->nonce;
    p->from = from->addr;
    p->hello = p->hello || m->type == WIRE_HELLO;
    bool asks = (m->has & HAS_QUESTION) != 0;
    bool idle = p->tries == 0 || p->retry < g->now; /* a timer that found no room never comes */
    if (!idle && (p->asked || !asks)) {
        return;
    }
    /* Who beats steadily may be on the next page; a rank among the few who are listed so far means little. */
    bool mine = (asks || !pages_coming(g)) && my_turn(g, p->boot, asks ? m->question : 0);
    if (idle) {
        p->tries = p->rounds < ANSWER_ROUNDS ? ANSWER_TRIES : 1;
        p->deferred = p->late = false;
        if (!mine) {
            wait_for_vouch(g, p);
        }
    }
    if (mine) {
        ask_and_retry(g, fx, p);
    }
}

/* Whether so many strangers are not asked yet that it is cheaper to ask a peer for all it knows. It happens
 * when many start at once: a vouch from somebody who is still a stranger counts for nothing, and comes only
 * twice. */
static bool many_wait(const struct gossip *g)
{
    size_t waiting = 0;
    for (size_t i = 0; i < g->pending.count && waiting < MANY_STRANGERS; i++) {
        const struct pending *p = &g->pending.slots[i];
        waiting += p->tries > 0 && !p->asked && !p->deferred;
    }
    return waiting >= MANY_STRANGERS;
}

void join_retry(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct pending *p = pending_find(&g->pending, t->boot);
    if (p == NULL || p->retry != t->due || p->tries == 0) {
        return;
    }
    if (!p->asked && (pages_coming(g) || (!p->deferred && many_wait(g) && pages_again(g, fx)))) {
        p->deferred = true;
        wait_for_vouch(g, p);
        return;
    }
    p->late = p->late || !p->asked;
    ask_and_retry(g, fx, p);
}

static void echo(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *to)
{
    struct wire_message reply;
    message_start(g, &reply, WIRE_ACK);
    message_echo(&reply, m->id.boot, m->nonce);
    message_send(g, fx, to, &reply);
}

void join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    struct path to = path_unicast(&from->addr);
    if ((m->has & HAS_QUESTION) != 0 && m->question > 0 && my_turn(g, m->id.boot, m->question) &&
        may_answer(g, &to)) {
        echo(g, fx, m, &to);
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

void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    struct path to = from->kind == PATH_GROUP ? path_group() : path_unicast(&from->addr);
    if ((m->flags & WIRE_ASK) != 0 && (from->kind != PATH_GROUP || names_me(g, m)) && may_answer(g, from)) {
        echo(g, fx, m, &to);
    }
}

void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from)
{
    struct path to = path_unicast(&from->addr);
    if (may_answer(g, &to)) {
        struct wire_message reply;
        message_start(g, &reply, WIRE_ACK);
        message_echo(&reply, m->id.boot, m->nonce);
        message_verdict(&reply, VERDICT_DEAD, m->id.boot, incarnation);
        message_send(g, fx, &to, &reply);
    }
}
