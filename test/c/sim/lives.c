#include "lives.h"

#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "inside.h"
#include "memory.h"

#define FRESH       (2 * SECOND_US) /* and 2 T, if that is more */
#define ANSWER_LIFE (2 * SECOND_US) /* what was asked is no older */
#define PAUSE_LIFE  (100 * MS_US)   /* so long after it a pause excuses what waited */
#define DRIFT_PART  500             /* two clocks apart, and a measure that may rise as fast */
#define SEEN_BITS   64u

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* It may be an answer to what was asked a moment ago. */
static bool answers(const struct origin *o, int64_t now)
{
    return o->echoes && now - o->said <= ANSWER_LIFE;
}

static bool came_before(const struct lives_pair *p, const struct origin *o, int64_t now)
{
    uint64_t back = p->top - o->number;
    if (p->life != o->life || o->number > p->top) {
        return false;
    }
    return !answers(o, now) || (back < SEEN_BITS && (p->seen >> back & 1) != 0);
}

enum lives_fault lives_judge(const struct lives_pair *p, const struct origin *o, int64_t now, int64_t slept,
                             int64_t quickest)
{
    int64_t age = now - o->said;
    bool known = p->known && p->life == o->life;
    int64_t interval = larger(known ? p->interval : 0, o->interval);
    int64_t least = known ? p->least + (now - p->at) / DRIFT_PART : quickest + ANSWER_LIFE;
    int64_t most = least + larger(FRESH, 2 * interval) + slept;
    if (o->number == 0) {
        return LIVES_FORGED;
    }
    if (came_before(p, o, now)) {
        return LIVES_COPIED;
    }
    most = answers(o, now) ? larger(most, ANSWER_LIFE) : most;
    return age > most + most / DRIFT_PART ? LIVES_LATE : LIVES_RIGHT;
}

void lives_renewed(struct lives_pair *p, const struct origin *o, int64_t now)
{
    int64_t age = now - o->said;
    if (p->life != o->life) {
        *p = (struct lives_pair){.life = o->life, .listed = p->listed};
    }
    if (!p->known || answers(o, now) || age < p->least + (now - p->at) / DRIFT_PART) {
        p->known = true;
        p->least = age;
        p->at = now;
    }
    p->interval = larger(p->interval, o->interval);
    if (o->number > p->top) {
        uint64_t steps = o->number - p->top;
        p->seen = steps < SEEN_BITS ? p->seen << steps : 0;
        p->top = o->number;
    }
    if (p->top - o->number < SEEN_BITS) {
        p->seen |= UINT64_C(1) << (p->top - o->number);
    }
}

void lives_watch(struct cluster *c)
{
    struct lives *l = memory_new(1, sizeof *l);
    l->size = c->size;
    l->members = memory_new(c->size, sizeof *l->members);
    c->lives = l;
    queue_add(&c->queue, cluster_now(c) + LIVES_LOOK, (struct queue_event){.kind = CLUSTER_LOOK});
}

void lives_free(struct cluster *c)
{
    if (c->lives != NULL) {
        for (uint32_t i = 0; i < c->lives->size; i++) {
            free(c->lives->members[i].pairs);
        }
        free(c->lives->members);
        free(c->lives);
        c->lives = NULL;
    }
}

void lives_started(struct cluster *c, uint32_t node)
{
    if (c->lives == NULL) {
        return;
    }
    struct lives_member *m = &c->lives->members[node];
    if (m->pairs == NULL) {
        m->pairs = memory_new(c->size, sizeof *m->pairs);
    }
    memset(m->pairs, 0, c->size * sizeof *m->pairs);
    *m = (struct lives_member){.pairs = m->pairs, .earlier = c->nodes[node].life > 1, .woke = INT64_MIN / 2};
    m->word = m->began = m->fair = cluster_now(c);
}

void lives_paused(struct cluster *c, uint32_t node)
{
    if (c->lives != NULL) {
        c->lives->members[node].paused = cluster_now(c);
    }
}

/* Two pauses in a row are one. */
void lives_woke(struct cluster *c, uint32_t node)
{
    if (c->lives != NULL) {
        struct lives_member *m = &c->lives->members[node];
        m->slept = cluster_now(c) - m->paused + (m->paused - m->woke <= PAUSE_LIFE ? m->slept : 0);
        m->woke = m->fair = cluster_now(c);
    }
}

int64_t lives_before(const struct cluster *c, uint32_t node, const struct packet *p)
{
    return c->lives == NULL ? 0 : inside_heard(c->nodes[node].g, p->boot);
}

