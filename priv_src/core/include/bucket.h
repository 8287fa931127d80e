/* Token buckets: so many at once, so many a second. Zeroed memory is a full bucket. */
#ifndef GOSSIP_BUCKET_H
#define GOSSIP_BUCKET_H

#include "addr.h"

struct bucket {
    int64_t full_at; /* when it will be full again; in the past: full */
};

/* Takes one token of a bucket that holds `burst` and gains `rate` a second; false when there is none. */
bool bucket_take(struct bucket *b, int64_t now, uint32_t burst, uint32_t rate);

/* The same with the time between two tokens, in microseconds; and when the next one is there, or was. */
bool bucket_take_each(struct bucket *b, int64_t now, uint32_t burst, int64_t period);
int64_t bucket_next(const struct bucket *b, uint32_t burst, int64_t period);

#define SOURCES 64

/* A bucket for each source address, in a table of fixed size: sources that share a slot share its tokens. */
struct sources {
    struct bucket slot[SOURCES];
};

/* The bucket of this address (its port does not count). `salt` is this member's own, so that nobody can aim
 * at a slot. */
struct bucket *sources_bucket(struct sources *s, const struct addr *from, uint64_t salt);

#endif
