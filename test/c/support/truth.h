/* Where each datagram really comes from, as the network knows: who reads it has no say in that, and so no
 * blind spot that a reader has is one here. */
#ifndef TEST_SUPPORT_TRUTH_H
#define TEST_SUPPORT_TRUTH_H

#include "gossip.h"

struct origin {
    uint64_t print; /* of all its bytes; copies have the same */
    int64_t said;   /* when it was said first, by a clock that counts sleep */
    uint8_t kind;   /* of the way on which it was sent (enum path_kind), */
    struct addr to; /* and where to, if to one */
    bool forged;    /* no member has said it: when it was made is what it claims */
};

/* Zeroed memory knows of none. */
struct truth {
    struct origin *slots;
    size_t count, size;
};

void truth_free(struct truth *t);

/* It is said now, on this way; or again, and then its origin is as it was. Valid until the next is noted. */
const struct origin *truth_note(struct truth *t, const uint8_t *datagram, size_t len,
                                const struct origin *first);

#endif
