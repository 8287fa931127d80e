/* First contact: nobody is listed, named or dialled before it has answered a nonce that this member has just
 * made. A recorded datagram cannot do that, whoever sends it from wherever. */
#include "state.h"

void join_start(struct gossip *g)
{
    g->beat_due = g->now;
    set_timer(g, 0, TIMER_BEAT, g->self.boot, 0);
}

void join_beat(struct gossip *g, struct effects *fx, const struct timer *t)
{
    if (t->boot != g->self.boot || t->due != g->beat_due) {
        return; /* of an earlier life */
    }
    struct wire_message m;
    struct path group = path_group();
    int64_t interval = current_interval(g);
    message_start(g, &m, WIRE_HELLO);
    int64_t gap;
    uint8_t next = BEAT_STEADY;
    if (t->step == BEAT_STEADY) {
        gap = interval_jittered(interval, random_u32(g));
    } else {
        m.question = t->step;
        m.has |= HAS_QUESTION;
        gap = question_gap((uint8_t)(t->step + 1), interval);
        next = gap >= interval ? BEAT_STEADY : (uint8_t)(t->step + 1);
    }
    message_send(g, fx, &group, &m);
    g->beat_due = g->now + gap;
    set_timer(g, gap, TIMER_BEAT, g->self.boot, next);
}

static bool may_answer(struct gossip *g, const struct addr *to)
{
    if (bucket_take(sources_bucket(&g->sources, to, g->salt), g->now, ANSWER_RATE, ANSWER_RATE) &&
        bucket_take(&g->answers, g->now, ANSWER_RATE_ALL, ANSWER_RATE_ALL)) {
        return true;
    }
    g->stats.answers_limited++;
    return false;
}

/* An ACK that echoes the other's nonce and asks for an echo of ours. */
static void ask(struct gossip *g, struct effects *fx, const struct pending *p)
{
    if (!may_answer(g, &p->from)) {
        return;
    }
    struct wire_message m;
    struct path to = path_unicast(&p->from);
    message_start(g, &m, WIRE_ACK);
    m.flags = WIRE_ASK;
    message_echo(&m, p->boot, p->nonce);
    message_send(g, fx, &to, &m);
}

void join_prove(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                const struct path *from)
{
    g->stats.unproven++;
    if (!g->announced) {
        return;
    }
    struct pending *p = pending_note(&g->roster, m->id.boot);
    if (sequence <= p->top) {
        return; /* the same again through another interface, or late */
    }
    p->top = sequence;
    p->heard = g->now;
    p->nonce = m->nonce;
    p->from = from->addr;
    if (p->tries == 0) {
        p->tries = ANSWER_TRIES;
        p->retry = g->now + ANSWER_RETRY;
        set_timer(g, ANSWER_RETRY, TIMER_ANSWER, p->boot, 0);
        ask(g, fx, p);
    }
}

void join_retry(struct gossip *g, struct effects *fx, const struct timer *t)
{
    struct pending *p = pending_find(&g->roster, t->boot);
    if (p == NULL || p->retry != t->due || p->tries == 0) {
        return;
    }
    if (--p->tries == 0) {
        return; /* its next beat begins anew */
    }
    p->retry = g->now + ANSWER_RETRY;
    set_timer(g, ANSWER_RETRY, TIMER_ANSWER, p->boot, 0);
    ask(g, fx, p);
}

bool join_answered(const struct gossip *g, const struct wire_message *m)
{
    for (size_t i = 0; i < m->echo_count; i++) {
        if (m->echoes[i].boot == g->self.boot && nonce_is_ours(g, m->echoes[i].nonce)) {
            return true;
        }
    }
    return false;
}

void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from)
{
    if ((m->flags & WIRE_ASK) == 0 || !may_answer(g, &from->addr)) {
        return;
    }
    struct wire_message reply;
    struct path to = path_unicast(&from->addr);
    message_start(g, &reply, WIRE_ACK);
    message_echo(&reply, m->id.boot, m->nonce);
    message_send(g, fx, &to, &reply);
}

void join_probe(struct gossip *g, struct effects *fx, const struct peer *p)
{
    if (p->addr_count == 0) {
        return;
    }
    struct wire_message m;
    struct path to = path_unicast(&p->addrs[0]);
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    message_send(g, fx, &to, &m);
}
