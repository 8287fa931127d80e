/* Messages changed by their fields, for fuzzers: what comes of a message whose fields are whole is another
 * such message. So what a change of a byte seldom gets past, the lengths, is not all that they try. */
#ifndef TEST_SUPPORT_WIRE_MUTATE_H
#define TEST_SUPPORT_WIRE_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Adds, takes away, doubles, swaps, or makes longer or shorter some of its fields, or changes what stands in
 * them or in the fixed part: at most `most` bytes. Numbers and boot ids are likely ones that the fuzzers'
 * members know. Returns its new size; one that has no fixed part gets it. */
size_t wire_mutate(uint8_t *message, size_t size, size_t most, uint32_t seed);

#endif
