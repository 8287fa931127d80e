/* What a node's operator says of it: keys and values, which mean something to the owners alone. As bytes that
 * go on the wire: for each pair, in ascending order of the keys' bytes, the key's length (1), the key, the
 * value's length (1), the value. A plain value. */
#ifndef GOSSIP_TAGS_H
#define GOSSIP_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAGS_MAX   256 /* bytes of all pairs */
#define TAGS_PAIRS 32

struct tags {
    uint32_t number; /* of this state of the member's tags: each later one has a higher number; 0: of none */
    uint16_t len;    /* 0: it has none */
    uint8_t bytes[TAGS_MAX];
};

/* Takes the pairs. -1 if they are too many or too long, cut short, not in order, a key is empty or there
 * twice, or a text is no UTF-8 or has a character that nobody sees (Unicode's Cc, Cf, Zl, Zp); then there are
 * none. */
int tags_set(struct tags *tags, uint32_t number, const uint8_t *bytes, size_t len);

/* The same pairs. */
bool tags_same(const struct tags *a, const struct tags *b);

/* The text at `at`, and where the next one begins: keys and values take turns. `at` is less than `len`. */
const uint8_t *tags_text(const struct tags *tags, size_t at, size_t *text_len, size_t *next);

#endif
