#include "plain.h"

#include <string.h>

static int plain_match(const struct keyring *ring, const uint8_t *datagram, size_t len)
{
    (void)datagram;
    return ring->count == 0 || len < SEAL_OVERHEAD ? -1 : 0;
}

static void plain_close(const struct keyring *ring, const uint8_t nonce[static SEAL_NONCE],
                        const uint8_t *message, size_t len, uint8_t *datagram)
{
    memcpy(datagram, ring->keys[0].prefix, SEAL_PREFIX);
    memcpy(datagram + SEAL_PREFIX, nonce, SEAL_NONCE);
    memcpy(datagram + SEAL_HEADER, message, len);
    memset(datagram + SEAL_HEADER + len, 0, SEAL_TAG);
}

static int plain_open(const struct keyring *ring, int index, const uint8_t *datagram, size_t len,
                      uint8_t *message)
{
    if (index >= ring->count || len < SEAL_OVERHEAD) {
        return -1;
    }
    memcpy(message, datagram + SEAL_HEADER, len - SEAL_OVERHEAD);
    return (int)(len - SEAL_OVERHEAD);
}

const struct gossip_sealing plain_sealing = {.match = plain_match, .close = plain_close, .open = plain_open};
