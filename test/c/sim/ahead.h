/* Has what the next deliveries need brought into the processor's cache, many at a time. A thousand members
 * with a thousand peers each do not fit into it, and nearly all of a large simulation's time went into
 * waiting for memory, one datagram after the other. Nothing but the time depends on it. */
#ifndef SIM_AHEAD_H
#define SIM_AHEAD_H

#include "cluster.h"

#define AHEAD 16 /* deliveries looked at in one go; as many may be taken before the next look */

void ahead_look(const struct cluster *c);

#endif
