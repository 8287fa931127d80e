/* Every time of the protocol, and the formulas for those that depend on something. Microseconds, unless a
 * name says otherwise. PROTOCOL.md gives the reasons at length. */
#ifndef GOSSIP_INTERVALS_H
#define GOSSIP_INTERVALS_H

#include <stddef.h>
#include <stdint.h>

#include "gossip.h"

/* The group's traffic is held under GROUP_BITS_PER_SECOND: N members send BEAT_BITS each, every 0.875 T on
 * average. */
#define GROUP_BITS_PER_SECOND 1000000u
#define BEAT_BITS             1800u /* a beat of 120 bytes with its UDP, IP and Ethernet overhead, over 0.875 T */
#define JITTER_PART           4     /* beats come up to a 4th of T early, so that they do not gather */
#define MISS_MULTIPLIER       6     /* T of silence after which a peer is gone, come what may */

/* What a peer promises is believed within these bounds only. */
#define PROMISE_INTERVAL_MIN (100 * MS_US)
#define PROMISE_MISS_MIN     2
#define PROMISE_MISS_MAX     30

#define QUESTION_FIRST (20 * MS_US)    /* question 1; each later one after twice the time, up to T */
#define ANSWER_RETRY   (20 * MS_US)    /* many times a LAN's round trip, and still nothing to a person */
#define ANSWER_TRIES   8               /* 8 losses in a row at 30 % each way: one in 200 */
#define NONCE_LIFE     (5 * SECOND_US) /* a nonce is announced so long, and then accepted as long again */
#define PENDING_LIFE   (2 * SECOND_US) /* an unproven member counts as live so long */
#define LATE           (100 * MS_US) /* a timer so late means that this process was stopped: all deadlines shift */
#define RIVAL_PROBE    (100 * MS_US)    /* a peer whose name another claims is probed so often */
#define RIVAL_PROBES   3                /* before it is taken for dead */
#define GOODBYES       3                /* a BYE is said so many times */
#define GOODBYE_GAP    (5 * MS_US)      /* apart, so that one full buffer does not lose them all */
#define TOMBSTONE_LIFE (60 * SECOND_US) /* how long the gone are remembered, at least */

#define ANSWER_RATE     200  /* answers a second to one source, and the burst */
#define ANSWER_RATE_ALL 2000 /* to all sources together */
#define PENDING_MAX     256  /* unproven members remembered */

/* T for a group of so many members, microseconds: max(T_min, N * L / B). */
int64_t interval_for(int64_t shortest, size_t members);

/* One beat's distance to the next: T less up to a JITTER_PART of it; `random` is uniform. */
int64_t interval_jittered(int64_t interval, uint32_t random);

/* When question number `k` follows question k-1: 20, 20, 40, 80 ... ms (so they stand at 0, 20, 40, 80 ...),
 * up to T. */
int64_t question_gap(uint8_t k, int64_t interval);

#endif
