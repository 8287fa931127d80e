#include "inside.h"

#include "state.h"

size_t inside_members(const struct gossip *g)
{
    size_t n = 0;
    for (const struct peer *p = roster_first(&g->roster); p != NULL; p = roster_next(p)) {
        n++;
    }
    return n;
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
