/* What a datagram passes before it is believed. */
#ifndef GOSSIP_RECEIVE_H
#define GOSSIP_RECEIVE_H

#include "state/state.h"

/* Takes in a message that was opened and decoded, and is not this member's own. False when it is not for this
 * member as it came: its true copy may still come by another way. */
bool receive_message(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                     const struct path *from);

#endif
