/* Joining: all at once, or some to the others. */
#include "scenario.h"

#define JOIN_LIMIT (20 * SECOND_US)

/* What a join adds to the traffic: everything but plain beats and what the roster's pages need. */
static int64_t caused(const struct traffic *since, const struct traffic *until)
{
    return (int64_t)(traffic_packets(since, until) - traffic_class(since, until, PACKET_BEAT) -
                     traffic_class(since, until, PACKET_PAGE) -
                     traffic_class(since, until, PACKET_PAGE_REQUEST));
}

static void all_at_once(struct cluster *c)
{
    struct traffic before = c->traffic;
    int64_t start = cluster_now(c);
    for (uint32_t i = 0; i < c->size; i++) {
        cluster_run(c, start + (int64_t)i * MS_US / c->size);
        cluster_start(c, i, 1);
    }
    scenario_await(c, "complete_us", "incomplete", start, JOIN_LIMIT, cluster_complete);
    report_sample(c->report, "packets_until_complete", (int64_t)traffic_packets(&before, &c->traffic));
    cluster_run(c, start + SECOND_US);
    report_sample(c->report, "packets_first_second", (int64_t)traffic_packets(&before, &c->traffic));
}

/* Each newcomer's own two moments. */
static void report_newcomer(struct cluster *c, uint32_t node, int64_t start)
{
    const struct subject *s = &c->observer.subjects[node];
    int64_t known = s->known_to_all_at - start, knows = s->knows_all_at - start;
    if (s->known_to_all_at == NEVER || s->knows_all_at == NEVER) {
        return;
    }
    report_sample(c->report, "known_to_all_us", known);
    report_sample(c->report, "knows_all_us", knows);
    report_sample(c->report, "both_us", known > knows ? known : knows);
}

static void some_join(struct cluster *c, uint32_t newcomers)
{
    uint32_t residents = c->size - newcomers;
    scenario_settle(c, residents);
    struct traffic quiet = c->traffic;
    cluster_run(c, cluster_now(c) + SECOND_US);
    /* In a lossy network there are probes all the time. */
    int64_t usual = caused(&quiet, &c->traffic);

    struct traffic before = c->traffic;
    int64_t start = cluster_now(c) + rng_between(&c->rng, 0, SECOND_US);
    cluster_run(c, start);
    for (uint32_t i = 0; i < newcomers; i++) {
        cluster_start(c, residents + i, 1);
    }
    scenario_await(c, "complete_us", "incomplete", start, JOIN_LIMIT, cluster_complete);
    if (cluster_now(c) < start + SECOND_US) {
        cluster_run(c, start + SECOND_US);
    }
    report_sample(c->report, "caused_packets", caused(&before, &c->traffic) - usual);
    report_sample(c->report, "join_pages", (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE));
    report_sample(c->report, "join_page_requests",
                  (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE_REQUEST));
    for (uint32_t i = 0; i < newcomers; i++) {
        report_newcomer(c, residents + i, start);
    }
}

void scenario_join(struct cluster *c)
{
    uint32_t newcomers = c->options->newcomers;
    report_expect(c->report, "known_to_all_us");
    report_expect(c->report, "knows_all_us");
    report_count(c->report, "page_bytes_max", 0);
    report_expect(c->report, "page_gap_us");
    if (newcomers == 0 || newcomers >= c->size) {
        all_at_once(c);
    } else {
        some_join(c, newcomers);
    }
}
