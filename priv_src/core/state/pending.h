/* Those who are heard but have not proven themselves: a small table of fixed size, since any holder of a
 * recording can fill it. A pointer is valid until the next pending_note, pending_expire or pending_drop. */
#ifndef GOSSIP_PENDING_H
#define GOSSIP_PENDING_H

#include "addr.h"
#include "kit/index.h"
#include "kit/intervals.h"

/* All of it is join.c's; members.c reads two of the flags. */
struct pending {
    uint64_t boot;
    uint64_t nonce; /* its latest, to be echoed */
    uint64_t top;   /* highest sequence heard */
    int64_t heard;
    int64_t retry;  /* when the next try is due; what another timer says is stale */
    uint8_t tries;  /* left */
    uint8_t rounds; /* of tries that brought nothing */
    bool asked;     /* in this round */
    bool deferred;  /* a page may name it first */
    bool late;      /* it was asked though that was not our turn: those whose turn it was did not vouch */
    bool hello;     /* it was heard by its own heartbeat: others hear it too, and may want a vouch */
    struct addr from;
};

struct pendings {
    struct index by_boot;
    size_t count;
    struct pending slots[PENDING_MAX];
};

/* An empty table. `salt` is random, so that nobody can choose boot ids that collide. */
void pending_init(struct pendings *t, uint64_t salt);
void pending_free(struct pendings *t);

/* The unproven member of this boot id; NULL if unknown. */
struct pending *pending_find(struct pendings *t, uint64_t boot);

/* The same, made if need be; the one not heard for longest gives way. NULL when memory is short. */
struct pending *pending_note(struct pendings *t, uint64_t boot);

/* Forgets those not heard since `before`. */
void pending_expire(struct pendings *t, int64_t before);

/* Forgets it; NULL is allowed. Pointers to other pending entries become invalid. */
void pending_drop(struct pendings *t, struct pending *p);

#endif
