/* Randomness that is the same every time: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* Starts stream number `stream` of `seed`; streams are independent of each other. */
void rng_seed(struct rng *r, uint64_t seed, uint64_t stream);

uint64_t rng_u64(struct rng *r);

/* Uniform in 0 .. bound-1; 0 when `bound` is 0. The bias is under bound / 2^32. */
uint32_t rng_below(struct rng *r, uint32_t bound);

/* Uniform in low .. high, both included. */
int64_t rng_between(struct rng *r, int64_t low, int64_t high);

/* True with this probability, which is given in 2^-32 (see rng_odds). */
bool rng_chance(struct rng *r, uint64_t odds);

/* A percentage as odds: 0 never, 100 always. */
uint64_t rng_odds(double percent);

/* The core's gossip_random; `context` is a struct rng. */
void rng_fill(void *context, void *out, size_t len);

#endif
