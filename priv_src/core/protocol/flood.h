/* News, passed on to those who do not hear the group. */
#ifndef GOSSIP_FLOOD_H
#define GOSSIP_FLOOD_H

#include "state/state.h"

/* A peer has come, or has refuted what was said of it; `giver` has told so (0: this member has found it out),
 * and `by_group` the group has heard it. Whoever calls this has not known it before. */
void flood_entry(struct gossip *g, const struct peer *p, uint64_t giver, bool by_group);

/* The same for a verdict that is new. */
void flood_verdict(struct gossip *g, const struct wire_verdict *v, uint64_t giver, bool by_group);

/* What was gathered is said. */
void flood_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* Puts what is young into a message to this far peer, which is to be of so many bytes at most. */
void flood_ride(const struct gossip *g, struct wire_message *m, uint64_t to, size_t most);

#endif
