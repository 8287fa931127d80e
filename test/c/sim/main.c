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
        fputs("gossip_sim: libsodium cannot be made ready\n", stderr);
        return 2;
    }
    print_options(&options);
    run(&options, s, &keys, &report);
    report_print(&report);
    report_free(&report);
    return 0;
}
