/* What a fuzzer holds its target to. */
#ifndef TEST_FUZZ_REQUIRE_H
#define TEST_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>

/* Aborts, which is a crash to whoever fuzzes, unless `condition` holds. */
static inline void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

#endif
