/* Who is known: a bounded table of proven members by boot id and by name, with those lately gone as
 * tombstones. The roster owns what it returns; a pointer is valid until the member is removed. */
#ifndef GOSSIP_ROSTER_H
#define GOSSIP_ROSTER_H

#include "kit/index.h"
#include "state/peer.h"

/* The listed, side by side: ranks run over all of them, often. */
struct listed {
    uint64_t boot;
    struct peer *peer;
};

struct roster {
    struct listed *list; /* `listed` of them; room for all that the table holds */
    size_t list_size;
    int64_t *looks; /* side by side, too: the peer at the same place need not be looked at before */
    struct index by_boot;
    struct index by_name; /* the first of each name, by the name's hash */
    size_t limit;         /* listed and rivals */
    size_t listed;        /* state PEER_LISTED */
    size_t gone;          /* tombstones; at most as many as `limit` */
    size_t met;           /* of the listed and the gone, those heard in person */
    size_t far; /* of the listed, those that do not hear this member by the group, or are not heard so */
    uint64_t version; /* another, whenever somebody else is listed, or far */
    uint64_t digest;  /* of the listed: their digests, exclusive-or */
};

/* An empty roster for at most `limit` listed and rivals. `salt` is random, so that nobody can choose names or
 * boot ids that collide. */
void roster_init(struct roster *r, size_t limit, uint64_t salt);
void roster_free(struct roster *r);

/* By boot id, whatever its state; NULL if unknown. */
struct peer *roster_find(const struct roster *r, uint64_t boot);

/* The one in `state` that has the name of `p`, which may be `p` itself; NULL if there is none. All of one
 * name stand in a chain, so nothing is looked up. */
struct peer *roster_namesake(struct peer *p, uint8_t state);

/* Whether one more may be listed or claim a name. */
bool roster_room(const struct roster *r);

/* Adds a member in the given state; NULL when the table is full or memory is short (or, once in 2^64 pairs of
 * names, when two have one hash). */
struct peer *roster_add(struct roster *r, const struct identity *id, uint8_t state);

/* Keeps these tags of a member; they take memory from the first time on, as long as the member is there.
 * False when memory is short. */
bool roster_tags(struct peer *p, const struct tags *tags);

/* Changes a member's state, and the counts with it. */
void roster_state(struct roster *r, struct peer *p, uint8_t state);

/* Forgets a member and frees it. */
void roster_remove(struct roster *r, struct peer *p);

/* Raises the incarnation of a member to this, if it is higher. */
void roster_incarnation(struct roster *r, struct peer *p, uint32_t incarnation);

/* Whether it is far, and does not hear this member by the group. */
void roster_far(struct roster *r, struct peer *p, bool far, bool unheard);

/* It is heard in person. */
void roster_met(struct roster *r, struct peer *p);

/* What a member of this boot id and incarnation adds to a digest. */
uint64_t roster_digest(uint64_t boot, uint32_t incarnation);

#endif
