/* A seeded stream of randomness (SplitMix64), so that whatever a test has met can be met again. */
#ifndef TEST_SUPPORT_PRNG_H
#define TEST_SUPPORT_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

/* A stream for one test: its seed is $GOSSIP_TEST_SEED, or else new, and is printed with the test's name. */
struct prng prng_printed(const char *test);

/* The same for a test that tries again: where the seed is given, so many further, or it would meet the same
 * again. */
struct prng prng_printed_next(const char *test, uint64_t further);

/* A stream of this very seed. */
struct prng prng_from(uint64_t seed);

uint64_t prng_u64(struct prng *p);

/* Uniform in 0..n-1; 0 when n is 0. */
uint32_t prng_below(struct prng *p, uint32_t n);

/* True in `percent` of a hundred. */
bool prng_chance(struct prng *p, uint32_t percent);

/* Fills `out`; has the shape of gossip_random, with a struct prng as context. */
void prng_fill(void *prng, void *out, size_t len);

#endif
