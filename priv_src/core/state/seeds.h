/* The seeds that a member was told of, and how far it has come with each. A seed is a door and no member: who
 * stands behind it may be another tomorrow. Doors, too, are the addresses of far peers that fell silent. */
#ifndef GOSSIP_SEEDS_H
#define GOSSIP_SEEDS_H

#include "kit/intervals.h"
#include "seed.h"

struct door {
    struct seed seed;
    uint64_t boot; /* the member that was last known to be there; 0: nobody was */
    int64_t due;   /* when it is looked at next, and asked if nobody is known to be there */
    uint8_t asked; /* so often since it was there, or since the beginning; up to SEED_ASKED */
    uint64_t lost; /* whose address it was, until silence took him; 0: it is a seed */
    int64_t until; /* he is sought so long */
};

/* Zeroed memory is an empty set. All of it is bootstrap.c's. */
struct seeds {
    size_t count, lost_count;
    bool more; /* somebody was lost since bootstrap.c looked */
    struct door doors[SEEDS_MAX];
    struct door lost[LOST_MAX];
};

/* Replaces the set by the first SEEDS_MAX of these; what was in it stays as it stands, what is new is due
 * now. What is no endpoint, or said twice, is left out. */
void seeds_replace(struct seeds *s, const struct seed *seeds, size_t count, int64_t now);

/* As if all were new; who was lost is sought as at first. */
void seeds_begin(struct seeds *s, int64_t now);

/* A far peer fell silent: its address is a door from `due` on. Where there is no room, one of them gives way:
 * `random` says which. */
void seeds_lost(struct seeds *s, uint64_t boot, const struct addr *a, int64_t now, int64_t due,
                uint32_t random);

/* One that was lost is sought no more. */
void seeds_drop(struct seeds *s, struct door *d);

/* The one of all doors that is due first; NULL when there are none. */
struct door *seeds_first(struct seeds *s);

/* Whether this address is one of the seed's. */
bool seed_has(const struct seed *seed, const struct addr *a);

/* Whether it is one of any, or of one that was lost. */
bool seeds_have(const struct seeds *s, const struct addr *a);

#endif
