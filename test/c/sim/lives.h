/* Holds what members take for signs of life, and whom they list, against what really happened: what was said
 * by whom, when, to whom, and what reached anybody. Of the datagrams' own words (boot id, sequence, clock,
 * TO) it reads nothing, so that no blind spot of who does is one here. What PROTOCOL.md forbids, and is
 * counted:
 *
 *   late_lives       a life renewed by what is later than max(2 s, 2 T) against the quickest of the same
 * sender; an answer may be 2 s old, and sets the measure anew copied_lives     by what has renewed it
 * already, or was overtaken by what has (and is no answer) misplaced_lives  by what was sent to another, or
 * came on another way than it was sent forged_lives     by what no member has said misled_addresses an
 * address told of a member at which it never was raised_dead      an `up` of one of whom nothing has reached
 * anybody for as long as nobody lists the silent kept_dead        one who is listed for longer than that:
 * LIVES_KEPT intervals
 *
 * A member's own pause is added for 100 ms. Who is stopped, or isolated, or lately was, may list whom it
 * likes.
 */
#ifndef SIM_LIVES_H
#define SIM_LIVES_H

#include "observer.h"
#include "packet.h"

#define LIVES_LOOK SECOND_US /* between two looks at who lists the dead */
#define LIVES_KEPT 12        /* intervals */

struct cluster;

/* What a member knows, and should know, of another. Zeroed memory: nothing. */
struct lives_pair {
    uint32_t life;      /* of the other, that all this is about */
    bool known, told;   /* the measure; that it is listed for too long */
    int64_t least, at;  /* the age of its quickest datagram, and when that came */
    int64_t interval;   /* the longest that it has promised */
    uint64_t top, seen; /* the number of its newest that renewed its life; bit k: so did number top - k */
    int64_t listed;     /* when it was listed last */
};

struct lives_member {
    int64_t word;     /* when it said the newest of what has reached anybody */
    int64_t began;    /* this life, */
    bool earlier;     /* and there was one before it: who lists that still is to be looked at */
    int64_t interval; /* the longest that it has promised */
    int64_t fair;     /* since when it has nothing that excuses it */
    int64_t paused, woke, slept;
    struct lives_pair *pairs;
};

struct lives {
    uint32_t size;
    struct lives_member *members;
};

enum lives_fault { LIVES_RIGHT = 0, LIVES_LATE, LIVES_COPIED, LIVES_MISPLACED, LIVES_FORGED };

/* Whether a datagram that comes now to a member which was stopped for `slept` a moment ago, and is for it,
 * may renew the life of who said it. `quickest`: the longest that anything takes on its way. */
enum lives_fault lives_judge(const struct lives_pair *p, const struct origin *o, int64_t now, int64_t slept,
                             int64_t quickest);

/* It has, and rightly. */
void lives_renewed(struct lives_pair *p, const struct origin *o, int64_t now);

/* A cluster's: it is looked over the shoulder from now on, or no more. */
void lives_watch(struct cluster *c);
void lives_free(struct cluster *c);

/* A member is started, stopped for a while, wakes. */
void lives_started(struct cluster *c, uint32_t node);
void lives_paused(struct cluster *c, uint32_t node);
void lives_woke(struct cluster *c, uint32_t node);

/* Before a datagram is given to a member: what to give to lives_after when it has taken it. */
int64_t lives_before(const struct cluster *c, uint32_t node, const struct packet *p);
void lives_after(struct cluster *c, uint32_t node, const struct packet *p, int64_t before);

/* What the member is told of a peer, and whom that is about. */
void lives_event(struct cluster *c, uint32_t node, const struct event *e, const struct sighting *s);

/* Time for a look at who lists the dead. */
void lives_look(struct cluster *c);

#endif
