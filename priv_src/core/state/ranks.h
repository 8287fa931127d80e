/* Who is to act, and who may help. */
#ifndef GOSSIP_RANKS_H
#define GOSSIP_RANKS_H

#include "state/state.h"

/* This member's rank among the live with regard to `subject`, for the young the unproven included, and how
 * many they are; counting ends as soon as the rank is known to be `enough` or worse. */
size_t rank_among_live(const struct gossip *g, uint64_t subject, size_t enough, size_t *live);

/* The same among those of them who were heard lately: the others cannot answer. Members may disagree about
 * one or two, so this is for what may be done once too often. */
size_t rank_among_heard(const struct gossip *g, uint64_t subject, size_t *live);

/* The same among those who were listed before the subject was heard first, or before it was buried: when two
 * halves of a group meet, those of the other half know it already. */
size_t rank_among_old(const struct gossip *g, uint64_t subject, size_t *live);

/* Whether this member is one of the three who watch `p`: by rank, among those heard lately. */
bool rank_watches(const struct gossip *g, const struct peer *p);

/* Up to `max` peers heard most recently in person, other than `p`. Returns how many. */
size_t rank_helpers(const struct gossip *g, const struct peer *p, size_t max, struct peer **out);

#endif
