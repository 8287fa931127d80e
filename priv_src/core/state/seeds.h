/* The seeds that a member was told of, and how far it has come with each. A seed is a door and no member: who
 * stands behind it may be another tomorrow. */
#ifndef GOSSIP_SEEDS_H
#define GOSSIP_SEEDS_H

#include "kit/intervals.h"
#include "seed.h"

struct door {
    struct seed seed;
    uint64_t boot; /* the member that was last known to be there; 0: nobody was */
    int64_t due;   /* when it is looked at next, and asked if nobody is known to be there */
    uint8_t asked; /* so often since it was there, or since the beginning; up to SEED_ASKED */
};

/* Zeroed memory is an empty set. All of it is bootstrap.c's. */
struct seeds {
    size_t count;
    struct door doors[SEEDS_MAX];
};

/* Replaces the set by the first SEEDS_MAX of these; what was in it stays as it stands, what is new is due
 * now. What is no endpoint, or said twice, is left out. */
void seeds_replace(struct seeds *s, const struct seed *seeds, size_t count, int64_t now);

/* As if all were new. */
void seeds_begin(struct seeds *s, int64_t now);

/* The one that is due first; NULL when there are none. */
struct door *seeds_first(struct seeds *s);

/* Whether this address is one of the seed's. */
bool seed_has(const struct seed *seed, const struct addr *a);

/* Whether it is one of any. */
bool seeds_have(const struct seeds *s, const struct addr *a);

#endif
