#include "prng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kit/rank.h"

struct prng prng_from(uint64_t seed)
{
    return (struct prng){.state = seed};
}

struct prng prng_printed(const char *test)
{
    return prng_printed_next(test, 0);
}

struct prng prng_printed_next(const char *test, uint64_t further)
{
    const char *given = getenv("GOSSIP_TEST_SEED");
    struct timespec t = {0};
    (void)timespec_get(&t, TIME_UTC);
    uint64_t fresh = rank_weight((uint64_t)t.tv_sec, (uint64_t)t.tv_nsec) & 0xffffffff;
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) + further : fresh;
    printf("%s: GOSSIP_TEST_SEED=%" PRIu64 "\n", test, seed);
    (void)fflush(stdout);
    return prng_from(seed);
}

uint64_t prng_u64(struct prng *p)
{
    uint64_t z = p->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t prng_below(struct prng *p, uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)(((prng_u64(p) >> 32) * n) >> 32);
}

bool prng_chance(struct prng *p, uint32_t percent)
{
    return prng_below(p, 100) < percent;
}

void prng_fill(void *prng, void *out, size_t len)
{
    uint8_t *b = out;
    for (size_t i = 0; i < len; i++) {
        b[i] = (uint8_t)(prng_u64(prng) >> 56);
    }
}
