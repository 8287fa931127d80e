/* The watch graph: each member is watched by three and watches some three, by rank over the whole roster. */
#ifndef GOSSIP_GRAPH_H
#define GOSSIP_GRAPH_H

#include "state/state.h"

/* Reckons anew whom this member watches, and who watches it, where the roster has changed. */
void graph_look(struct gossip *g);

/* The far among both; at most GRAPH_LINKS. Returns how many. */
size_t graph_links(const struct gossip *g, struct peer *out[static GRAPH_LINKS]);

#endif
