#include "kit/freshness.h"

/* Two clocks may run apart by this much: each by the 500 millionths that NTP allows itself at most. */
#define DRIFT_PART 1000

static int64_t difference(int64_t a, uint64_t b)
{
    return (int64_t)((uint64_t)a - b);
}

/* The least that is to be expected now. */
static int64_t expected(const struct freshness *f, int64_t now)
{
    int64_t age = now > f->at ? now - f->at : 0;
    return (int64_t)((uint64_t)f->least + (uint64_t)(age / DRIFT_PART));
}

void freshness_measure(struct freshness *f, uint64_t sent_at, int64_t now)
{
    *f = (struct freshness){.least = difference(now, sent_at), .at = now, .known = true};
}

bool freshness_check(struct freshness *f, uint64_t sent_at, int64_t now, int64_t allowed)
{
    int64_t least = expected(f, now), found = difference(now, sent_at);
    if (!f->known || found <= least) {
        freshness_measure(f, sent_at, now);
        return true;
    }
    return (uint64_t)found - (uint64_t)least <= (uint64_t)allowed;
}

uint64_t freshness_clock(const struct freshness *f, int64_t now)
{
    return f->known ? (uint64_t)now - (uint64_t)expected(f, now) : 0;
}
