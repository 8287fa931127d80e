/* A number as people write it. */
#ifndef GOSSIP_DECIMAL_H
#define GOSSIP_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Reads `len` bytes of decimal digits, at least one, and nothing else: 0, or -1 where they are none, or the
 * number is not one of `least` to `most`. */
int decimal_parse(const char *text, size_t len, uint32_t least, uint32_t most, uint32_t *out);

#endif
