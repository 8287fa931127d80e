/* The network between the members: who can reach whom, what is lost, how long the rest takes.
 *
 * A delivery (one datagram to one receiver) is lost by itself with the probability `--loss`, or, with
 * `--burst MS`, by a chain of two states (Gilbert, 1960): in the bad state everything is lost, in the good
 * state nothing. Bad times last MS in the mean and take up the share of `--loss`. Each directed link has a
 * chain of its own, or each receiver. Chains are looked at only when something is delivered; what happened
 * since is drawn from the exact law.
 *
 * Reach is a property of members and not of links, so that it costs nothing: a member may be unable to send
 * or to hear at all, or by multicast, or by unicast; and members have sides, between which each direction may
 * be cut. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "gossip.h"
#include "options.h"
#include "rng.h"

#define NETWORK_SIDES  2
#define NETWORK_LINKS  2
#define NETWORK_HEALED (4 * SECOND_US) /* a member so lately healed does not count as running */

enum reach_loss {
    REACH_NO_SENDING = 1,  /* nothing leaves it */
    REACH_NO_HEARING = 2,  /* nothing reaches it */
    REACH_MUTE = 4,        /* its multicast does not leave */
    REACH_DEAF = 8,        /* it hears no multicast */
    REACH_NO_UNICAST = 16, /* no unicast reaches it */
};

struct reach {
    uint8_t lost; /* enum reach_loss, or-ed */
    uint8_t side;
    uint8_t dead;           /* its links that carry nothing, a bit each */
    uint32_t island;        /* multicast does not leave it */
    int64_t could_not_send; /* last moment at which it could not send; INT64_MIN: never */
};

struct burst_state;

struct network {
    struct rng rng;
    uint32_t nodes;
    uint64_t loss, duplicate, reorder; /* odds */
    double mean_loss, burst_us, relax; /* relax: rate at which a chain forgets, 1/us */
    bool burst_per_link;
    int64_t delay_min;
    uint32_t delay_span;
    struct burst_state *bursts;
    struct reach *reach;                    /* of each member */
    bool cut[NETWORK_SIDES][NETWORK_SIDES]; /* [from][to] */
    int64_t was_cut[NETWORK_SIDES][NETWORK_SIDES];
    uint8_t links; /* that every member has: 1, and NETWORK_LINKS at most */
    bool islands;  /* there is more than one */
    bool plain;    /* nothing is lost, late, doubled or cut: the quick way */
};

void network_init(struct network *n, const struct options *o, uint64_t seed);
void network_free(struct network *n);

/* Changes what a member cannot do. */
void network_lose(struct network *n, int64_t now, uint32_t node, uint8_t lost);

/* Puts a member on an island, which no multicast leaves or reaches; all are on island 0 at first. */
void network_island(struct network *n, uint32_t node, uint32_t island);

/* One of a member's links carries nothing any more. */
void network_cut_link(struct network *n, uint32_t node, uint8_t link);

/* Whether this link leads from one member to another. */
bool network_links(const struct network *n, uint32_t from, uint32_t to, uint8_t link);

/* Cuts, or heals, the way from one side to another. */
void network_cut(struct network *n, int64_t now, uint8_t from, uint8_t to, bool cut);

/* Whether a datagram of this kind (enum path_kind) can pass. */
bool network_reaches(const struct network *n, uint32_t from, uint32_t to, uint8_t kind);

/* Draws the fate of one delivery: how many arrive (0 to 2), and when. */
unsigned network_deliver(struct network *n, int64_t now, uint32_t from, uint32_t to, uint8_t kind,
                         int64_t due[static 2]);

/* Whether this member could send to nobody, now or less than NETWORK_HEALED ago. */
bool network_was_silenced(const struct network *n, int64_t now, uint32_t node);

/* Whether sides keep `from` from being heard by `to`, now or less than NETWORK_HEALED ago. */
bool network_was_separated(const struct network *n, int64_t now, uint32_t from, uint32_t to);

#endif
