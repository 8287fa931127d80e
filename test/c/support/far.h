/* Members that do not hear each other by the group, and what becomes of them. */
#ifndef TEST_SUPPORT_FAR_H
#define TEST_SUPPORT_FAR_H

#include "net.h"

/* So many more members, "a@host", "b@host", ..., that know the first as their seed. */
void far_add(struct net *net, size_t n);

/* So many that know one seed, without multicast: they list one another, and have settled. Of a network, or of
 * the test's. */
void far_part(struct net *net, size_t n);
struct net *far_apart(void **state, size_t n);

/* Who holds the key, and has come to node i by the question to a seed; the number is its boot id, from 1
 * to 9. */
struct forged far_insider(struct net *net, size_t i, uint8_t number);

/* How many nodes were told last of a peer that went down for this reason. */
size_t far_downs(struct net *net, uint8_t reason);

/* Whether node i is one of the three that are to watch the other. */
bool far_watches(const struct net *net, size_t i, size_t subject);

/* A filter: no multicast, and no news comes to FAR_UNTOLD, alone or with anything else, but for pages. */
#define FAR_UNTOLD 2
net_drop far_drop_news;

/* Everything that may change about FAR_CHANGED does, one after the other. Each change is told to the owners
 * of all within so long, though it was said to a few; and once. */
#define FAR_CHANGED 5
void far_changes_reach_all(struct net *net, int64_t within);

#endif
