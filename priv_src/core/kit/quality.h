/* How well a peer is reached, by what travels anyway: nothing is sent for it, and no datagram is longer.
 *
 * Round trip: from a question to its answer, smoothed with the gain of RFC 6298. An answer to what was said
 * twice is not measured, for nobody can tell which of the two it answers (Karn's algorithm, section 3).
 *
 * Loss: of the last beats that the peer has said to the group, the share that did not come. A number that is
 * missing between two beats may have gone to somebody else, since one sequence serves all receivers; and a
 * gap in time may be a sender that was stopped. So as many are lost as both of them tell. Of a peer that is
 * watched by asking, the probes that were not answered before the next one. Zeroed memory knows nothing. */
#ifndef GOSSIP_QUALITY_H
#define GOSSIP_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#define QUALITY_WINDOW 64 /* the latest beats, or probes, that are looked at */
#define QUALITY_LEAST  8  /* of fewer no share is told */

struct quality {
    int64_t round_trip; /* smoothed, microseconds; 0: never measured */
    uint64_t lost;      /* bit i: the one that was expected i before the latest did not come */
    uint64_t sequence;  /* of the latest beat, and when it was sent, by its sender's clock */
    uint64_t sent_at;
    uint64_t before; /* the sequence of the beat before the latest gap, */
    uint64_t behind; /* and of the one behind it */
    uint8_t missing; /* so many of that gap are still missing */
    uint8_t count;   /* how many were expected, QUALITY_WINDOW at most */
    bool begun;      /* some beat was heard */
    bool asking;     /* a probe is out that is not answered */
};

/* So long it took from a question to the answer, microseconds. */
void quality_answered(struct quality *q, int64_t took);

/* A beat has come that its sender said to the group, which promised one each `interval` microseconds before.
 * `newest`: its sequence is the highest of that sender. One that was overtaken is not lost; of copies only
 * the first is to be told here. */
void quality_beat(struct quality *q, uint64_t sequence, uint64_t sent_at, int64_t interval, bool newest);

/* It is asked whether it lives, again; it has answered something. */
void quality_probe(struct quality *q);
void quality_life(struct quality *q);

/* Its answer is not awaited any more. */
void quality_rest(struct quality *q);

/* The share of those expected that did not come, in thousandths; -1: too few to tell. */
int quality_loss(const struct quality *q);

#endif
