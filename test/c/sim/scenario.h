/* What happens to a cluster: one function a scenario. Each works on a fresh cluster, brings about what it is
 * named for, lets time pass, and reports figures of its own beside those that every run has. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>

#include "cluster.h"

struct scenario {
    const char *name;
    const char *variants; /* separated by blanks, the default first; NULL: there are none */
    const char *help;
    void (*run)(struct cluster *c);
};

/* By name; NULL if there is none. */
const struct scenario *scenario_find(const char *name);

/* Whether the scenario has this variant. */
bool scenario_has(const struct scenario *s, const char *variant);

/* Whether this variant was asked for, given or by default. */
bool scenario_variant(const struct cluster *c, const char *variant);

/* Prints all of them. */
void scenario_list(void);

/* The length of the main part: what was asked for, or `otherwise` seconds. */
int64_t scenario_length(const struct cluster *c, double otherwise);

/* How many it happens to: what was asked for, or `otherwise`; never all. */
uint32_t scenario_victims(const struct cluster *c, uint32_t otherwise);

/* Starts the first `count` members within 1 ms, waits until all know all (at most 30 s; it is counted when
 * they do not), and then until their beats are well spread. */
void scenario_settle(struct cluster *c, uint32_t count);

/* Waits until the condition holds and reports how long it took since `since`; counts under `missing` when it
 * does not by `limit` from now. */
bool scenario_await(struct cluster *c, const char *name, const char *missing, int64_t since, int64_t limit,
                    bool (*done)(const struct cluster *c));

/* T for this cluster, microseconds. */
int64_t scenario_interval(const struct cluster *c);

/* A member that runs, drawn by lot. */
uint32_t scenario_draw(struct cluster *c);

/* The scenarios. */
void scenario_join(struct cluster *c);
void scenario_speed(struct cluster *c);
void scenario_steady(struct cluster *c);
void scenario_crash(struct cluster *c);
void scenario_leave(struct cluster *c);
void scenario_churn(struct cluster *c);
void scenario_restart(struct cluster *c);
void scenario_twins(struct cluster *c);
void scenario_partition(struct cluster *c);
void scenario_flap(struct cluster *c);
void scenario_mute(struct cluster *c);
void scenario_links(struct cluster *c);
void scenario_no_unicast(struct cluster *c);
void scenario_pause(struct cluster *c);
void scenario_clock(struct cluster *c);
void scenario_stall(struct cluster *c);
void scenario_replay(struct cluster *c);
void scenario_amplify(struct cluster *c);
void scenario_harvest(struct cluster *c);
void scenario_relay(struct cluster *c);
void scenario_no_multicast(struct cluster *c);
void scenario_parted(struct cluster *c);
void scenario_islands(struct cluster *c);
void scenario_seed_dies(struct cluster *c);
void scenario_deaf(struct cluster *c);
void scenario_insider(struct cluster *c);

#endif
