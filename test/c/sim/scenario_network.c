/* The network is cut, wholly or in part, and heals. */
#include "scenario.h"

#define HEAL_LIMIT (60 * SECOND_US)
#define FLAP       (20 * SECOND_US)

static bool halves_are_apart(const struct cluster *c)
{
    uint64_t half = c->size / 2, rest = c->size - half;
    return c->observer.pairs <= half * (half - 1) + rest * (rest - 1);
}

/* Those beyond the cut were buried by all who cannot hear them. */
static bool unheard_are_buried(const struct cluster *c)
{
    uint64_t half = c->size / 2;
    return (uint64_t)c->tally.separated_deaths >= half * (c->size - half);
}

static bool none_lists_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == 0;
}

static bool it_is_isolated(const struct cluster *c)
{
    return c->nodes[c->watched].isolated;
}

/* Whole again, and what that took. */
static void heal(struct cluster *c)
{
    int64_t since = cluster_now(c);
    struct traffic before = c->traffic;
    scenario_await(c, "whole_us", "never_whole", since, HEAL_LIMIT, cluster_complete);
    report_sample(c->report, "heal_packets", (int64_t)traffic_packets(&before, &c->traffic));
    if (cluster_now(c) < since + 2 * SECOND_US) {
        cluster_run(c, since + 2 * SECOND_US);
    }
    report_sample(
        c->report, "heal_packets_2s",
        (int64_t)(traffic_packets(&before, &c->traffic) - traffic_class(&before, &c->traffic, PACKET_BEAT)));
    cluster_run(c, cluster_now(c) + 6 * SECOND_US);
}

static void cut_halves(struct cluster *c, bool both_ways)
{
    int64_t length = scenario_length(c, 10);
    for (uint32_t i = 0; i < c->size; i++) {
        c->network.reach[i].side = i >= c->size / 2;
    }
    c->cut_at = cluster_now(c);
    network_cut(&c->network, c->cut_at, 0, 1, true);
    network_cut(&c->network, c->cut_at, 1, 0, both_ways);
    scenario_await(c, "gone_us", "never_gone", c->cut_at, length,
                   both_ways ? halves_are_apart : unheard_are_buried);
    cluster_run(c, c->cut_at + length);
    network_cut(&c->network, cluster_now(c), 0, 1, false);
    network_cut(&c->network, cluster_now(c), 1, 0, false);
}

static void cut_one(struct cluster *c)
{
    int64_t length = scenario_length(c, 10);
    c->watched = scenario_draw(c);
    c->cut_at = cluster_now(c);
    network_lose(&c->network, c->cut_at, c->watched, REACH_NO_SENDING | REACH_NO_HEARING);
    scenario_await(c, "isolated_us", "never_isolated", c->cut_at, length, it_is_isolated);
    scenario_await(c, "gone_us", "never_gone", c->cut_at, length, none_lists_it);
    cluster_run(c, c->cut_at + length);
    report_count(c->report, "others_buried_by_it",
                 (int64_t)(c->observer.running - 1) - (int64_t)c->observer.subjects[c->watched].knows);
    network_lose(&c->network, cluster_now(c), c->watched, 0);
}

void scenario_partition(struct cluster *c)
{
    scenario_settle(c, c->size);
    cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, scenario_interval(c)));
    if (scenario_variant(c, "one")) {
        cut_one(c);
    } else {
        cut_halves(c, !scenario_variant(c, "one-way"));
    }
    heal(c);
}

static void lose(struct cluster *c, const uint32_t *nodes, uint32_t count, uint8_t lost)
{
    for (uint32_t i = 0; i < count; i++) {
        network_lose(&c->network, cluster_now(c), nodes[i], lost);
    }
}

#define VICTIMS_MAX 1024u

/* Different members, drawn by lot. */
static uint32_t draw(struct cluster *c, uint32_t otherwise, uint32_t nodes[static VICTIMS_MAX])
{
    uint32_t count = scenario_victims(c, otherwise == 0 ? 1 : otherwise);
    count = count > VICTIMS_MAX ? VICTIMS_MAX : count;
    for (uint32_t i = 0; i < count; i++) {
        bool again = true;
        while (again) {
            nodes[i] = scenario_draw(c);
            again = false;
            for (uint32_t k = 0; k < i; k++) {
                again = again || nodes[k] == nodes[i];
            }
        }
    }
    return count;
}

void scenario_flap(struct cluster *c)
{
    uint32_t nodes[VICTIMS_MAX];
    scenario_settle(c, c->size);
    uint32_t count = draw(c, c->size / 100, nodes);
    int64_t end = cluster_now(c) + scenario_length(c, 320);
    for (unsigned turn = 0; cluster_now(c) < end; turn++) {
        static const uint8_t turns[4] = {REACH_NO_SENDING, 0, REACH_NO_HEARING, 0};
        lose(c, nodes, count, turns[turn % 4]);
        cluster_run(c, cluster_now(c) + FLAP);
    }
    lose(c, nodes, count, 0);
    scenario_await(c, "whole_us", "never_whole", cluster_now(c), HEAL_LIMIT, cluster_complete);
    cluster_run(c, cluster_now(c) + 6 * SECOND_US);
}

/* Links that are still told to be deaf or mute. */
static uint32_t unhealed(const struct cluster *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->size; i++) {
        count += c->nodes[i].link_troubled;
    }
    return count;
}

void scenario_mute(struct cluster *c)
{
    uint32_t nodes[VICTIMS_MAX];
    scenario_settle(c, c->size);
    uint32_t count = draw(c, c->size / 100, nodes);
    lose(c, nodes, count, scenario_variant(c, "in") ? REACH_DEAF : REACH_MUTE);
    cluster_run(c, cluster_now(c) + scenario_length(c, 60));
    report_count(c->report, "incomplete_while_mute", !cluster_complete(c));
    lose(c, nodes, count, 0);
    scenario_await(c, "whole_us", "never_whole", cluster_now(c), HEAL_LIMIT, cluster_complete);
    cluster_run(c, cluster_now(c) + 6 * SECOND_US);
    report_count(c->report, "links_untold", count - c->tally.links_told);
    report_count(c->report, "links_false", c->tally.links_false);
    report_count(c->report, "links_unhealed", unhealed(c));
}

/* All, or the last members from their start on. */
static void lose_unicast(struct cluster *c)
{
    uint32_t count = scenario_variant(c, "one") ? scenario_victims(c, 1) : c->size;
    for (uint32_t i = c->size - count; i < c->size; i++) {
        network_lose(&c->network, 0, i, REACH_NO_UNICAST);
    }
}

void scenario_no_unicast(struct cluster *c)
{
    lose_unicast(c);
    for (uint32_t i = 0; i < c->size; i++) {
        cluster_start(c, i, 1);
    }
    scenario_await(c, "complete_us", "incomplete", 0, HEAL_LIMIT, cluster_complete);
    cluster_run(c, cluster_now(c) + scenario_length(c, 60));
    c->watched = scenario_draw(c);
    cluster_crash(c, c->watched);
    scenario_await(c, "gone_us", "never_gone", cluster_now(c), HEAL_LIMIT, none_lists_it);
}
