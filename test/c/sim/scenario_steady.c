/* Nothing happens: what does the group send? And the two scenarios in which nothing should come of what
 * happens. */
#include "crowd.h"
#include "scenario.h"

/* The crowd comes slowly: a thousand newcomers a second would be refused. */
#define RAMP_EACH (10 * MS_US)

struct meter {
    const struct cluster *c;
    uint32_t full;
    uint64_t bytes; /* multicast by the real members */
};

static void measure(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct meter *m = context;
    if (from < m->full && to == m->c->size) {
        m->bytes += packets_at(&m->c->packets, packet)->len + WIRE_OVERHEAD;
    }
}

static void settle_crowd(struct cluster *c, uint32_t full)
{
    for (uint32_t i = 0; i < full; i++) {
        cluster_start(c, i, 1);
    }
    cluster_run(c, 2 * SECOND_US);
    int64_t ramp = (int64_t)(c->size - full) * RAMP_EACH;
    crowd_start(c, full, ramp);
    cluster_run(c, cluster_now(c) + ramp);
    crowd_know_all(c);
    cluster_run(c, cluster_now(c) + 4 * scenario_interval(c));
    for (uint32_t i = 0; i < full; i++) {
        report_sample(c->report, "full_members_list", c->observer.subjects[i].knows);
    }
}

#define MEASURED_MOST 512 /* peers of one member that are looked at */

/* What the real members measure of each other, against the delay and the loss that the network has. */
static void judge_measures(struct cluster *c, uint32_t full)
{
    int64_t least = 2 * c->options->delay_min, most = 2 * c->options->delay_max, lost = 0, told = 0, off = 0;
    for (uint32_t i = 0; i < full; i++) {
        struct measure found[MEASURED_MOST];
        size_t count = gossip_measures(c->nodes[i].g, cluster_clock(c, i), 0, found, MEASURED_MOST);
        for (size_t k = 0; k < count; k++) {
            report_count(c->report, "round_trips_measured", found[k].round_trip >= 0);
            report_count(c->report, "losses_unknown", found[k].loss < 0);
            if (found[k].round_trip >= 0) {
                int64_t under = least - found[k].round_trip, over = found[k].round_trip - most;
                off = under > off ? under : over > off ? over : off;
            }
            lost += found[k].loss > 0 ? found[k].loss : 0;
            told += found[k].loss >= 0;
        }
    }
    int64_t mean = told > 0 ? lost / told : 0, truth = (int64_t)(c->options->loss * 10);
    report_max(c->report, "round_trip_off_us", off);
    report_sample(c->report, "loss_thousandths", mean);
    report_max(c->report, "loss_off_thousandths", mean > truth ? mean - truth : truth - mean);
}

void scenario_steady(struct cluster *c)
{
    uint32_t full = c->options->full == 0 || c->options->full > c->size ? c->size : c->options->full;
    if (full == c->size) {
        scenario_settle(c, full);
    } else {
        settle_crowd(c, full);
    }
    struct traffic before = c->traffic;
    struct meter meter = {.c = c, .full = full};
    int64_t length = scenario_length(c, 60);
    c->sent = measure;
    c->sent_context = &meter;
    cluster_run(c, cluster_now(c) + length);
    c->sent = NULL;
    uint64_t us = (uint64_t)length;
    report_sample(c->report, "group_bits_per_second",
                  (int64_t)((c->traffic.group_bytes - before.group_bytes) * 8 * SECOND_US / us));
    report_sample(c->report, "unicast_bits_per_second",
                  (int64_t)((c->traffic.unicast_bytes - before.unicast_bytes) * 8 * SECOND_US / us));
    /* What the group would send if all sent as much as the real members do. */
    report_sample(c->report, "real_group_bits_per_second",
                  (int64_t)(meter.bytes * 8 * SECOND_US / us * c->size / full));
    report_sample(c->report, "packets_per_node_and_minute",
                  (int64_t)(traffic_packets(&before, &c->traffic) * 60 * SECOND_US / us / c->size));
    judge_measures(c, full);
    report_count(c->report, "beats_measured", (int64_t)traffic_class(&before, &c->traffic, PACKET_BEAT));
}

#define MAX_DRIFT 500 /* millionths: worse than any computer's crystal */

void scenario_clock(struct cluster *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        c->nodes[i].drift = (int32_t)rng_between(&c->rng, -MAX_DRIFT, MAX_DRIFT);
    }
    scenario_settle(c, c->size);
    struct tally before = c->tally;
    cluster_run(c, cluster_now(c) + scenario_length(c, 120));
    report_count(c->report, "clock_events",
                 c->tally.up + c->tally.update + c->tally.down_silent + c->tally.down_left - before.up -
                     before.update - before.down_silent - before.down_left);
}

static bool all_see_the_stall(const struct cluster *c)
{
    return c->observer.subjects[c->watched].stalled_by == c->observer.running - 1;
}

static bool none_sees_a_stall(const struct cluster *c)
{
    return c->observer.subjects[c->watched].stalled_by == 0;
}

void scenario_stall(struct cluster *c)
{
    scenario_settle(c, c->size);
    for (uint32_t i = 0; i < scenario_victims(c, 1); i++) {
        c->watched = scenario_draw(c);
        int64_t since = cluster_now(c);
        int64_t length = scenario_length(c, 20);
        cluster_stall(c, c->watched, true);
        scenario_await(c, "stalled_us", "stalls_missed", since, length, all_see_the_stall);
        cluster_run(c, since + length);
        cluster_stall(c, c->watched, false);
        scenario_await(c, "resumed_us", "resumes_missed", since + length, length, none_sees_a_stall);
        cluster_run(c, cluster_now(c) + 2 * scenario_interval(c));
    }
}
