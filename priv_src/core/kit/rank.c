#include "kit/rank.h"

/* The finalizer of SplitMix64 (Steele, Lea, Flood, 2014): every bit of the input reaches every bit of the
 * output. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t rank_weight(uint64_t member, uint64_t subject)
{
    return mix(member ^ mix(subject + UINT64_C(0x9e3779b97f4a7c15)));
}
