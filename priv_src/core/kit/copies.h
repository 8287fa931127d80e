/* Datagrams that came a moment ago, known again by the nonce in the clear: what a second link brings, or who
 * repeats what was just said, is dropped before anything is decrypted. Only what was opened and taken is
 * kept, or a forger could keep the true one out by being first. Few are kept: what has been forgotten costs a
 * decryption, and the window drops it. Zeroed memory is empty. */
#ifndef GOSSIP_COPIES_H
#define GOSSIP_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COPIES_KEPT 256 /* a tenth of a second of the busiest group */

struct copies {
    uint64_t marks[COPIES_KEPT]; /* by its lowest bits; 0: none */
};

/* What a datagram is known by: its nonce, and whether it came by the group, under a key of 16 bytes that only
 * this process has. Never 0. */
uint64_t copies_mark(const uint8_t key[static 16], uint8_t path_kind, const uint8_t *nonce, size_t len);

bool copies_seen(const struct copies *c, uint64_t mark);
void copies_keep(struct copies *c, uint64_t mark);

#endif
