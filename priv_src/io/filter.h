/* The kernel's filter: what bears no key of the ring is dropped before it wakes anybody, while much of it
 * comes.
 *
 * What it may drop is what the core drops at once, as `foreign`, and what is longer or shorter than any
 * datagram of ours. But that others are there, under another key, is what a person must be told who has set
 * two cookies: so all of it passes as long as it is little, and of a flood one datagram in 8, in 64 and so
 * on, as many as it takes to have some in each second. The counters go on counting what is seen, and what is
 * told of it stays true. */
#ifndef GOSSIP_FILTER_H
#define GOSSIP_FILTER_H

#include "seal.h"

#define FILTER_LEVELS     4  /* 1 in 8^4 passes: of 150,000 a second 37 */
#define FILTER_SHARE_BITS 3  /* each level lets one in 8 of the one below through */
#define FILTER_RAISE      64 /* seen in a second: a level up; each costs a wake-up at worst */
#define FILTER_LOWER      4  /* seen in a whole second: a level down, which brings 8 times as many */

#define FILTER_STEPS_MAX (11 + KEYRING_MAX)

struct filter {
    uint8_t count; /* of prefixes; 0: no ring yet */
    uint8_t prefixes[KEYRING_MAX][SEAL_PREFIX];
    uint8_t level; /* 0: all passes, and there is none in the kernel */
    bool missing;  /* the system has none */
    uint32_t seen; /* since then, of what it would drop */
    int64_t since;
};

/* A step of classic BPF, as Linux and the BSDs have it. */
struct filter_step {
    uint16_t code;
    uint8_t yes, no; /* steps to leave out */
    uint32_t k;
};

/* The ring is this from now on. */
void filter_set(struct filter *f, const struct keyring *ring);

/* Whether this is what a filter may drop. */
bool filter_refuses(const struct filter *f, const uint8_t *datagram, size_t len);

/* Time has passed; a datagram has come that it refuses. True when the level is another, and the program with
 * it.
 */
bool filter_tick(struct filter *f, int64_t now);
bool filter_saw(struct filter *f, int64_t now);

/* The program of a socket, which sees the datagram behind UDP's header: its steps. None at level 0. */
size_t filter_program(const struct filter *f, struct filter_step out[static FILTER_STEPS_MAX]);

#endif
