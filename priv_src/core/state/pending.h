/* Those who are heard but have not proven themselves: a small table of fixed size, since any holder of a
 * recording can fill it. They stand in a chain, in the order in which they were heard last, for who has many
 * recordings has one give way for each. A pointer is valid until the next pending_note, pending_expire or
 * pending_drop. */
#ifndef GOSSIP_PENDING_H
#define GOSSIP_PENDING_H

#include "addr.h"
#include "kit/index.h"
#include "kit/intervals.h"

/* All of it is join.c's; members.c reads a flag. */
struct pending {
    uint64_t boot;
    uint64_t nonce;       /* its latest, to be echoed */
    uint64_t top;         /* highest sequence heard */
    int64_t heard;        /* pending_heard */
    int64_t first;        /* when it was heard first */
    int64_t wait;         /* until then a vouch is waited for */
    uint32_t incarnation; /* as it said last */
    bool asked;           /* since it was heard last */
    uint8_t vain;         /* questions that it has not answered; at most 255 */
    bool mine;            /* it was asked for all, since it was our turn: others wait for our word */
    bool knocked;         /* heard last by unicast, as a seed is asked: no group leads here from it */
    bool far;             /* heard last from a source off the link: it is answered by the group alone */
    bool claimed;         /* it has said itself, under the seal, that this is an address of its own: */
    struct addr from;     /* where it was heard last */

    /* pending.c: the slots of those who were heard before and after it; PENDING_MAX: none */
    uint16_t earlier, later;
};

struct pendings {
    struct index by_boot;
    size_t count;
    uint16_t oldest, newest;
    struct pending slots[PENDING_MAX];
};

/* An empty table. `salt` is random, so that nobody can choose boot ids that collide. */
void pending_init(struct pendings *t, uint64_t salt);
void pending_free(struct pendings *t);

/* The unproven member of this boot id; NULL if unknown. */
struct pending *pending_find(const struct pendings *t, uint64_t boot);

/* The same, made if need be; the one not heard for longest gives way. NULL when memory is short. */
struct pending *pending_note(struct pendings *t, uint64_t boot);

/* It is heard now, later than all others. */
void pending_heard(struct pendings *t, struct pending *p, int64_t now);

/* Forgets those not heard since `before`. */
void pending_expire(struct pendings *t, int64_t before);

/* Forgets it; NULL is allowed. Pointers to other pending entries become invalid. */
void pending_drop(struct pendings *t, struct pending *p);

#endif
