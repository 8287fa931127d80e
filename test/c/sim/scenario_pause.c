/* Processes are stopped (SIGSTOP, a paused VM, swap) and wake late. */
#include "scenario.h"

#define MOST_PAUSED  32u
#define SHORTEST     128u
#define LONGEST      32000u
#define RETURN_LIMIT (30 * SECOND_US)

static void pause_once(struct cluster *c, uint32_t count, uint32_t ms)
{
    uint32_t nodes[MOST_PAUSED];
    cluster_run(c, cluster_now(c) + rng_between(&c->rng, 0, scenario_interval(c)));
    for (uint32_t i = 0; i < count; i++) {
        do {
            nodes[i] = scenario_draw(c);
        } while (c->nodes[nodes[i]].paused);
        cluster_pause(c, nodes[i], ms * MS_US);
    }
    cluster_run(c, cluster_now(c) + ms * MS_US);
    for (uint32_t i = 0; i < count; i++) {
        cluster_wake(c, nodes[i]);
    }
    scenario_await(c, "whole_us", "never_whole", cluster_now(c), RETURN_LIMIT, cluster_complete);
    /* Verdicts that are still on their way, and backstops, have their say. */
    cluster_run(c, cluster_now(c) + 6 * scenario_interval(c));
}

void scenario_pause(struct cluster *c)
{
    uint32_t only_ms = c->options->pause_ms, only_count = c->options->victims;
    uint32_t most = only_count > 0 ? only_count : MOST_PAUSED;
    most = most > MOST_PAUSED ? MOST_PAUSED : most;
    most = most >= c->size ? c->size - 1 : most;
    scenario_settle(c, c->size);
    for (uint32_t ms = only_ms > 0 ? only_ms : SHORTEST; ms <= (only_ms > 0 ? only_ms : LONGEST + 768);
         ms *= 2) {
        for (uint32_t count = only_count > 0 ? most : 1; count <= most; count *= 2) {
            pause_once(c, count, ms > LONGEST && only_ms == 0 ? LONGEST : ms);
        }
    }
}
