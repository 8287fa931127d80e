/* This member comes and goes. */
#ifndef GOSSIP_ANNOUNCE_H
#define GOSSIP_ANNOUNCE_H

#include "state/state.h"

/* A boot id and an empty roster. */
void announce_init(struct gossip *g);

/* Distribution runs, or something about this node has changed. A life under another name or creation begins
 * when the goodbyes of this one are said. */
void announce_alive(struct gossip *g, struct effects *fx, const struct command *c);

/* Says goodbye, several times, for `reason`; no other life follows. */
void announce_leave(struct gossip *g, struct effects *fx, uint8_t reason);
void announce_goodbye_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* Makes the cookie's fingerprints anew, after it or the keys have changed. */
void announce_fingerprints(struct gossip *g);

/* Whether this member may have sent what bears its boot id; of long ago it does not know, and says yes. */
bool announce_said(const struct gossip *g, uint64_t sequence, uint64_t chance);

/* Goes on under another boot id, without a goodbye: for somebody else has the old one. False: not just now,
 * but before the next beat for which the rate of that allows it. */
bool announce_again(struct gossip *g);

#endif
