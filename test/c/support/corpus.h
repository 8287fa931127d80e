/* The inputs of the fuzzers, test/c/corpus/, for tests that give them to something else. */
#ifndef TEST_SUPPORT_CORPUS_H
#define TEST_SUPPORT_CORPUS_H

#include <stddef.h>
#include <stdint.h>

/* `data` is valid during the call, and ends where its memory does, so that a sanitizer sees a read past it.
 */
typedef void corpus_visit(void *context, const uint8_t *data, size_t len);

/* Visits each file of one target's, "wire" say, in no order. Returns how many there are. */
size_t corpus_each(const char *target, corpus_visit *visit, void *context);

#endif
