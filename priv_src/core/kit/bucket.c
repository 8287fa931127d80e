#include "bucket.h"

#include "kit/rank.h"

bool bucket_take(struct bucket *b, int64_t now, uint32_t burst, uint32_t rate)
{
    return bucket_take_each(b, now, burst, INT64_C(1000000) / rate);
}

bool bucket_take_each(struct bucket *b, int64_t now, uint32_t burst, int64_t period)
{
    int64_t full_at = b->full_at > now ? b->full_at : now;
    if (full_at + period - now > period * burst) {
        return false;
    }
    b->full_at = full_at + period;
    return true;
}

int64_t bucket_next(const struct bucket *b, uint32_t burst, int64_t period)
{
    return b->full_at - period * ((int64_t)burst - 1);
}

struct bucket *sources_bucket(struct sources *s, const struct addr *from, uint64_t salt)
{
    uint64_t hash = salt;
    for (size_t i = 0; i < sizeof from->ip; i++) {
        hash = rank_weight(hash, from->ip[i]);
    }
    return &s->slot[hash % SOURCES];
}
