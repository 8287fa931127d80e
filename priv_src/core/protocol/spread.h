/* What this member says to all. */
#ifndef GOSSIP_SPREAD_H
#define GOSSIP_SPREAD_H

#include "state/state.h"

/* Says it to the group, and to the far with whom this member is linked. What it says of others goes by
 * flood.c. */
void message_spread(struct gossip *g, struct effects *fx, struct wire_message *m);

#endif
