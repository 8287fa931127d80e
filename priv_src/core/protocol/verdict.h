/* Suspect, dead, left: said, believed, refuted. */
#ifndef GOSSIP_VERDICT_H
#define GOSSIP_VERDICT_H

#include "state/state.h"

void verdict_suspect(struct gossip *g, struct effects *fx, struct peer *p);

/* Buries it and says so. The pointer is not to be used after. */
void verdict_dead(struct gossip *g, struct effects *fx, struct peer *p);
void verdict_dead_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* It has said goodbye: some repeat that. */
void verdict_left(struct gossip *g, struct effects *fx, const struct peer *p, uint8_t reason);

/* Takes in what a message says of others, and of this member itself. `trusted`: the sender is a peer;
 * `by_group`: it says it to all. */
void verdict_receive(struct gossip *g, struct effects *fx, const struct wire_message *m, bool trusted,
                     bool by_group);

/* Something untrue was said of this member, with that incarnation: it says so itself, with a higher one. */
void verdict_refute(struct gossip *g, struct effects *fx, uint32_t incarnation);

/* Whether the accused was heard since; else it is asked again, or has had its time. */
void verdict_farewell_timer(struct gossip *g, struct effects *fx, const struct timer *t);

#endif
