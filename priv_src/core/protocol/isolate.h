/* Is it me? The view of a member that hears nobody. */
#ifndef GOSSIP_ISOLATE_H
#define GOSSIP_ISOLATE_H

#include "state/state.h"

void isolate_enter(struct gossip *g, struct effects *fx);

/* Somebody was heard now. */
void isolate_heard(struct gossip *g, struct effects *fx);

/* It was stopped, and goes on now. */
void isolate_stopped(struct gossip *g, int64_t time);

/* There is nobody to hear any more: this life is over. */
void isolate_end(struct gossip *g, struct effects *fx);

#endif
