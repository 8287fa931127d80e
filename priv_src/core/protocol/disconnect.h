/* A connection that was ended on purpose. */
#ifndef GOSSIP_DISCONNECT_H
#define GOSSIP_DISCONNECT_H

#include "state/state.h"

/* This node has just ended the Erlang connection to the listed peer of this boot id: tells it, until it
 * acknowledges. Of one that is not listed nothing is said. */
void disconnect_say(struct gossip *g, struct effects *fx, uint64_t boot);
void disconnect_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* A fresh DISCONNECT of a known member: the owner is told, once. False when it is not to be acknowledged. */
bool disconnect_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m);

/* A fresh ACK of a known member: may be the answer to what was said to it. */
void disconnect_acked(struct peer *p, const struct wire_message *m);

#endif
