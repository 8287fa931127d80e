#include "bucket.h"

#include "kit/rank.h"

bool bucket_take(struct bucket *b, int64_t now, uint32_t burst, uint32_t rate)
{
    int64_t token = INT64_C(1000000) / rate;
    int64_t full_at = b->full_at > now ? b->full_at : now;
    if (full_at + token - now > token * burst) {
        return false;
    }
    b->full_at = full_at + token;
    return true;
}

struct bucket *sources_bucket(struct sources *s, const struct addr *from, uint64_t salt)
{
    uint64_t hash = salt;
    for (size_t i = 0; i < sizeof from->ip; i++) {
        hash = rank_weight(hash, from->ip[i]);
    }
    return &s->slot[hash % SOURCES];
}
