/* An allocator that refuses. A test that uses it is linked with --wrap for malloc, calloc, realloc and
 * aligned_alloc (GossipTests.cmake): then all that the house asks for, and libei where it is linked
 * statically, passes here. */
#ifndef TEST_SUPPORT_REFUSE_H
#define TEST_SUPPORT_REFUSE_H

#include "prng.h"

/* Begins: refuses so many percent of what is asked for inside, by chance; and of what is grown (realloc) only
 * sizes that are multiples of `unit`, and nothing else, if that is not 1. */
void refuse_start(struct prng prng, uint32_t percent, size_t unit);
void refuse_percent(uint32_t percent);

/* Only what is asked for in between is refused. */
void refuse_inside(bool begins);

/* How often, since the start. */
uint64_t refuse_count(void);

#endif
