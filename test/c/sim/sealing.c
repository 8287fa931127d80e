#include "sealing.h"

#include <string.h>

static void close_open(const struct keyring *ring, const uint8_t nonce[static SEAL_NONCE],
                       const uint8_t *message, size_t len, uint8_t *datagram)
{
    memcpy(datagram, ring->keys[0].prefix, SEAL_PREFIX);
    memcpy(datagram + SEAL_PREFIX, nonce, SEAL_NONCE);
    memcpy(datagram + SEAL_HEADER, message, len);
    memset(datagram + SEAL_HEADER + len, 0, SEAL_TAG);
}

static int open_open(const struct keyring *ring, int index, const uint8_t *datagram, size_t len,
                     uint8_t *message)
{
    if (len < SEAL_OVERHEAD || index < 0 || index >= ring->count) {
        return -1;
    }
    memcpy(message, datagram + SEAL_HEADER, len - SEAL_OVERHEAD);
    return (int)(len - SEAL_OVERHEAD);
}

const struct gossip_sealing sealing_none = {.match = seal_match, .close = close_open, .open = open_open};
