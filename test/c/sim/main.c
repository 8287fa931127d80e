/* gossip_sim: reads what is asked for, runs it, prints the figures. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "scenario.h"

static const uint8_t secret[KEY_BYTES] = "a key that only simulators know.";

static void print_options(const struct options *o)
{
    printf("scenario=%s\nvariant=%s\nnodes=%" PRIu32 "\nseed=%" PRIu64 "\nruns=%" PRIu32 "\n", o->scenario,
           o->variant == NULL ? "default" : o->variant, o->nodes, o->seed, o->runs);
    printf("loss_percent=%g\nburst_ms=%g\nduplicate_percent=%g\nreorder_percent=%g\n", o->loss, o->burst_ms,
           o->duplicate, o->reorder);
    printf("delay_us=%" PRId64 "..%" PRId64 "\ninterval_ms=%" PRIu32 "\nsealed=%d\n", o->delay_min,
           o->delay_max, o->interval_ms, !o->no_seal);
}

static void run(const struct options *o, const struct scenario *s, const struct keyring *keys,
                struct report *r)
{
    int64_t virtual = 0;
    for (uint32_t i = 0; i < o->runs; i++) {
        struct cluster c;
        cluster_init(&c, o, keys, o->seed + i, r);
        s->run(&c);
        virtual += cluster_now(&c);
        cluster_free(&c);
    }
    report_count(r, "virtual_seconds", virtual / SECOND_US);
}

/* What must be nothing in whatever scenario: see lives.h. */
static const char *const never[] = {"late_lives",       "copied_lives", "misplaced_lives", "forged_lives",
                                    "misled_addresses", "raised_dead",  "kept_dead"};

/* How many bounds do not hold, those asked for and those of every run; each is told. */
static int missed(const struct options *o, struct report *r)
{
    int count = 0;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        int64_t value = 1;
        if (!report_find(r, never[i], &value) || value > 0) {
            fprintf(stderr, "gossip_sim: %s=%" PRId64 ", and must be 0\n", never[i], value);
            count++;
        }
    }
    for (size_t i = 0; i < o->bound_count; i++) {
        char key[64];
        int64_t bound = 0, value = 0;
        (void)options_bound(o->bounds[i], key, sizeof key, &bound);
        if (!report_find(r, key, &value)) {
            fprintf(stderr, "gossip_sim: there is no figure %s\n", key);
            count++;
        } else if (value > bound) {
            fprintf(stderr, "gossip_sim: %s=%" PRId64 ", at most %" PRId64 " is allowed\n", key, value,
                    bound);
            count++;
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    struct options options;
    struct keyring keys = {0};
    struct report report = {0};
    int parsed = options_parse(&options, argc, argv);
    if (parsed != 0) {
        return parsed < 0 ? 2 : 0;
    }
    const struct scenario *s = scenario_find(options.scenario);
    if (s == NULL || (options.variant != NULL && !scenario_has(s, options.variant))) {
        fprintf(stderr, "gossip_sim: there is no scenario %s %s; see --help\n", options.scenario,
                options.variant == NULL ? "" : options.variant);
        return 2;
    }
    if (seal_init() != 0 || keyring_add(&keys, SECRET_KEY, secret, sizeof secret, "sim", 3) != 0) {
        fputs("gossip_sim: the primitives cannot be made ready\n", stderr);
        return 2;
    }
    print_options(&options);
    run(&options, s, &keys, &report);
    report_print(&report);
    int wrong = missed(&options, &report);
    report_free(&report);
    return wrong == 0 ? 0 : 1;
}
