/* A member that has proven itself, or that a proven one vouches for: what it says of itself, where it is, and
 * how it stands. Its fields are grouped by the file that changes them. The roster owns it. */
#ifndef GOSSIP_PEER_H
#define GOSSIP_PEER_H

#include "bucket.h"
#include "identity.h"
#include "kit/freshness.h"
#include "kit/quality.h"
#include "kit/window.h"
#include "tags.h"

enum peer_state {
    PEER_LISTED = 1, /* the owner knows it */
    PEER_RIVAL,      /* known, but its name belongs to another that may live */
    PEER_GONE,       /* a tombstone */
};

/* How far this member's own doubt about a listed peer has gone. What others say of it is `suspect`. */
enum watch_state {
    WATCH_QUIET = 0,     /* it is heard, or others watch it */
    WATCH_PROBING,       /* it is silent: this member asks it, alone */
    WATCH_ASKING_RELAYS, /* it does not answer: others are asked to probe it, too, and what they say decides
                          */
    WATCH_BY_GROUP,   /* no relay acknowledges, though others are heard: the group is the only way to ask */
    WATCH_SUSPECTING, /* this member has accused it, and gives it time to refute that */
};

#define CACHE_LINE 64 /* bytes; of most processors, and nothing but time depends on it */

/* Aligned to cache lines. What every datagram of a peer reads or writes, and what a look at its silence
 * needs, stands in three of them, from its boot id to its first address: so the groups come in the order of
 * their use. */
struct peer {
    /* Set for life by roster_add; only incarnation, dist_port and flags follow what it says (members.c). */
    struct identity id;

    /* roster.c: when it is listed, buried, forgotten. */
    uint32_t index; /* in the dense list, while listed */
    bool met;       /* it was heard in person, not only of */
    uint8_t state;  /* enum peer_state */

    /* peer.c, with `addrs` below: when it is heard from an address that counts. */
    uint8_t addr_count;
    uint8_t hearsay; /* a bit for each address that only another has told of, */
    uint8_t reached; /* and for each where it has answered what was sent there */
    bool beside;     /* multipath.c: there is `other`, below */

    /* roster.c, as far.c says */
    bool far;     /* it is not heard by the group: it is watched by asking */
    bool unheard; /* it does not hear this member by the group, as it says */
    bool watched; /* graph.c: this member is one of the three who are to watch it, while it is far */

    /* alarm.c begins, watch.c and verdict.c go on, a sign of life ends it (members.c, isolate.c). */
    uint8_t watch;  /* enum watch_state */
    uint8_t probes; /* sent to it in this watch; at most 255 */
    int64_t
        alarm; /* listed: it is not looked at before; rival, gone: due time of its timer, others are stale */

    /* members.c, by what it says: at its newest datagram. */
    int64_t interval; /* it promised, microseconds */
    uint8_t miss;     /* multiplier it promised */
    uint8_t cookie;   /* enum cookie_match */
    bool stalled;     /* its BEAM has not pulsed for long */

    /* members.c, by what becomes of it: suspected (verdict.c, too), its name claimed, its conflict told,
     * buried. */
    bool suspect;   /* somebody suspects it */
    bool contested; /* another claims its name; it has not shown life since */
    bool told;      /* its conflict was told */
    uint8_t reason; /* enum down_reason; of the gone */
    bool hearsaid;  /* only others told of its goodbye */
    bool replaced;  /* another boot id of the same life has taken over; a rival since */

    /* members.c, by its signs of life; isolate.c forgives silence in which nobody could be heard. */
    int64_t heard;   /* the last: a fresh datagram, or a relay's word */
    int64_t direct;  /* last fresh datagram; others may have heard it since */
    int64_t grouped; /* far.c: last one by the group, or when it was listed as one that is near */

    /* receive.c: at each datagram. */
    struct window window;
    uint64_t newest; /* when its latest datagram was sent, by its own clock */
    struct freshness fresh;

    /* peer.c */
    struct addr addrs[PEER_ADDRS]; /* the one to use first */

