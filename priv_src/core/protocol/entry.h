/* What this member tells others of a peer. */
#ifndef GOSSIP_ENTRY_H
#define GOSSIP_ENTRY_H

#include "state/state.h"

/* Makes an entry of it. */
void entry_about(const struct gossip *g, const struct peer *p, struct wire_entry *e);

#endif
