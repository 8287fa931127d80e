/* Those who do not hear each other by the group. */
#ifndef GOSSIP_FAR_H
#define GOSSIP_FAR_H

#include "state/state.h"

/* A member is about to be listed; `far`: it was met, or told of, without the group. */
void far_begin(struct gossip *g, struct peer *p, bool far);

/* A sign of life of a known member came so: it may be near, or far, from now on. */
void far_heard(struct gossip *g, struct peer *p, const struct wire_message *m, bool by_group);

/* To be called when anything has happened: who watches whom may have changed. */
void far_settle(struct gossip *g);

/* Some far peer is to be asked whether it lives. */
void far_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* Asks a far peer whether it lives, at one of its addresses: so it need not be asked again for a while. */
void far_probe(struct gossip *g, struct effects *fx, struct peer *p, size_t at);

/* Makes what is said to a far peer that knows this member short, and adds what is new. */
void far_shorten(const struct gossip *g, struct wire_message *m, const struct peer *p, const struct addr *to,
                 size_t most);

/* What the interval of a far peer is: how often it is asked, or what it promises if that is shorter. */
int64_t far_interval(const struct gossip *g, int64_t promised);

#endif
