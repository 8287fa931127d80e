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

bool inside_copy(const struct gossip *g, uint8_t path_kind, const uint8_t *datagram)
{
    return copies_seen(&g->copies, copies_mark(g->nonce_key, path_kind, datagram + SEAL_PREFIX, SEAL_NONCE));
}

void inside_forget_copies(struct gossip *g)
{
    g->copies = (struct copies){0};
}

int64_t inside_heard(const struct gossip *g, uint64_t boot)
{
    const struct peer *p = roster_find(&g->roster, boot);
    return p != NULL && p->met ? p->direct : INT64_MIN;
}

bool inside_announced(const struct gossip *g)
{
    return g->announced;
}
