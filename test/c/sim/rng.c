#include "rng.h"

#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;
    state = splitmix(&state) ^ stream;
    for (size_t i = 0; i < 4; i++) {
        r->s[i] = splitmix(&state);
    }
}

static uint64_t rotate(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
    return (uint32_t)((rng_u64(r) >> 32) * bound >> 32);
}

int64_t rng_between(struct rng *r, int64_t low, int64_t high)
{
    return high <= low ? low : low + (int64_t)(rng_u64(r) % (uint64_t)(high - low + 1));
}

bool rng_chance(struct rng *r, uint64_t odds)
{
    return odds != 0 && rng_u64(r) >> 32 < odds;
}

uint64_t rng_odds(double percent)
{
    if (percent <= 0) {
        return 0;
    }
    return percent >= 100 ? UINT64_C(1) << 32 : (uint64_t)(percent / 100 * 4294967296.0);
}

void rng_fill(void *context, void *out, size_t len)
{
    uint8_t *bytes = out;
    while (len > 0) {
        uint64_t v = rng_u64(context);
        size_t part = len < sizeof v ? len : sizeof v;
        memcpy(bytes, &v, part);
        bytes += part;
        len -= part;
    }
}
