/* Probes by way of others. */
#ifndef GOSSIP_RELAY_H
#define GOSSIP_RELAY_H

#include "state/state.h"

/* Asks two others to probe it; how many there were. */
size_t relay_ask(struct gossip *g, struct effects *fx, const struct peer *p);

/* A PROBE_FOR has come. True when it is obeyed; what this member says for itself asks back, if it is to. */
bool relay_request(struct gossip *g, struct effects *fx, const struct wire_message *m,
                   const struct path *from, bool ask);

/* A fresh answer of `p`: told to those for whom it was probed. */
void relay_answered(struct gossip *g, struct effects *fx, const struct peer *p);

/* A relay's ACK has come, which `answers` this member's question or does not: of its own, or on another's
 * behalf. */
void relay_ack(struct gossip *g, struct effects *fx, const struct wire_message *m, bool answers);

#endif
