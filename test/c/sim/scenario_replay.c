/* Everything ever sent is sent again: to live members, to members that have all been restarted, and to two
 * that stand alone; to whom it was sent and to everybody; from where it came and from a stranger's address.
 * What was for one comes to each as if it was sent to where that one is. `far`: no multicast leads anywhere,
 * the members know a seed, and he is on the island of each. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "memory.h"
#include "scenario_far.h"

#define RECORD_MAX 100000u
#define GAP        200 /* between two replayed datagrams, microseconds */
#define CALM       (30 * SECOND_US)

struct record {
    struct cluster *c;
    uint32_t (*sent)[2]; /* packet, to */
    uint32_t count;
};

static void keep(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct record *r = context;
    (void)from;
    if (r->count < RECORD_MAX) {
        packets_at(&r->c->packets, packet)->refs++;
        r->sent[r->count][0] = packet;
        r->sent[r->count++][1] = to;
    }
}

struct census {
    int64_t listed, pending, events;
};

static struct census take_census(const struct cluster *c)
{
    const struct tally *t = &c->tally;
    struct census s = {.events = t->up + t->down_silent + t->down_left + t->down_beam_exit + t->conflict +
                                 t->update};
    for (uint32_t i = 0; i < c->size; i++) {
        if (c->nodes[i].g != NULL) {
            struct gossip_stats stats = gossip_stats(c->nodes[i].g);
            s.listed += stats.listed;
            s.pending += stats.pending;
        }
    }
    return s;
}

/* What comes to the stranger's address: answers to what nobody knows that it is a copy. */
struct lured {
    const struct cluster *c;
    struct addr stranger;
    int64_t sent, bytes; /* from there, to there */
};

static void count_lured(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct lured *l = context;
    const struct packet *p = packets_at(&l->c->packets, packet);
    (void)from;
    (void)to;
    if (p->from.kind == PATH_UNICAST && addr_same(&p->from.local, &l->stranger)) {
        l->bytes += p->len;
    }
}

/* To everybody, from this source; returns how many copies there were. */
static uint32_t to_everybody(struct cluster *c, const struct packet *p, const struct addr *source)
{
    struct path path = {.kind = p->from.kind, .addr = *source};
    uint32_t copies = 0;
    if (path.kind == PATH_GROUP) {
        uint32_t islands = scenario_variant(c, "far") ? c->size : 1;
        for (uint32_t i = 0; i < islands; i++) {
            attack_repeat_on(c, &path, p, i, c->size);
        }
        return islands;
    }
    for (uint32_t i = 0; i < c->size; i++) {
        path.local = cluster_address(c, i);
        if (c->nodes[i].g != NULL) {
            attack_repeat(c, &path, p, i);
            copies++;
        }
    }
    return copies;
}

/* What there was of each kind of message: what was never recorded proves nothing. */
static void count_classes(struct cluster *c, const struct record *r)
{
    static const char *const names[PACKET_CLASSES] = {
        [PACKET_NEWS] = "recorded_news",  [PACKET_PROBE] = "recorded_probes",
        [PACKET_ACK] = "recorded_acks",   [PACKET_PAGE_REQUEST] = "recorded_page_requests",
        [PACKET_PAGE] = "recorded_pages",
    };
    int64_t counts[PACKET_CLASSES] = {0};
    for (uint32_t i = 0; i < r->count; i++) {
        counts[packets_at(&c->packets, r->sent[i][0])->class]++;
    }
    for (size_t i = 0; i < PACKET_CLASSES; i++) {
        if (names[i] != NULL) {
            report_count(c->report, names[i], counts[i]);
            report_count(c->report, "kinds_unrecorded", counts[i] == 0);
        }
    }
}

static void replay(struct cluster *c, const struct record *r)
{
    struct census before = take_census(c);
    struct traffic quiet = c->traffic;
    struct lured lured = {.c = c, .stranger = attack_address()};
    int64_t copies = 0;
    c->everything = count_lured;
    c->everything_context = &lured;
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t packet = r->sent[i][0], to = r->sent[i][1];
        const struct packet *p = packets_at(&c->packets, packet);
        bool straight = i % 2 == 0; /* who is first counts: the second is a copy */
        int64_t each = to_everybody(c, p, straight ? &p->from.addr : &lured.stranger);
        (void)to_everybody(c, p, straight ? &lured.stranger : &p->from.addr);
        cluster_replay(c, packet, to);
        copies += 2 * each + 1;
        lured.sent += each * (int64_t)p->len;
        cluster_run(c, cluster_now(c) + GAP);
    }
    c->everything = NULL;
    struct census after = take_census(c);
    report_count(c->report, "replayed_datagrams", copies);
    report_count(c->report, "replay_events", after.events - before.events);
    report_count(c->report, "replay_believed", attack_believed(c));
    report_count(c->report, "replay_listed_grown", after.listed - before.listed);
    report_max(c->report, "replay_pending_most", after.pending - before.pending);
    report_count(
        c->report, "replay_caused_packets",
        (int64_t)(traffic_packets(&quiet, &c->traffic) - traffic_class(&quiet, &c->traffic, PACKET_BEAT)));
    report_count(c->report, "replay_unlured", lured.bytes == 0); /* then no copy has reached anybody */
    report_max(c->report, "replay_lured_percent", lured.bytes * 100 / lured.sent);
    cluster_run(c, cluster_now(c) + CALM);
    struct census calm = take_census(c);
    report_count(c->report, "replay_events_later", calm.events - after.events);
    report_count(c->report, "replay_pending_left", calm.pending - before.pending);
}

static void start(struct cluster *c, uint32_t node, uint32_t creation)
{
    if (scenario_variant(c, "far")) {
        far_start(c, node, creation);
    } else {
        cluster_start(c, node, creation);
    }
}

/* A life with everything in it: joins, beats, a crash, a goodbye, and their verdicts. */
static void live(struct cluster *c)
{
    if (scenario_variant(c, "far")) {
        far_part_all(c);
        far_settle_all(c, c->size);
    } else {
        scenario_settle(c, c->size);
    }
    if (c->size > 2) {
        cluster_crash(c, 1);
        cluster_leave(c, 2, DOWN_LEFT);
        cluster_run(c, cluster_now(c) + 10 * SECOND_US);
        start(c, 1, 2);
        start(c, 2, 2);
    }
    cluster_run(c, cluster_now(c) + scenario_length(c, 10));
}

static void restart(struct cluster *c, uint32_t count)
{
    for (uint32_t i = 0; i < c->size; i++) {
        cluster_crash(c, i);
    }
    cluster_run(c, cluster_now(c) + SECOND_US);
    for (uint32_t i = 0; i < count; i++) {
        start(c, i, 9);
    }
    report_count(c->report, "unsettled", !cluster_run_until(c, cluster_now(c) + CALM, cluster_complete));
    cluster_run(c, cluster_now(c) + 4 * scenario_interval(c));
}

void scenario_replay(struct cluster *c)
{
    struct record r = {.c = c, .sent = memory_new(RECORD_MAX, sizeof *r.sent)};
    c->sent = keep;
    c->sent_context = &r;
    live(c);
    c->sent = NULL;
    count_classes(c, &r);
    replay(c, &r);
    restart(c, c->size);
    replay(c, &r);
    restart(c, c->size < 2 ? c->size : 2);
    replay(c, &r);
    for (uint32_t i = 0; i < r.count; i++) {
        packets_drop(&c->packets, r.sent[i][0]);
    }
    free(r.sent);
}
