/* What was asked for on the command line. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOUNDS_MAX 32

enum burst_at { BURST_AT_LINK = 0, BURST_AT_RECEIVER };

struct options {
    const char *scenario; /* its name */
    const char *variant;  /* which kind of it; NULL: the first */
    uint32_t nodes;
    double seconds; /* of the scenario's main part; 0: the scenario's own */
    uint64_t seed;
    uint32_t runs;   /* with seeds seed, seed + 1, ... */
    double loss;     /* percent of deliveries */
    double burst_ms; /* mean length of a burst of losses; 0: each delivery by itself */
    uint8_t burst_at;
    int64_t delay_min, delay_max; /* microseconds */
    double duplicate, reorder;    /* percent of deliveries */
    uint32_t interval_ms;
    uint32_t newcomers; /* join: how many; 0: all at once */
    uint32_t victims;   /* how many it happens to; 0: the scenario's own */
    uint32_t pause_ms;  /* pause: only this long; 0: the whole grid */
    uint32_t full;      /* steady: real members, the others play a script; 0: all are real */
    bool no_seal, trace;
    size_t bound_count;
    const char *bounds[BOUNDS_MAX]; /* "key=value": the figure must be there and be no larger */
};

/* Splits "key=bound". False when it is not of that form, or the key does not fit. */
bool options_bound(const char *text, char *key, size_t size, int64_t *bound);

/* Reads the arguments. 0: go on; 1: --help was printed; -1: wrong, and why was told on stderr. */
int options_parse(struct options *o, int argc, char **argv);

#endif
