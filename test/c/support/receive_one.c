#include "receive_one.h"

#include <string.h>

int receive_one(struct udp *u, size_t i, struct path *from, uint8_t out[static DATAGRAM_MAX], size_t *len)
{
    const uint8_t *data;
    int got = udp_take(u, i, 1);
    if (got != 1) {
        return got;
    }
    if (!udp_taken(u, 0, from, &data, len)) {
        return -1;
    }
    memcpy(out, data, *len);
    return 1;
}
