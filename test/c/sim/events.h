/* What members are told, judged and counted. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include "cluster.h"

/* `node` was told `e`. */
void events_take(struct cluster *c, uint32_t node, const struct event *e);

#endif
