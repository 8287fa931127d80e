/* What a datagram says, by who sent it. */
#ifndef GOSSIP_RECEIVE_H
#define GOSSIP_RECEIVE_H

#include "state/state.h"

/* An opened and decoded datagram of another, with its sequence number: believed as far as its sender has
 * proven itself. */
void receive_message(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                     const struct path *from);

#endif
