/* The only look inside the core that tests take: sizes of tables that its doors do not show. */
#ifndef TEST_SUPPORT_INSIDE_H
#define TEST_SUPPORT_INSIDE_H

#include "gossip.h"

/* Members in the roster, whatever their state. */
size_t inside_members(const struct gossip *g);

size_t inside_timers(const struct gossip *g);
size_t inside_timers_limit(const struct gossip *g);

/* Whether it would take a datagram that came so for a copy; and has it forget what it knows of that. */
bool inside_copy(const struct gossip *g, uint8_t path_kind, const uint8_t *datagram);
void inside_forget_copies(struct gossip *g);

/* When it heard this peer last in person, by its own time; INT64_MIN when it does not know it, or has not. */
int64_t inside_heard(const struct gossip *g, uint64_t boot);

/* Whether it announces itself (or says goodbye, still). */
bool inside_announced(const struct gossip *g);

#endif
