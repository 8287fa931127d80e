/* What libFuzzer asks for, and what it offers, where a fuzzer changes its inputs itself. */
#ifndef TEST_FUZZ_MUTATOR_H
#define TEST_FUZZ_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/* libFuzzer's own; a replay has none. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak));

/* `change` of what stands behind the first `front` bytes; one time in five libFuzzer's own of all. */
static inline size_t mutator_run(uint8_t *data, size_t size, size_t most, unsigned seed, size_t front,
                                 size_t (*change)(uint8_t *, size_t, size_t, uint32_t))
{
    if ((LLVMFuzzerMutate != NULL && seed % 5 == 0) || size < front || most < front) {
        return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, most) : size;
    }
    return front + change(data + front, size - front, most - front, seed);
}

#endif
