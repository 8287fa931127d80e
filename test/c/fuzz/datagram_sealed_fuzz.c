/* Any message of a holder of the key, truly sealed: the first byte is the way it comes (support/meeting.h);
 * with bit 7 a bit of the datagram is flipped, which bit the second byte says. The rest is the message. */
#include "meeting.h"
#include "mutator.h"
#include "wire_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutator_run(data, size, most, seed, 1, wire_mutate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size - 1 > WIRE_MESSAGE_MAX) {
        return 0;
    }
    struct meeting m = meeting_start(&gossip_sealed);
    uint8_t datagram[DATAGRAM_MAX];
    size_t len = forge_seal_bytes(&m.f, data + 1, size - 1, datagram);
    if (data[0] & 0x80 && size > 1) {
        datagram[data[1] / 8u % len] ^= (uint8_t)(1u << data[1] % 8);
    }
    meeting_end(&m, data[0], datagram, len);
    return 0;
}
