/* Seeds are asked. */
#ifndef GOSSIP_BOOTSTRAP_H
#define GOSSIP_BOOTSTRAP_H

#include "state/state.h"

/* These are the seeds from now on. */
void bootstrap_seeds(struct gossip *g, const struct seed *seeds, size_t count);

/* A life begins, or this member may be a newcomer to others now: all are asked anew, `delay` from now. */
void bootstrap_start(struct gossip *g, int64_t delay);

/* The first of them is due. */
void bootstrap_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* To be called when anything has happened: somebody may have been lost. */
void bootstrap_settle(struct gossip *g);

#endif
