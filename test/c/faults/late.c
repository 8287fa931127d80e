/* A core that takes nothing for late, however old: the simulator must see it (GossipSim.cmake). */
#include "kit/freshness.h"

bool __wrap_freshness_check(struct freshness *f, uint64_t sent_at, int64_t now, int64_t allowed);

bool __wrap_freshness_check(struct freshness *f, uint64_t sent_at, int64_t now, int64_t allowed)
{
    (void)allowed;
    freshness_measure(f, sent_at, now);
    return true;
}
