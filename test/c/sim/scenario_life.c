/* Members die, leave, and come back. */
#include "scenario.h"

#define GONE_LIMIT (90 * SECOND_US)
#define BACK_LIMIT (30 * SECOND_US)

static bool none_lists_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == 0;
}

static bool all_list_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == c->observer.running - 1;
}

/* One after the other is gone, missed by all, and comes back as a new life. */
static void one_by_one(struct cluster *c, bool crash, uint8_t reason)
{
    report_expect(c->report, "detect_us");
    report_expect(c->report, "known_to_all_us");
    scenario_settle(c, c->size);
    uint32_t victims = scenario_victims(c, 1);
    for (uint32_t i = 0; i < victims; i++) {
        cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, scenario_interval(c)));
        c->watched = scenario_draw(c);
        uint32_t creation = c->nodes[c->watched].creation;
        if (crash) {
            cluster_crash(c, c->watched);
        } else {
            cluster_leave(c, c->watched, reason);
        }
        scenario_await(c, "gone_us", "never_gone", cluster_now(c), GONE_LIMIT, none_lists_it);
        if (i + 1 < victims) {
            cluster_run(c, cluster_now(c) + scenario_interval(c));
            cluster_start(c, c->watched, creation + 1);
            scenario_await(c, "back_us", "never_back", cluster_now(c), BACK_LIMIT, all_list_it);
            cluster_run(c, cluster_now(c) + 4 * scenario_interval(c));
        }
    }
    cluster_run(c, cluster_now(c) + 4 * scenario_interval(c));
}

void scenario_crash(struct cluster *c)
{
    one_by_one(c, true, 0);
}

void scenario_leave(struct cluster *c)
{
    one_by_one(c, false, scenario_variant(c, "beam_exit") ? DOWN_BEAM_EXIT : DOWN_LEFT);
}

#define CRASHED_FOR (500 * MS_US)
#define EXITED_FOR  SECOND_US
#define SIDECAR_FOR (200 * MS_US)

void scenario_restart(struct cluster *c)
{
    bool sidecar = scenario_variant(c, "sidecar"), exits = scenario_variant(c, "beam_exit");
    scenario_settle(c, c->size);
    struct tally before = c->tally;
    for (uint32_t i = 0; i < scenario_victims(c, 1); i++) {
        cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, scenario_interval(c)));
        c->watched = scenario_draw(c);
        uint32_t creation = c->nodes[c->watched].creation + (sidecar ? 0 : 1);
        if (exits) {
            cluster_leave(c, c->watched, DOWN_BEAM_EXIT);
        } else {
            cluster_crash(c, c->watched);
        }
        cluster_run(c, cluster_now(c) + (exits ? EXITED_FOR : sidecar ? SIDECAR_FOR : CRASHED_FOR));
        cluster_start(c, c->watched, creation);
        scenario_await(c, "back_us", "never_back", cluster_now(c), BACK_LIMIT, all_list_it);
        cluster_run(c, cluster_now(c) + 4 * scenario_interval(c));
    }
    report_count(c->report, "restart_ups", c->tally.up - before.up);
    report_count(c->report, "restart_downs",
                 c->tally.down_silent + c->tally.down_left + c->tally.down_beam_exit - before.down_silent -
                     before.down_left - before.down_beam_exit);
    report_count(c->report, "restart_takeovers", c->tally.takeovers - before.takeovers);
}

void scenario_twins(struct cluster *c)
{
    uint32_t twin = c->size - 1;
    scenario_settle(c, twin);
    c->cut_at = cluster_now(c);
    cluster_start_named(c, twin, 0, 99);
    cluster_run(c, cluster_now(c) + scenario_length(c, 30));
}

static void bring_back(struct cluster *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        if (c->nodes[i].g == NULL) {
            cluster_start(c, i, c->nodes[i].creation + 1);
        }
    }
}

static void start_one(struct cluster *c)
{
    for (uint32_t i = 0, n = rng_below(&c->rng, c->size); i < c->size; i++, n = (n + 1) % c->size) {
        if (c->nodes[n].g == NULL) {
            cluster_start(c, n, c->nodes[n].creation + 1);
            return;
        }
    }
}

void scenario_churn(struct cluster *c)
{
    report_expect(c->report, "detect_us");
    report_expect(c->report, "known_to_all_us");
    scenario_settle(c, c->size);
    int64_t end = cluster_now(c) + scenario_length(c, 300);
    while (cluster_now(c) < end) {
        cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, 4 * SECOND_US));
        uint32_t what = c->observer.running <= c->size / 2 ? 2 : rng_below(&c->rng, 3);
        if (what == 2) {
            start_one(c);
        } else if (what == 1) {
            cluster_leave(c, scenario_draw(c), DOWN_LEFT);
        } else {
            cluster_crash(c, scenario_draw(c));
        }
    }
    cluster_run(c, cluster_now(c) + SECOND_US);
    bring_back(c);
    scenario_await(c, "complete_us", "incomplete", cluster_now(c), BACK_LIMIT, cluster_complete);
}
