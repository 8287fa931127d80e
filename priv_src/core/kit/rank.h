/* Rendezvous hashing (Thaler and Ravishankar, 1998): every member orders all members with regard to one of
 * them, and all agree without a word, as far as they know the same members. */
#ifndef GOSSIP_RANK_H
#define GOSSIP_RANK_H

#include <stdint.h>

/* The weight of `member` with regard to `subject`; the member with the highest weight has rank 0. */
uint64_t rank_weight(uint64_t member, uint64_t subject);

#endif
