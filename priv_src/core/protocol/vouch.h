/* Who has proven a member spares the others. */
#ifndef GOSSIP_VOUCH_H
#define GOSSIP_VOUCH_H

#include "state/state.h"

/* Vouches twice, if it is our turn, or if nobody else will (`late`); a little later if it is about to refute
 * its own death, with the incarnation which that brings. */
void vouch_for(struct gossip *g, struct effects *fx, const struct peer *p, bool late, bool refuting);
void vouch_timer(struct gossip *g, struct effects *fx, const struct timer *t);

#endif
