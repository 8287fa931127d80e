/* The keys that Argon2id has made, told to the owner: a sidecar after this one is given them, and is spared
 * that. */
#ifndef GOSSIP_DERIVED_H
#define GOSSIP_DERIVED_H

#include "term.h"

/* Tells `out`, the port, all keys of the ring, where one of the secrets that it was made of is stretched. It
 * goes by no queue, which would keep it in memory that is neither locked nor wiped: where the pipe is full it
 * is not told, and nothing is lost but the time that the next one takes. To be called where no frame has been
 * written in part. */
void derived_tell(int out, const struct secrets *secrets, const struct keyring *ring);

#endif
