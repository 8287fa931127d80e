/* Somebody says again what members of ended sessions said, with a victim's address for its source: one
 * recording again and again, and then thousands of them, as fast as he can. What is sent to the victim and,
 * for want of a better way, to the group is held against what he has sent; what the members say to each
 * other, and how soon they know of crashes, against the same without him. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "memory.h"
#include "scenario.h"

#define RECORDINGS 5000u
#define EVERY      500  /* microseconds: 2,000 a second */
#define ONE_EVERY  200  /* of those: one recording is said ten times a second */
#define LARGE      100u /* members from which on many recordings are said for a quarter of the time */
#define CALM       (10 * SECOND_US)
#define GONE_LIMIT (10 * SECOND_US)
#define VICTIMS    16u

struct recording {
    size_t len;
    uint8_t data[DATAGRAM_MAX];
};

struct flood {
    struct cluster *c;
    struct addr victim;
    uint32_t count, steps;      /* recordings that are said in turn; steps so far */
    int64_t sent, caused, most; /* bytes; most: the largest share in percent so far */
    uint64_t own;               /* what the members say to each other, with WIRE_OVERHEAD */
    uint32_t victims[VICTIMS];
    struct recording *recorded;
};

static void count(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct flood *f = context;
    const struct packet *p = packets_at(&f->c->packets, packet);
    bool by_group = p->from.kind == PATH_GROUP;
    (void)from;
    (void)to;
    if (by_group ? p->class != PACKET_BEAT : addr_same(&p->from.local, &f->victim)) {
        f->caused += p->len;
    } else {
        f->own += p->len + WIRE_OVERHEAD;
    }
}

static void step(struct flood *f)
{
    struct path from = {.kind = PATH_GROUP, .addr = f->victim};
    uint32_t number = f->count == 1 ? f->steps / ONE_EVERY : f->steps;
    if (f->count > 1 || (f->count == 1 && f->steps % ONE_EVERY == 0)) {
        const struct recording *r = &f->recorded[number % f->count];
        f->sent += (int64_t)r->len;
        attack_say(f->c, &from, r->data, r->len, f->c->size);
    }
    f->steps++;
    cluster_run(f->c, cluster_now(f->c) + EVERY);
    int64_t share = f->sent > 0 ? f->caused * 100 / f->sent : 0;
    f->most = share > f->most ? share : f->most;
}

static void record(struct flood *f, uint32_t count, bool questions)
{
    f->count = count;
    f->steps = 0;
    f->sent = f->caused = f->most = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct recording *r = &f->recorded[i];
        r->len = attack_recording(f->c, count == 1 ? questions : i % 2 != 0, r->data);
    }
}

/* Lets it go on for a while; returns what the members say to each other meanwhile, bits a second. */
static int64_t go_on(struct flood *f, int64_t length)
{
    int64_t until = cluster_now(f->c) + length;
    f->own = 0;
    f->c->everything = count;
    f->c->everything_context = f;
    while (cluster_now(f->c) < until) {
        step(f);
    }
    f->c->everything = NULL;
    return (int64_t)(f->own * 8 * SECOND_US / (uint64_t)length);
}

/* Some die at once; and are back when all know it. Who answers strangers by the group is heard more often
 * than its beats, so that the silence begins with its death, and not up to T before. */
static void crash(struct flood *f, const char *gone, const char *never_gone)
{
    struct cluster *c = f->c;
    uint32_t victims = scenario_victims(c, 3), left = victims < VICTIMS ? victims : VICTIMS;
    victims = left;
    report_expect(c->report, gone);
    for (uint32_t i = 0; i < victims; i++) {
        f->victims[i] = scenario_draw(c);
        cluster_crash(c, f->victims[i]);
    }
    int64_t since = cluster_now(c);
    bool known[VICTIMS] = {false};
    while (left > 0 && cluster_now(c) < since + GONE_LIMIT) {
        step(f);
        for (uint32_t i = 0; i < victims; i++) {
            if (!known[i] && c->observer.subjects[f->victims[i]].known_by == 0) {
                known[i] = true;
                left--;
                report_sample(c->report, gone, cluster_now(c) - since);
            }
        }
    }
    report_count(c->report, never_gone, left);
    for (uint32_t i = 0; i < victims; i++) {
        cluster_start(c, f->victims[i], 2);
    }
    report_count(c->report, "unsettled", !cluster_run_until(c, cluster_now(c) + CALM, cluster_complete));
    cluster_run(c, cluster_now(c) + CALM); /* nobody is young any more */
}

void scenario_amplify(struct cluster *c)
{
    struct flood f = {
        .c = c, .victim = attack_address(), .recorded = memory_new(RECORDINGS, sizeof *f.recorded)};
    int64_t length = scenario_length(c, 10);
    scenario_settle(c, c->size);
    cluster_run(c, cluster_now(c) + CALM);
    int64_t own = go_on(&f, length);
    report_sample(c->report, "calm_own_bits_per_second", own);
    crash(&f, "calm_gone_us", "calm_never_gone");

    int64_t with = 0;
    for (int question = 0; question < 2; question++) {
        record(&f, 1, question != 0);
        with += go_on(&f, length) / 2;
        report_max(c->report, "one_percent_max", f.most);
    }
    report_sample(c->report, "one_own_bits_per_second", with);
    report_sample(c->report, "one_own_percent", with * 100 / own);
    crash(&f, "one_gone_us", "one_never_gone");

    record(&f, RECORDINGS, false);
    with = go_on(&f, c->size < LARGE ? length : length / 4);
    report_count(c->report, "many_sent_bytes", f.sent);
    report_max(c->report, "many_percent_max", f.most);
    report_sample(c->report, "many_own_bits_per_second", with);
    report_sample(c->report, "many_own_percent", with * 100 / own);
    crash(&f, "many_gone_us", "many_never_gone");
    free(f.recorded);
}
