#include "scenario.h"

#include <stdio.h>
#include <string.h>

#include "kit/intervals.h"

static const struct scenario table[] = {
    {"join", NULL, "all start at once; or --newcomers of them join the others", scenario_join},
    {"speed", NULL, "all start at once and live for --seconds (60): for its processor time", scenario_speed},
    {"steady", NULL, "nothing happens; what the group sends is measured", scenario_steady},
    {"crash", NULL, "--victims die without a word, one after the other, and come back", scenario_crash},
    {"leave", "left beam_exit", "--victims say goodbye, one after the other, and come back", scenario_leave},
    {"churn", NULL, "every two seconds somebody dies, leaves or comes back", scenario_churn},
    {"restart", "crash beam_exit sidecar",
     "--victims come back under the same name before anybody misses them", scenario_restart},
    {"twins", NULL, "a second node with the name of the first", scenario_twins},
    {"partition", "halves one one-way", "cut for --seconds (10), then healed", scenario_partition},
    {"flap", NULL, "1 % of the nodes cannot send for 20 s, are well for 20 s, cannot hear for 20 s, ...",
     scenario_flap},
    {"mute", "out in", "--victims' multicast does not get out (in: does not reach them); unicast works",
     scenario_mute},
    {"links", "one all", "every member has two links; one of a member's (all: of everybody's) dies",
     scenario_links},
    {"no-unicast", "all one", "no unicast passes (one: none reaches --victims)", scenario_no_unicast},
    {"pause", NULL, "1 to 32 nodes stopped for 128 ms to 32 s; --victims and --pause-ms choose",
     scenario_pause},
    {"clock", NULL, "clocks start anywhere and run up to 0.05 % fast or slow", scenario_clock},
    {"stall", NULL, "--victims' BEAM hangs for --seconds (20) while their sidecar beats", scenario_stall},
    {"replay", "near far",
     "everything ever sent is sent again, also after all have restarted (far: no multicast, and one seed)",
     scenario_replay},
    {"amplify", NULL,
     "recordings of an ended session, a victim their source: one, and 5,000 at 2,000/s, for --seconds (10)",
     scenario_amplify},
    {"harvest", "said held",
     "what one said in its last minute is said again when it is dead (held: passed on later and later)",
     scenario_harvest},
    {"relay", NULL, "somebody says all that is said again, from where he is, and passes on what comes to him",
     scenario_relay},
    {"no-multicast", NULL,
     "no multicast leads anywhere, and all know the first member: they start, --newcomers join, --victims "
     "die",
     scenario_no_multicast},
    {"parted", "seed lost",
     "two halves without multicast lose each other for --seconds (10) (lost: nobody knows a seed any more)",
     scenario_parted},
    {"islands", "all one",
     "two halves that multicast does not join come to know one seed (one: one member does); --victims die",
     scenario_islands},
    {"seed-dies", NULL, "no multicast, and the one seed dies; others die, join, and it comes back",
     scenario_seed_dies},
    {"deaf", "later born",
     "--victims do not hear multicast (born: from their start); --newcomers join, one dies", scenario_deaf},
    {"insider", NULL, "the last member holds the key, and says of the others what is not so",
     scenario_insider},
};

#define SCENARIOS (sizeof table / sizeof table[0])

#define SETTLE_LIMIT (30 * SECOND_US)

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

bool scenario_has(const struct scenario *s, const char *variant)
{
    size_t len = strlen(variant);
    const char *at = s->variants;
    while (at != NULL && len > 0) {
        if (strncmp(at, variant, len) == 0 && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    return false;
}

bool scenario_variant(const struct cluster *c, const char *variant)
{
    const struct scenario *s = scenario_find(c->options->scenario);
    if (c->options->variant != NULL) {
        return strcmp(c->options->variant, variant) == 0;
    }
    return s != NULL && s->variants != NULL && strncmp(s->variants, variant, strlen(variant)) == 0;
}

void scenario_list(void)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        printf("  %-12s%s", table[i].name, table[i].help);
        if (table[i].variants != NULL) {
            printf(" [%s]", table[i].variants);
        }
        putchar('\n');
    }
}

int64_t scenario_length(const struct cluster *c, double otherwise)
{
    double seconds = c->options->seconds > 0 ? c->options->seconds : otherwise;
    return (int64_t)(seconds * (double)SECOND_US);
}

uint32_t scenario_victims(const struct cluster *c, uint32_t otherwise)
{
    uint32_t victims = c->options->victims > 0 ? c->options->victims : otherwise;
    return victims < c->size ? victims : c->size - 1;
}

int64_t scenario_interval(const struct cluster *c)
{
    return interval_for(c->options->interval_ms * MS_US, c->size);
}

uint32_t scenario_draw(struct cluster *c)
{
    uint32_t node;
    do {
        node = rng_below(&c->rng, c->size);
    } while (!c->observer.subjects[node].running);
    return node;
}

void scenario_settle(struct cluster *c, uint32_t count)
{
    int64_t start = cluster_now(c);
    for (uint32_t i = 0; i < count; i++) {
        cluster_run(c, start + (int64_t)i * MS_US / count);
        cluster_start(c, i, 1);
    }
    report_count(c->report, "unsettled", !cluster_run_until(c, start + SETTLE_LIMIT, cluster_complete));
    cluster_run(c, cluster_now(c) + 4 * scenario_interval(c));
}

bool scenario_await(struct cluster *c, const char *name, const char *missing, int64_t since, int64_t limit,
                    bool (*done)(const struct cluster *c))
{
    report_expect(c->report, name);
    report_count(c->report, missing, 0);
    if (cluster_run_until(c, cluster_now(c) + limit, done)) {
        report_sample(c->report, name, cluster_now(c) - since);
        return true;
    }
    report_count(c->report, missing, 1);
    return false;
}
