/* Who is to act, and who may help. */
#ifndef GOSSIP_RANKS_H
#define GOSSIP_RANKS_H

#include "state/state.h"

/* This member's rank among the live with regard to `subject`, for the young the unproven included, and how
 * many they are; counting ends as soon as the rank is known to be `enough` or worse. */
size_t rank_among_live(const struct gossip *g, uint64_t subject, size_t enough, size_t *live);

/* Whether this member is one of the first `width` who are to answer `subject` in this turn. Each turn has an
 * order of its own, of which a member more or less changes one place: those who do not know quite the same
 * members disagree about few. Counted are those who were heard lately: the others cannot answer. */
bool rank_in_turn(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width);

/* The same among those who were listed before the subject was heard first, or before it was buried: when two
 * halves of a group meet, those of the other half know it already. */
bool rank_in_turn_of_old(const struct gossip *g, uint64_t subject, uint64_t turn, size_t width);

/* Whether this member is one of the three who watch `p`: by rank, among those heard lately. */
bool rank_watches(const struct gossip *g, const struct peer *p);

/* Up to `max` peers heard most recently in person, other than `p`. Returns how many. */
size_t rank_helpers(const struct gossip *g, const struct peer *p, size_t max, struct peer **out);

#endif
