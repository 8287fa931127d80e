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
static int64_t interval_of(const struct gossip *g, int64_t shortest)
{
    size_t tags = g->tags.len > 0 ? WIRE_FIELD_HEADER + 4u + g->tags.len : 0;
    return interval_longer(shortest, g->roster.met + 1, tags);
}

int64_t current_interval(const struct gossip *g)
{
    return interval_of(g, g->options.interval_ms * MS_US);
}

int64_t group_interval(const struct gossip *g)
{
    return interval_of(g, 0);
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
