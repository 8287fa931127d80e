/* What others know and this member does not. */
#ifndef GOSSIP_MEND_H
#define GOSSIP_MEND_H

#include "state/state.h"

/* A fresh datagram of the listed peer `p` says what it knows. */
void mend_look(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m);

#endif
