/* Where multicast does not join all: two halves that lose each other, two islands, a seed that dies, members
 * that do not hear. */
#include "kit/intervals.h"
#include "scenario_far.h"

#define WHOLE_LIMIT (120 * SECOND_US)
#define GONE_LIMIT  (60 * SECOND_US)
#define AFTER       (20 * SECOND_US) /* in which nobody is to die of what was */

static bool none_lists_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == 0;
}

static int64_t downs(const struct cluster *c)
{
    return c->tally.down_silent + c->tally.down_left + c->tally.down_beam_exit;
}

/* Whole again, and what that took; and nobody dies of it any more. */
static void await_whole(struct cluster *c, int64_t since)
{
    struct traffic before = c->traffic;
    scenario_await(c, "whole_us", "never_whole", since, WHOLE_LIMIT, cluster_complete);
    report_sample(c->report, "heal_packets_per_member",
                  (int64_t)traffic_packets(&before, &c->traffic) / c->size);
    int64_t died = downs(c);
    cluster_run(c, cluster_now(c) + AFTER);
    report_count(c->report, "downs_after", downs(c) - died);
    report_count(c->report, "incomplete_at_end", !cluster_complete(c));
}

static bool halves_are_apart(const struct cluster *c)
{
    uint64_t half = c->size / 2, rest = c->size - half;
    return c->observer.pairs <= half * (half - 1) + rest * (rest - 1);
}

static void cut(struct cluster *c, bool cut)
{
    network_cut(&c->network, cluster_now(c), 0, 1, cut);
    network_cut(&c->network, cluster_now(c), 1, 0, cut);
}

void scenario_parted(struct cluster *c)
{
    int64_t length = scenario_length(c, 10);
    far_part_all(c);
    far_settle_all(c, c->size);
    for (uint32_t i = 0; i < c->size; i++) {
        c->network.reach[i].side = i >= c->size / 2;
        if (scenario_variant(c, "lost")) {
            cluster_seedless(c, i);
        }
    }
    cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, SECOND_US));
    c->cut_at = cluster_now(c);
    cut(c, true);
    scenario_await(c, "gone_us", "never_gone", c->cut_at, length, halves_are_apart);
    cluster_run(c, c->cut_at + length);
    cut(c, false);
    await_whole(c, cluster_now(c));
}

/* Some die, one after the other, and it is known on both islands. */
static void some_die(struct cluster *c, uint32_t count)
{
    report_expect(c->report, "gone_us");
    for (uint32_t i = 0; i < count; i++) {
        do {
            c->watched = scenario_draw(c);
        } while (c->watched == 0); /* which is the seed */
        cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, SECOND_US));
        cluster_crash(c, c->watched);
        scenario_await(c, "gone_us", "never_gone", cluster_now(c), GONE_LIMIT, none_lists_it);
        cluster_run(c, cluster_now(c) + 2 * SECOND_US);
    }
    report_count(c->report, "incomplete_at_end", !cluster_complete(c));
}

static bool islands_are_whole(const struct cluster *c)
{
    uint64_t half = c->size / 2, rest = c->size - half;
    return c->observer.pairs == half * (half - 1) + rest * (rest - 1);
}

void scenario_islands(struct cluster *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        network_island(&c->network, i, i >= c->size / 2);
        cluster_start(c, i, 1);
    }
    report_count(c->report, "unsettled",
                 !cluster_run_until(c, cluster_now(c) + WHOLE_LIMIT, islands_are_whole));
    cluster_run(c, cluster_now(c) + 8 * SECOND_US);
    int64_t since = cluster_now(c);
    for (uint32_t i = scenario_variant(c, "one") ? c->size - 1 : 1; i < c->size; i++) {
        cluster_seed(c, i, 0);
    }
    await_whole(c, since);
    some_die(c, scenario_victims(c, 4));
}

/* It will be there again at the next port. */
static void know_both_ports(struct cluster *c, uint32_t node)
{
    struct seed seed = {.addr = cluster_address(c, 0), .ports = 2};
    seed.addr.ifindex = 0;
    gossip_seeds(c->nodes[node].g, cluster_clock(c, node), &seed, 1);
    cluster_called(c, node);
}

void scenario_seed_dies(struct cluster *c)
{
    uint32_t last = c->size - 1;
    far_part_all(c);
    far_settle_all(c, last);
    for (uint32_t i = 1; i < last; i++) {
        know_both_ports(c, i);
    }
    cluster_run(c, cluster_now(c) + 2 * SECOND_US);
    c->watched = 0;
    cluster_crash(c, 0);
    scenario_await(c, "seed_gone_us", "never_gone", cluster_now(c), GONE_LIMIT, none_lists_it);
    some_die(c, scenario_victims(c, 2));
    cluster_start(c, last, 1); /* it knows nobody but the seed, and waits for it */
    know_both_ports(c, last);
    cluster_run(c, cluster_now(c) + 10 * SECOND_US);
    int64_t since = cluster_now(c), died = downs(c);
    cluster_start(c, 0, 2); /* which itself knows nobody */
    scenario_await(c, "back_us", "never_back", since, WHOLE_LIMIT, cluster_complete);
    cluster_run(c, cluster_now(c) + AFTER);
    report_count(c->report, "downs_after", downs(c) - died);
}

/* The last members before the newcomers are deaf. */
static void deafen(struct cluster *c, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        network_lose(&c->network, cluster_now(c), i, REACH_DEAF);
    }
}

void scenario_deaf(struct cluster *c)
{
    uint32_t newcomers = c->options->newcomers > 0 ? c->options->newcomers : 2;
    uint32_t count = scenario_victims(c, 1), old = c->size - newcomers - count;
    if (newcomers + count >= c->size) {
        return;
    }
    scenario_settle(c, scenario_variant(c, "born") ? old : old + count);
    deafen(c, old, count);
    for (uint32_t i = old; scenario_variant(c, "born") && i < old + count; i++) {
        far_joins(c, i);
    }
    cluster_run(c, cluster_now(c) + (MISS_MULTIPLIER + FAR_HEARD) * scenario_interval(c));
    for (uint32_t i = old + count; i < c->size; i++) {
        int64_t since = cluster_now(c);
        cluster_start(c, i, 1);
        scenario_await(c, "whole_us", "never_whole", since, WHOLE_LIMIT, cluster_complete);
        cluster_run(c, cluster_now(c) + 2 * SECOND_US);
    }
    int64_t died = downs(c);
    cluster_run(c, cluster_now(c) + AFTER);
    report_count(c->report, "downs_after", downs(c) - died);
    some_die(c, 3);
}
