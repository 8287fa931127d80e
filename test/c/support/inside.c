#include "inside.h"

#include "state/state.h"

size_t inside_members(const struct gossip *g)
{
    return g->roster.by_boot.count;
}

size_t inside_timers(const struct gossip *g)
{
    return g->timers.count;
}

size_t inside_timers_limit(const struct gossip *g)
{
    return g->timers.limit;
}

bool inside_announced(const struct gossip *g)
{
    return g->announced;
}
