/* Verdicts that the next beats carry along. */
#ifndef GOSSIP_TALES_H
#define GOSSIP_TALES_H

#include "state/state.h"

/* The next beats carry this verdict; when there are more than they hold, the oldest gives way. */
void tales_add(struct gossip *g, uint8_t verdict, uint64_t boot, uint32_t incarnation);

/* Puts what is to be carried along into a beat. */
void tales_carry(struct gossip *g, struct wire_message *m);

#endif
