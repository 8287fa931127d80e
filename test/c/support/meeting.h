/* One member among two proven holders of the key, as both datagram fuzzers have it. */
#ifndef TEST_SUPPORT_MEETING_H
#define TEST_SUPPORT_MEETING_H

#include "net.h"

struct meeting {
    struct net *net;
    struct forged f, g; /* boot ids 100 and 101, known to node 0 */
};

struct meeting meeting_start(const struct gossip_sealing *sealing);

/* A datagram, by `way`: bit 0 by the group; bit 1 from where g is, bit 2 from elsewhere, else from where f
 * is. Then time passes, and the meeting ends. */
void meeting_end(struct meeting *m, uint8_t way, const uint8_t *data, size_t len);

#endif
