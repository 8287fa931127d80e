/* Beats: when, and what they carry. T grows with the group, so that its traffic stays what it is, and a
 * beat comes up to a quarter of T early, so that beats do not gather. The first ones are questions, in
 * quick order: whoever has just started wants to be known in milliseconds, not in T. When the group has
 * grown since a beat was planned, it is put off a little. */
#include "protocol/beat.h"

#include <string.h>

#include "protocol/bootstrap.h"
#include "protocol/pages.h"
#include "protocol/send.h"
#include "protocol/spread.h"
#include "protocol/tales.h"
#include "state/self.h"

static void start_in(struct gossip *g, int64_t delay)
{
    g->pull = (struct pull){0};
    g->voucher = g->vouchers = 0;
    g->again_beats = 0;
    g->differs = g->mend_at = g->mend_gap = g->ask_at = 0;
    g->beat_due = set_timer(g, delay, TIMER_BEAT, g->self.boot, 0);
    bootstrap_start(g, delay);
}

void beat_start(struct gossip *g)
{
    start_in(g, 0);
}

void beat_again(struct gossip *g)
{
    bool often = !bucket_take(&g->again, g->now, AGAIN_BURST, AGAIN_RATE);
    g->born = g->now;
    start_in(g, often ? SECOND_US : 0);
}

static struct told to_tell(const struct gossip *g)
{
    struct told t = {.begun = true,
                     .stalled = g->now - g->pulse >= pulse_stalled(current_interval(g)),
                     .incarnation = g->self.incarnation,
                     .tags = g->tags.number,
                     .dist_port = g->self.dist_port,
                     .flags = g->self.flags,
                     .own_count = g->own_count,
                     .host = g->host};
    memcpy(t.own, g->own, g->own_count * sizeof g->own[0]);
    return t;
}

static bool same_content(const struct told *a, const struct told *b)
{
    bool same = a->stalled == b->stalled && a->tags == b->tags && a->dist_port == b->dist_port &&
                a->flags == b->flags && a->own_count == b->own_count && host_same(&a->host, &b->host);
    for (size_t i = 0; same && i < a->own_count; i++) {
        same = addr_same(&a->own[i], &b->own[i]);
    }
    return same;
}

/* The far hear of a change from one another, and so must know what is newer: it is another incarnation. And
 * who misses the news sees by the digest that there is some. That it lives they ask. */
static void say(struct gossip *g, struct effects *fx, uint8_t question)
{
    struct wire_message m WIRE_ROOM;
    struct told t = to_tell(g);
    if (g->told.begun && !same_content(&t, &g->told) && g->self.incarnation < INCARNATION_END - 2) {
        t.incarnation = ++g->self.incarnation;
    }
    bool news = !g->told.begun || t.incarnation != g->told.incarnation;
    message_start(g, &m, WIRE_HELLO);
    if (question != BEAT_STEADY) {
        m.question = question;
        m.has |= HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    }
    tales_carry(g, &m);
    if (news) {
        message_spread(g, fx, &m);
    } else {
        message_to_group(g, fx, &m);
    }
    g->told = t;
}

static void beat(struct gossip *g, struct effects *fx, uint8_t question)
{
    say(g, fx, question);
    g->beat_at = g->now;
}

/* The next beat, `delay` from the last one. */
static void plan_next(struct gossip *g, int64_t delay, uint8_t step)
{
    int64_t left = g->beat_at + delay - g->now;
    g->beat_due = set_timer(g, left > 0 ? left : 0, TIMER_BEAT, g->self.boot, step);
}

void beat_now(struct gossip *g, struct effects *fx)
{
    beat(g, fx, BEAT_STEADY);
    plan_next(g, interval_jittered(current_interval(g), random_u32(g)), BEAT_STEADY);
    if (g->again_beats > 0 && --g->again_beats > 0) {
        beat_within(g, BEAT_AGAIN);
    }
}

void beat_extra(struct gossip *g, struct effects *fx)
{
    if (bucket_take_each(&g->extra, g->now, EXTRA_BURST, current_interval(g))) {
        say(g, fx, BEAT_STEADY);
    }
}

void beat_within(struct gossip *g, int64_t wait)
{
    if (g->beat_due > g->now + wait) {
        g->beat_due = set_timer(g, wait, TIMER_BEAT, g->self.boot, BEAT_FINAL);
    }
}

/* The group may have grown since this beat was planned (timer reconsideration, RFC 3550, section 6.3.3). Our
 * last beat promised the shorter interval, so there is only a little to give, and only once: or who lets the
 * group grow step by step would put it off without end. */
static bool reconsider(struct gossip *g, int64_t interval)
{
    int64_t soonest = interval - interval / JITTER_PART;
    int64_t most = g->beat_due - g->beat_at + interval / RECONSIDER_PART;
    int64_t wanted = soonest < most ? soonest : most;
    if (g->now >= g->beat_at + wanted || g->beat_due - g->beat_at < soonest / 2 ||
        g->beat_due - g->beat_at > group_interval(g)) {
        return false;
    }
    plan_next(g, wanted, BEAT_FINAL);
    return true;
}

/* Whether this newcomer need not ask any more: it knows the others, and two of them, or all that there are,
 * have told the others of it. */
static bool joined(const struct gossip *g, uint8_t question)
{
    return g->pull.complete && (g->vouchers >= 2 || g->roster.listed < 2 || question >= QUESTIONS_KNOWN);
}

void beat_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    int64_t interval = current_interval(g);
    pending_expire(&g->pending, g->now - PENDING_FORGET);
    if (t->boot != g->self.boot || t->due != g->beat_due) {
        return; /* of an earlier life, or overtaken */
    }
    if (t->step >= BEAT_FINAL) {
        if (t->step == BEAT_FINAL || !reconsider(g, interval)) {
            beat_now(g, fx);
        }
        return;
    }
    if (joined(g, t->step)) { /* more, for those who began to listen while this member joined, or have missed
                                 what was said of it */
        g->again_beats = JOINED_BEATS;
        plan_next(g, g->now - g->beat_at + random_between(g, SECOND_BEAT_MIN, SECOND_BEAT_MAX), BEAT_STEADY);
        return;
    }
    if (t->step > 0 && pages_coming(g) && g->pull.tries <= 1) {
        g->beat_due = set_timer(g, QUESTION_GAP, TIMER_BEAT, g->self.boot, t->step);
        return; /* the pages come: nothing to ask just now */
    }
    int64_t gap = question_gap((uint8_t)(t->step + 1), interval);
    beat(g, fx, t->step);
    plan_next(g, gap, gap >= interval ? BEAT_STEADY : (uint8_t)(t->step + 1));
}
