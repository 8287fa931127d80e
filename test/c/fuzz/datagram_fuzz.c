/* Any datagram, under a seal that is none: the first byte is the way it comes (support/meeting.h), the rest
 * is it. */
#include "meeting.h"
#include "plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        struct meeting m = meeting_start(&plain_sealing);
        meeting_end(&m, data[0], data + 1, size - 1);
    }
    return 0;
}
