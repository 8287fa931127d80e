/* Who is known: a bounded table of proven members by boot id and by name, with those lately gone as
 * tombstones; and a small table of fixed size for those who are heard but have not proven themselves. The
 * roster owns what it returns; a pointer is valid until the member is removed. */
#ifndef GOSSIP_ROSTER_H
#define GOSSIP_ROSTER_H

#include "effect.h"
#include "kit/index.h"
#include "kit/intervals.h"
#include "kit/window.h"

enum peer_state {
    PEER_LISTED = 1, /* the owner knows it */
    PEER_RIVAL,      /* known, but its name belongs to another that may live */
    PEER_GONE,       /* a tombstone */
};

#define CACHE_LINE 64 /* bytes; of most processors, and nothing but time depends on it */

/* Aligned to cache lines. What every datagram of a peer reads or writes stands together in two of them, from
 * the end of its identity to its first address. */
struct peer {
    struct identity id;
    uint8_t state;  /* enum peer_state */
    uint8_t cookie; /* enum cookie_match */
    uint8_t reason; /* enum down_reason; of the gone */
    uint8_t miss;   /* multiplier it promised */
    uint8_t addr_count;
    bool stalled;   /* its BEAM has not pulsed for long */
    bool suspect;   /* somebody suspects it */
    bool contested; /* another claims its name; it has not shown life since */
    bool probing;   /* this member probes it, for it is silent */
    bool told;      /* its conflict was told */
    uint8_t probe_step;
    uint32_t index;   /* in the dense list, while listed */
    int64_t interval; /* it promised, microseconds */
    int64_t heard;    /* last sign of life: a fresh datagram, or a relay's word */
    int64_t alarm;    /* when its silence, or its tombstone, is looked at; what another timer says is stale */
    int64_t direct;   /* last fresh datagram; others may have heard it since */
    struct window window;
    int64_t accused; /* when this member accused it; 0: it did not */
    struct addr addrs[PEER_ADDRS];
    int64_t probe_at; /* when the next probe is due; likewise */
    int64_t probe_began;
    int64_t relay_acked; /* when a relay last answered for itself while this peer was probed; 0: none has */
    int64_t contest_at;
    int64_t path_tried;                 /* when an address it was not known at was last tried */
    struct peer *name_prev, *name_next; /* others of the same name */
};

/* Heard, not proven. */
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

/* The listed, side by side: ranks run over all of them, often. */
struct listed {
    uint64_t boot;
    struct peer *peer;
};

struct roster {
    struct listed *list; /* `listed` of them; room for all that the table holds */
    size_t list_size;
    int64_t *looks; /* side by side, too: the peer at the same place need not be looked at before */
    struct index by_boot, pending_by_boot;
    struct index by_name; /* the first of each name, by the name's hash */
    size_t limit;         /* listed and rivals */
    size_t listed;        /* state PEER_LISTED */
    size_t gone;          /* tombstones; at most as many as `limit` */
    size_t pending_count;
    struct pending pending[PENDING_MAX];
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

/* Changes a member's state, and the counts with it. */
void roster_state(struct roster *r, struct peer *p, uint8_t state);

/* Forgets a member and frees it. */
void roster_remove(struct roster *r, struct peer *p);

/* Puts an address first in the peer's set; returns true when the set changed by more than its order. */
bool peer_address(struct peer *p, const struct addr *a);

/* Whether this address is in the peer's set. */
bool peer_has_address(const struct peer *p, const struct addr *a);

/* The unproven member of this boot id; NULL if unknown. */
struct pending *pending_find(struct roster *r, uint64_t boot);

/* The same, made if need be; the one not heard for longest gives way. NULL when memory is short. */
struct pending *pending_note(struct roster *r, uint64_t boot);

/* Forgets those not heard since `before`. */
void pending_expire(struct roster *r, int64_t before);

/* Forgets it; NULL is allowed. Pointers to other pending entries become invalid. */
void pending_drop(struct roster *r, struct pending *p);

#endif