/* Sent on the way that it came, and to where this member is. */
static bool for_it(const struct cluster *c, uint32_t node, const struct packet *p)
{
    uint8_t link = cluster_link(&p->from.addr);
    struct addr here = cluster_address_on(c, node, link < c->network.links ? link : 0);
    if (p->origin.kind != p->from.kind) {
        return false;
    }
    return p->from.kind == PATH_GROUP ||
           (addr_same_host(&p->origin.to, &here) &&
            (p->origin.to.port == here.port || p->origin.to.port == GROUP_PORT));
}

static void count(struct cluster *c, enum lives_fault fault)
{
    struct tally *t = &c->tally;
    t->late_lives += fault == LIVES_LATE;
    t->copied_lives += fault == LIVES_COPIED;
    t->misplaced_lives += fault == LIVES_MISPLACED;
    t->forged_lives += fault == LIVES_FORGED;
}

void lives_after(struct cluster *c, uint32_t node, const struct packet *p, int64_t before)
{
    const struct origin *o = &p->origin;
    int64_t now = cluster_now(c);
    if (c->lives == NULL) {
        return;
    }
    struct lives_member *m = &c->lives->members[node];
    if (o->number > 0 && o->by != node && o->life == c->nodes[o->by].life) {
        struct lives_member *other = &c->lives->members[o->by];
        other->word = larger(other->word, o->said);
        other->interval = larger(other->interval, o->interval);
    }
    if (p->boot == 0 || inside_heard(c->nodes[node].g, p->boot) <= before) {
        return;
    }
    struct lives_pair *pair = &m->pairs[o->by];
    int64_t slept = now - m->woke <= PAUSE_LIFE ? m->slept : 0;
    enum lives_fault fault = lives_judge(pair, o, now, slept, c->options->delay_max);
    fault = fault != LIVES_FORGED && !for_it(c, node, p) ? LIVES_MISPLACED : fault;
    if (fault == LIVES_RIGHT) {
        lives_renewed(pair, o, now);
    }
    count(c, fault);
}

/* For how long at most anybody lists who says nothing. */
static int64_t kept(const struct cluster *c, uint32_t subject)
{
    return LIVES_KEPT * larger(c->lives->members[subject].interval, c->options->interval_ms * MS_US);
}

void lives_event(struct cluster *c, uint32_t node, const struct event *e, const struct sighting *s)
{
    int64_t now = cluster_now(c);
    if (c->lives == NULL) {
        return;
    }
    if (e->type == EVENT_HEALTH) {
        c->lives->members[node].fair = now;
        return;
    }
    if (s->kind == SIGHT_STRANGER || (e->type != EVENT_UP && e->type != EVENT_UPDATE)) {
        return;
    }
    for (size_t i = 0; i < e->peer.addr_count; i++) {
        uint32_t owner = 0;
        c->tally.misled_addresses += !cluster_owner(c, &e->peer.addrs[i], &owner) || owner != s->subject;
    }
    if (e->type == EVENT_UP || s->kind == SIGHT_TAKEOVER) {
        struct lives_pair *pair = &c->lives->members[node].pairs[s->subject];
        pair->listed = now;
        pair->told = false;
        c->tally.raised_dead += now - c->lives->members[s->subject].word > kept(c, s->subject);
    }
}

static bool excused(const struct node *n)
{
    return n->g == NULL || n->paused || n->leaving || n->isolated;
}

/* Whoever lists this member, or its earlier life, of which nothing is heard since then. */
static void look_at(struct cluster *c, uint32_t subject, int64_t since,
                    bool (*lists)(const struct observer *, uint32_t, uint32_t))
{
    int64_t now = cluster_now(c);
    for (uint32_t i = 0; i < c->size; i++) {
        struct lives_member *m = &c->lives->members[i];
        if (i == subject || excused(&c->nodes[i]) || m->pairs == NULL) {
            continue;
        }
        struct lives_pair *pair = &m->pairs[subject];
        int64_t from = larger(larger(since, pair->listed), m->fair);
        if (lists(&c->observer, i, subject) && !pair->told && now - from > kept(c, subject)) {
            pair->told = true;
            c->tally.kept_dead++;
        }
    }
}

void lives_look(struct cluster *c)
{
    int64_t now = cluster_now(c);
    if (c->lives == NULL) {
        return;
    }
    for (uint32_t i = 0; i < c->size; i++) {
        struct lives_member *m = &c->lives->members[i];
        if (c->nodes[i].g != NULL && (c->nodes[i].paused || c->nodes[i].isolated)) {
            m->fair = now;
        }
        if (now - m->word > kept(c, i)) {
            look_at(c, i, m->word, observer_lists);
        }
        if (m->earlier && now - m->began > 2 * kept(c, i)) {
            m->earlier = false;
            look_at(c, i, m->began, observer_lists_earlier);
        }
    }
    queue_add(&c->queue, now + LIVES_LOOK, (struct queue_event){.kind = CLUSTER_LOOK});
}
