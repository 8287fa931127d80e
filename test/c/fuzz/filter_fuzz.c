/* Any datagram, and one that begins as those of the ring do: the kernel's program drops nothing that the core
 * would read. */
#include "filter.h"

#include <string.h>

#include "bpf.h"
#include "build.h"
#include "effect.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring ring; /* of one key or two */
    static uint8_t datagram[DATAGRAM_MAX + 200];
    if (size < 1) {
        return 0;
    }
    if (ring.count == 0) {
        ring = build_ring("ko");
    }
    ring.count = data[0] & 1 ? 2 : 1;
    size_t which = data[0] >> 1 & data[0] & 1, len = size - 1 < sizeof datagram ? size - 1 : sizeof datagram;
    require(bpf_judge(&ring, data + 1, size - 1) >= 0);
    memcpy(datagram, data + 1, len);
    memcpy(datagram, ring.keys[which].prefix, len < SEAL_PREFIX ? len : SEAL_PREFIX);
    require(bpf_judge(&ring, datagram, len) >= 0);
    return 0;
}
