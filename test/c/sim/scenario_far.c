/* Members that do not hear each other's multicast, each alone. They know one seed, the first member. */
#include "scenario_far.h"

#include "crowd.h"

#define JOIN_LIMIT (30 * SECOND_US)
#define GONE_LIMIT (60 * SECOND_US)
#define NEWS_OVER  (6 * SECOND_US) /* until then it rides along */

static bool none_lists_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == 0;
}

static bool all_list_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == c->observer.running - 1;
}

void far_part_all(struct cluster *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        network_island(&c->network, i, i);
    }
}

void far_start(struct cluster *c, uint32_t node, uint32_t creation)
{
    cluster_start(c, node, creation);
    if (node != 0) {
        cluster_seed(c, node, 0);
    }
}

void far_settle_all(struct cluster *c, uint32_t count)
{
    int64_t begin = cluster_now(c);
    struct traffic before = c->traffic;
    for (uint32_t i = 0; i < count; i++) {
        cluster_run(c, begin + (int64_t)i * MS_US / count);
        far_start(c, i, 1);
    }
    scenario_await(c, "complete_us", "incomplete", begin, JOIN_LIMIT, cluster_complete);
    report_sample(c->report, "start_pages",
                  (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE) / count);
    report_sample(c->report, "start_packets", (int64_t)traffic_packets(&before, &c->traffic) / count);
    cluster_run(c, cluster_now(c) + 8 * SECOND_US);
}

/* A member's mean. */
static int64_t each(const struct cluster *c, uint64_t all, int64_t length, int64_t per)
{
    return (int64_t)(all * (uint64_t)per / (uint64_t)length / c->size);
}

static void measure(struct cluster *c, int64_t length)
{
    static const char *const names[PACKET_CLASSES] = {
        [PACKET_BEAT] = "beat_bytes_per_second", [PACKET_QUESTION] = "question_bytes_per_second",
        [PACKET_NEWS] = "news_bytes_per_second", [PACKET_PROBE] = "probe_bytes_per_second",
        [PACKET_ACK] = "ack_bytes_per_second",   [PACKET_PAGE_REQUEST] = "page_request_bytes_per_second",
        [PACKET_PAGE] = "page_bytes_per_second",
    };
    struct traffic before = c->traffic;
    cluster_run(c, cluster_now(c) + length);
    uint64_t bytes =
        c->traffic.group_bytes - before.group_bytes + c->traffic.unicast_bytes - before.unicast_bytes;
    report_sample(c->report, "member_bytes_per_second", each(c, bytes, length, SECOND_US));
    report_sample(c->report, "member_packets_per_minute",
                  each(c, traffic_packets(&before, &c->traffic), length, 60 * SECOND_US));
    for (size_t i = 0; i < PACKET_CLASSES; i++) {
        if (names[i] != NULL) {
            report_sample(c->report, names[i],
                          each(c, c->traffic.bytes[i] - before.bytes[i], length, SECOND_US));
        }
    }
}

static void one_crashes(struct cluster *c)
{
    cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, SECOND_US));
    do {
        c->watched = scenario_draw(c);
    } while (c->watched == 0); /* the others come back by it */
    uint32_t creation = c->nodes[c->watched].creation;
    cluster_crash(c, c->watched);
    scenario_await(c, "gone_us", "never_gone", cluster_now(c), GONE_LIMIT, none_lists_it);
    cluster_run(c, cluster_now(c) + 2 * SECOND_US);
    far_start(c, c->watched, creation + 1);
    scenario_await(c, "back_us", "never_back", cluster_now(c), JOIN_LIMIT, all_list_it);
    cluster_run(c, cluster_now(c) + 4 * SECOND_US);
}

