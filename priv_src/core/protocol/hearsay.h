/* What others say of a member. */
#ifndef GOSSIP_HEARSAY_H
#define GOSSIP_HEARSAY_H

#include "state/state.h"

/* The peer `by`, which was heard over `from`, vouches for it. Whether that is new. */
bool hearsay_entry(struct gossip *g, struct effects *fx, const struct wire_entry *e, const struct path *from,
                   uint64_t by);

/* The member `by` says that it lives: no suspicion holds. */
void hearsay_alive(struct gossip *g, struct effects *fx, struct peer *p, uint64_t by);

/* The relay `by` says that it heard it at that time, less than 1.25 T ago: its silence began no earlier. */
void hearsay_heard(struct gossip *g, struct effects *fx, struct peer *p, int64_t when, uint64_t by);

#endif
