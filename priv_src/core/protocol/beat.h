/* Heartbeats: when, and as what. */
#ifndef GOSSIP_BEAT_H
#define GOSSIP_BEAT_H

#include "state/state.h"

/* A life begins: the first beat, with question 0, at once. */
void beat_start(struct gossip *g);

/* It may be a newcomer to others now: it asks anew, at once, or a second later if it was so often enough. */
void beat_again(struct gossip *g);

/* Beats now, out of turn. */
void beat_now(struct gossip *g, struct effects *fx);

/* One beat more, at once, if there were few of late; the next one comes when it would have come. */
void beat_extra(struct gossip *g, struct effects *fx);

/* The next beat comes in `wait` at the latest. */
void beat_within(struct gossip *g, int64_t wait);

/* The next beat may be due. */
void beat_timer(struct gossip *g, struct effects *fx, const struct timer *t);

#endif
