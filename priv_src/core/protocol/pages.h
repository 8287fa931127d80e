/* The roster, pulled page by page. */
#ifndef GOSSIP_PAGES_H
#define GOSSIP_PAGES_H

#include "state/state.h"

/* Whether a roster is still to be asked for: of the first who answers. */
bool pages_wanted(const struct gossip *g);

/* It is, where it is: with so many bytes at most, repetitions among them, that come quickly; with more a
 * little later. The request echoes, too. */
void pages_begin(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct addr *to,
                 size_t most);

/* Another has answered while it is on its way: it is asked first where the one who is asked now does not
 * answer, with so many bytes at most. */
void pages_instead(struct gossip *g, const struct wire_message *m, size_t most);

/* This one has just been answered, and so knows where this member is: if it is the one who is asked, and did
 * not before, it is asked again at once. */
void pages_known(struct gossip *g, const struct peer *p);

/* This one has the same roster now: if it is pulled once more, there is nothing left to learn. */
void pages_same(struct gossip *g, const struct peer *p);

/* Asks this peer for the whole roster once more; false when a roster is on its way already. To `catch_up`
 * with what happened while nobody could be heard. */
bool pages_from(struct gossip *g, struct effects *fx, const struct peer *p, bool catch_up);

/* Asks it for one page alone, which begins with the member of this boot id; false as above. */
bool pages_find(struct gossip *g, struct effects *fx, const struct peer *p, uint64_t boot);

/* Whether no page comes, whoever is asked: some firewall may pass no unicast. */
bool pages_blocked(const struct gossip *g);

/* Whether the roster is on its way: strangers may be in it. */
bool pages_coming(const struct gossip *g);
void pages_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* A request, which is served, or a page: true when that answers our request, and its entries count. */
bool pages_receive(struct gossip *g, struct effects *fx, const struct peer *p, const struct wire_message *m,
                   const struct path *from);

#endif
