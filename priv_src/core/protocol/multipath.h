/* Where a peer is, and which of its addresses is used first. */
#ifndef GOSSIP_MULTIPATH_H
#define GOSSIP_MULTIPATH_H

#include "addr.h"
#include "message/wire.h"
#include "state/state.h"

/* A fresh message of a peer came from `from`. True when its set of addresses, or their first, is another now;
 * the caller tells. Only for an address in the set, or one that the message claims. */
bool multipath_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                     const struct addr *from);

/* A peer has answered what was sent to `where`; the same. */
bool multipath_answered(struct gossip *g, struct peer *p, const struct wire_message *m,
                        const struct addr *where);

/* The first address of a peer, which was asked, has had its time to answer. */
void multipath_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* What a peer has just said to the group came again, over another link: nothing of it was opened. */
void multipath_copy(const struct gossip *g, struct peer *p, const struct path *from);

/* A copy came from where the peer says, in this newer message, that it is. True when it was not known there.
 */
bool multipath_claimed(const struct gossip *g, struct peer *p, const struct wire_message *m);

#endif
