/* Silence, and what is done about it. */
#ifndef GOSSIP_WATCH_H
#define GOSSIP_WATCH_H

#include "state/state.h"

void watch_timer(struct gossip *g, const struct timer *t);
void watch_probe_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* `missed_at` is due. */
void watch_missed_timer(struct gossip *g, struct effects *fx);

#endif
