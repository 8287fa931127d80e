/* What every other file needs of this member: chance, its interval, its timers. */
#include "state/self.h"

uint32_t random_u32(struct gossip *g)
{
    uint32_t v;
    g->options.random(g->options.random_context, &v, sizeof v);
    return v;
}

uint64_t random_u64(struct gossip *g)
{
    uint64_t v;
    g->options.random(g->options.random_context, &v, sizeof v);
    return v;
}

int64_t random_between(struct gossip *g, int64_t least, int64_t most)
{
    return least + (int64_t)(random_u64(g) % (uint64_t)(most - least + 1));
}

/* Who was only heard of does not count: anybody could invent members, and so make all beat ever more rarely.
 * The departed count for a while: when a partition heals, they all come back at once. */
int64_t current_interval(const struct gossip *g)
{
    return interval_for(g->options.interval_ms * MS_US, g->roster.met + 1);
}

bool try_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step)
{
    bool set = timers_add(&g->timers, g->now + delay, kind, boot, step);
    g->stats.timers_refused += !set;
    return set;
}

int64_t set_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step)
{
    (void)try_timer(g, delay, kind, boot, step);
    return g->now + delay;
}
