/* When a peer is looked at, and the first step of a probe; what follows is watch.c's. */
#ifndef GOSSIP_ALARM_H
#define GOSSIP_ALARM_H

#include "state/state.h"

/* When this listed peer is to be looked at; `heard` only grows, so a time that was right once may come too
 * soon, but is never late. */
int64_t alarm_due(const struct peer *p);

/* A rival is to be looked at when it has been silent for as long as it promised to be at most. */
void alarm_rival(struct gossip *g, struct peer *p);

/* A rival, or a tombstone, is looked at then, or a little later. */
void alarm_sweep(struct gossip *g, struct peer *p, int64_t at);

/* Begins to watch a member, or begins anew. */
void alarm_start(struct gossip *g, struct peer *p);

/* It is to be looked at sooner than was planned: it promises a shorter interval now. */
void alarm_sooner(struct gossip *g, const struct peer *p);

/* The peer was heard: where it was the next to be looked at, and there are few, the look is put off. Nobody
 * is woken then to see that all is well; among many the next look is near anyway. */
void alarm_later(struct gossip *g, const struct peer *p);

/* Begins to probe a peer at once. */
void alarm_probe(struct gossip *g, struct peer *p);

/* The next probe of a watched peer comes after `delay`. With no room for its timer the peer is `missed`, and
 * all are gone through for it when it is due. */
void alarm_probe_in(struct gossip *g, struct peer *p, int64_t delay);

/* Some missed peer is due then. */
void alarm_missed(struct gossip *g, int64_t due);

#endif
