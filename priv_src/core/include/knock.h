/* A question to whoever stands at an address, by one who is no member: who holds a key asks as a newcomer
 * asks a seed (PROTOCOL.md, part 2, "Seeds"), but says no name. So it is answered, and is listed nowhere.
 *
 * The nonce is random, and is sent to this address alone: who echoes it has heard the question, holds the
 * key, and lives at this moment. */
#ifndef GOSSIP_KNOCK_H
#define GOSSIP_KNOCK_H

#include "effect.h"
#include "seal.h"
#include "setup.h"

struct knock {
    uint64_t boot, nonce; /* never 0 */
    uint64_t sequence;    /* of the last question */
    struct addr to;
};

/* What the one who answers says of itself. A holder of the key may say anything. */
struct knock_answer {
    struct identity id;   /* without a name, where there was no room for one */
    struct host host;     /* len 0: it does not say */
    uint16_t beam_age_ms; /* since its BEAM has pulsed; UINT16_MAX: that, or more */
    uint16_t lists;       /* members, itself included */
    bool isolated;        /* it hears nobody */
};

/* One that has not been asked yet. */
struct knock knock_start(const struct addr *to, gossip_random *random, void *context);

/* The next question, under the ring's first key, into `out`: its length. It is as long as a datagram may be,
 * since an answer is not longer than its question. */
size_t knock_ask(struct knock *k, const struct keyring *ring, gossip_random *random, void *context,
                 uint8_t out[static DATAGRAM_MAX]);

/* Whether this datagram answers it; then `answer` is set. */
bool knock_answers(const struct knock *k, const struct keyring *ring, const uint8_t *datagram, size_t len,
                   struct knock_answer *answer);

#endif