    /* From here on nothing is touched while it beats. */
    int64_t probe_at;     /* alarm.c, watch.c: when the next probe is due; what another timer says is stale */
    int64_t probe_began;  /* alarm.c: when this watch began */
    int64_t relay_acked;  /* relay.c: when a relay last answered for itself in this watch; 0: none has */
    int64_t witnessed_at; /* relay.c: when one last said of itself that it does not hear it either, */
    bool witnessed;       /* and whether one has since the last probe; */
    uint8_t witnesses;    /* watch.c: the probes of this suspicion at which one did, up to WITNESSES */
    int64_t accused;      /* verdict.c: when this member accused it, while WATCH_SUSPECTING */
    uint64_t word;        /* hearsay.c: who said last that it lives, since it was heard itself; 0: nobody */
    uint64_t vouched;     /* hearsay.c: what its own clock showed when another told of it; 0: nobody did */
    int64_t suspected;    /* verdict.c: since when somebody suspects it, while `suspect` */
    int64_t
        farewell_at; /* verdict.c: since when it is seen whether it has gone, as others said; 0: it is not */
    int64_t contest_at; /* members.c: when its name was claimed, while contested */
    int64_t path_tried; /* receive.c: when an address it was not known at was last tried */
    uint64_t answered;  /* receive.c: the highest number of its answers to what only went there */

    /* peer.c, multipath.c; of a peer with several addresses: when it was last heard at each, or answered
     * there, and since when the first is asked whether it still is; where a copy came from, which the peer
     * has not claimed yet; and how many bytes what it said may cause yet, where it is used next */
    int64_t path_heard[PEER_ADDRS];
    int64_t path_asked;
    struct addr other;
    uint16_t path_left;

    /* hearing.c: whether it said last, by unicast, that it does not hear this member by the group, and when
     * it said whether it does, 0: never; and the link that it was last heard on */
    bool says_far;
    uint32_t link;
    int64_t said_at;

    /* receive.c: at an answer, and at a beat; far.c: when it is asked */
    struct quality quality;

    /* disconnect.c: when this node ended the connection to it, as long as that is not acknowledged, or 0, and
     * when it is said again; and the newest such word of the peer's own */
    uint64_t ended;
    int64_t ended_due;
    uint64_t ended_told;

    /* tell.c: how often the owner is told that it changed, or of its words; and whether a change is owed */
    struct bucket updates, words;
    bool owed;
    bool missed; /* alarm.c: the timer of its next probe found no room; it comes all the same */
    bool behind; /* members.c: it is further than its entry here, and was not heard saying all since */

    int64_t since; /* members.c: when it was listed, or buried */

    /* far.c: when it is to be asked whether it lives, while it is watched so; 0: it never was */
    int64_t ask_at, ask_gap;
    int64_t parted; /* mend.c: since when it tells of another roster than this member's, while far; 0: it does
                       not */
    /* mend.c: how its roster differed from this member's when it was pulled last, while far; when that was,
     * and how much later it is pulled again if it differs in the same; 0: it does not */
    uint64_t differed;
    int64_t differed_at, differed_gap;

    /* members.c, by what it says; hearsay.c, until then */
    struct host host;
    bool host_told;     /* only another has said so */
    uint32_t tags_said; /* the number of its tags, as it said itself last; 0: never */
    struct tags *tags;  /* roster.c, when members.c or hearsay.c has some for the first time; NULL: never */

    struct peer *name_prev, *name_next; /* roster.c: others of the same name */
};

_Static_assert(offsetof(struct peer, id.boot) % CACHE_LINE == 0 &&
                   offsetof(struct peer, addrs[1]) <= offsetof(struct peer, id.boot) + (size_t)3 * CACHE_LINE,
               "a datagram touches three cache lines of its peer");

/* Puts an address first in the peer's set; returns true when the set changed by more than its order. */
bool peer_address(struct peer *p, const struct addr *a);

/* Puts an address behind the first one, unless it is in the set already; true when it was not. */
bool peer_beside(struct peer *p, const struct addr *a);

/* It was heard at this address now, or has answered there, if that is in the set. */
void peer_heard_at(struct peer *p, const struct addr *a, int64_t now);

/* Puts an address that another told of last in the set, if there is room. */
void peer_hearsay(struct peer *p, const struct addr *a);

/* Forgets the addresses that only others told of, now that the peer has said that these are its own. True
 * when there were any. */
bool peer_own_word(struct peer *p, const struct addr *own, size_t count);

/* Others have told where it is now: it is there, and nowhere else. True when that is new; not if they tell
 * of no address. */
bool peer_told(struct peer *p, const struct addr *addrs, size_t count);

/* It has answered from there what only went there. */
void peer_reached(struct peer *p, const struct addr *a);

/* Whether it has: so what is sent there goes to nobody else. */
bool peer_is_reached(const struct peer *p, const struct addr *a);

/* Whether this address is in the peer's set. */
bool peer_has_address(const struct peer *p, const struct addr *a);

#endif
