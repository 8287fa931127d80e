/* Any datagram, under a seal that is none: the first byte is the way it comes (support/meeting.h), the rest
 * is it. */
#include <string.h>

#include "meeting.h"
#include "mutator.h"
#include "plain.h"
#include "wire_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The message stands between a header and a tag. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    if (size < 1 + SEAL_OVERHEAD || most < size) {
        return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, most) : size;
    }
    size = mutator_run(data, size - SEAL_TAG, most - SEAL_TAG, seed, 1 + SEAL_HEADER, wire_mutate);
    memset(data + size, 0, SEAL_TAG); /* this seal has none */
    return size + SEAL_TAG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        struct meeting m = meeting_start(&plain_sealing);
        meeting_end(&m, data[0], data + 1, size - 1);
    }
    return 0;
}
