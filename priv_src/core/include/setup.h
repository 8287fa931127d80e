/* What a member is made with. Copied by gossip_new, but for what the pointers point to, which must outlive
 * it. */
#ifndef GOSSIP_SETUP_H
#define GOSSIP_SETUP_H

#include "addr.h"
#include "seal.h"

/* Fills `out` with random bytes. Unpredictable ones in gossipd; a seeded stream in the simulator. */
typedef void gossip_random(void *context, void *out, size_t len);

struct gossip_options {
    uint32_t interval_ms; /* T_min, the shortest interval between beats; default 1000, from 100 to 60000 */
    uint32_t max_peers;   /* bound of the roster; default 4096, from 1 to 65535 */
    uint8_t heartbeats;   /* 1: an EVENT_HEARTBEAT for each beat heard */
    /* Where others reach this member when an address is translated on the way; port 0: whatever the port. No
     * family: nothing is translated. */
    struct addr advertise;
    struct keyring keys;
    gossip_random *random;
    void *random_context;
    const struct gossip_sealing *sealing;
};

#endif
