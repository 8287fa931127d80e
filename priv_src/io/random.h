/* Randomness for the core: the operating system's. */
#ifndef GOSSIP_RANDOM_H
#define GOSSIP_RANDOM_H

#include <stddef.h>

/* Fills `out` with unpredictable bytes. A gossip_random; `context` is not used. seal_init() must have
 * succeeded. */
void random_fill(void *context, void *out, size_t len);

#endif
