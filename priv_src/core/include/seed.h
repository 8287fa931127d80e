/* A seed: an address without an identity, at which members may be found where no multicast leads to them. */
#ifndef GOSSIP_SEED_H
#define GOSSIP_SEED_H

#include "addr.h"

#define SEEDS_MAX      32 /* of one member */
#define SEED_PORTS_MAX 8  /* as many as the private ports that a member takes the first free one of */

struct seed {
    struct addr addr; /* with its first port */
    uint8_t ports;    /* so many in a row, from 1 to SEED_PORTS_MAX: whichever of them has a member */
};

#endif
