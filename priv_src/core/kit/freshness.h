/* Whether a datagram is late. Its sender says when it sent it, by a clock of its own that counts sleep;
 * nobody knows how far that clock is from ours, but all of a sender's datagrams are as far, and the quickest
 * of them shows how far. What is much later than the quickest was held back by somebody, or is a recording.
 *
 * A measure and no proof: it only keeps late datagrams from counting as signs of life. An answer to a
 * question of this moment cannot be old, and sets the measure anew (a VM that was paused, and whose clock
 * stood still). Zeroed memory is no measure: the first datagram makes one. */
#ifndef GOSSIP_FRESHNESS_H
#define GOSSIP_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

struct freshness {
    int64_t least; /* our clock less the sender's, for its quickest datagram, microseconds */
    int64_t at;    /* when that was measured, by our clock */
    bool known;
};

/* A datagram sent at `sent_at` (the sender's clock) is heard at `now` (ours): whether it is no later than
 * `allowed` microseconds. */
bool freshness_check(struct freshness *f, uint64_t sent_at, int64_t now, int64_t allowed);

/* This one is surely fresh. */
void freshness_measure(struct freshness *f, uint64_t sent_at, int64_t now);

/* What the sender's clock shows now; 0 when there is no measure. */
uint64_t freshness_clock(const struct freshness *f, int64_t now);

#endif
