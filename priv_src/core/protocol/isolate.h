/* Is it me? The view of a member that hears nobody. */
#ifndef GOSSIP_ISOLATE_H
#define GOSSIP_ISOLATE_H

#include "state/state.h"

void isolate_enter(struct gossip *g, struct effects *fx);
void isolate_leave(struct gossip *g, struct effects *fx);

/* There is nobody to hear any more: this life is over. */
void isolate_end(struct gossip *g, struct effects *fx);

#endif