void far_joins(struct cluster *c, uint32_t node)
{
    int64_t begin = cluster_now(c) + rng_between(&c->rng, 0, SECOND_US);
    cluster_run(c, begin);
    far_start(c, node, 1);
    (void)cluster_run_until(c, begin + JOIN_LIMIT, cluster_complete);
    const struct subject *s = &c->observer.subjects[node];
    bool whole = s->known_to_all_at != NEVER && s->knows_all_at != NEVER;
    report_count(c->report, "incomplete", !whole);
    if (whole) {
        report_sample(c->report, "known_to_all_after_us", s->known_to_all_at - begin);
        report_sample(c->report, "knows_all_after_us", s->knows_all_at - begin);
    }
    cluster_run(c, cluster_now(c) + SECOND_US);
}

static bool all_see_the_stall(const struct cluster *c)
{
    return c->observer.subjects[c->watched].stalled_by == c->observer.running - 1;
}

static bool none_sees_a_stall(const struct cluster *c)
{
    return c->observer.subjects[c->watched].stalled_by == 0;
}

/* A change that others pass on. */
static void one_stalls(struct cluster *c)
{
    c->watched = scenario_draw(c);
    cluster_stall(c, c->watched, true);
    scenario_await(c, "stalled_us", "stalls_missed", cluster_now(c), GONE_LIMIT, all_see_the_stall);
    cluster_stall(c, c->watched, false);
    scenario_await(c, "resumed_us", "resumes_missed", cluster_now(c), GONE_LIMIT, none_sees_a_stall);
    cluster_run(c, cluster_now(c) + 2 * SECOND_US);
}

struct meter {
    uint32_t full;
    const struct packets *packets;
    uint64_t bytes, count;
};

static void count_real(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct meter *m = context;
    (void)to;
    if (from < m->full) {
        m->bytes += packets_at(m->packets, packet)->len + WIRE_OVERHEAD;
        m->count++;
    }
}

static bool real_ones_know_all(const struct cluster *c)
{
    bool all = true;
    for (uint32_t i = 0; i < c->options->full; i++) {
        all = all && c->observer.subjects[i].knows == c->size - 1;
    }
    return all;
}

/* Some are real, and know one of the crowd, who knows all. */
static void among_a_crowd(struct cluster *c)
{
    uint32_t full = c->options->full;
    int64_t begin = cluster_now(c), length = scenario_length(c, 20);
    lives_free(c); /* most of the crowd says nothing to anybody who is real */
    for (uint32_t i = 0; i < full; i++) {
        cluster_start(c, i, 1);
        cluster_seed(c, i, full);
    }
    crowd_start_far(c, full);
    scenario_await(c, "complete_us", "incomplete", begin, JOIN_LIMIT, real_ones_know_all);
    cluster_run(c, cluster_now(c) + 8 * SECOND_US + NEWS_OVER);
    struct meter meter = {.full = full, .packets = &c->packets};
    struct tally before = c->tally;
    c->everything = count_real;
    c->everything_context = &meter;
    cluster_run(c, cluster_now(c) + length);
    c->everything = NULL;
    uint64_t us = (uint64_t)length;
    report_sample(c->report, "member_bytes_per_second", (int64_t)(meter.bytes * SECOND_US / us / full));
    report_sample(c->report, "member_packets_per_minute",
                  (int64_t)(meter.count * 60 * SECOND_US / us / full));
    report_count(c->report, "updates", c->tally.update - before.update);
    report_count(c->report, "incomplete_at_end", !real_ones_know_all(c));
}

void scenario_no_multicast(struct cluster *c)
{
    if (c->options->full > 0 && c->options->full < c->size) {
        far_part_all(c);
        among_a_crowd(c);
        return;
    }
    uint32_t newcomers = c->options->newcomers < c->size ? c->options->newcomers : 0;
    far_part_all(c);
    far_settle_all(c, c->size - newcomers);
    for (uint32_t i = c->size - newcomers; i < c->size; i++) {
        far_joins(c, i);
    }
    cluster_run(c, cluster_now(c) + NEWS_OVER);
    measure(c, scenario_length(c, 20));
    if (c->options->victims > 0) {
        one_stalls(c);
    }
    for (uint32_t i = 0; i < c->options->victims; i++) {
        one_crashes(c);
    }
    report_count(c->report, "incomplete_at_end", !cluster_complete(c));
}
