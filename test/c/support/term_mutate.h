/* Terms of Erlang's external format changed by their elements, for fuzzers: what comes of a whole term is
 * mostly another. */
#ifndef TEST_SUPPORT_TERM_MUTATE_H
#define TEST_SUPPORT_TERM_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Takes away, doubles, swaps or replaces elements, or changes a number, an atom or a binary: at most `most`
 * bytes. The term begins with the format's version. Returns its new size; what is no term stays as it is. */
size_t term_mutate(uint8_t *term, size_t size, size_t most, uint32_t seed);

#endif
