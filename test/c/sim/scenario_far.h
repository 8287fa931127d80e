/* What the scenarios without multicast have in common. */
#ifndef SIM_SCENARIO_FAR_H
#define SIM_SCENARIO_FAR_H

#include "scenario.h"

/* Every member on an island of its own: no multicast leads anywhere. */
void far_part_all(struct cluster *c);

/* A member that knows the first. */
void far_start(struct cluster *c, uint32_t node, uint32_t creation);

/* The first `count` at once; until their beats and questions are well spread. */
void far_settle_all(struct cluster *c, uint32_t count);

/* One more, and when it knows all and is known to all. */
void far_joins(struct cluster *c, uint32_t node);

#endif
