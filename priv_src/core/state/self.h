/* What every other file needs of this member: chance, its interval, its timers. */
#ifndef GOSSIP_SELF_H
#define GOSSIP_SELF_H

#include "state/state.h"

uint32_t random_u32(struct gossip *g);
uint64_t random_u64(struct gossip *g);

/* A random time from `least` to `most`. */
int64_t random_between(struct gossip *g, int64_t least, int64_t most);

/* T for the group as it is now, microseconds. */
int64_t current_interval(const struct gossip *g);

/* What of it is for the size of the group alone. */
int64_t group_interval(const struct gossip *g);

/* Fires `kind` about `boot` after `delay`. False, and counted, when it finds no room: it will never fire. */
bool try_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step);

/* The same for the kept kinds, and for what may be lost, as any datagram may; returns when it fires. */
int64_t set_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step);

#endif
