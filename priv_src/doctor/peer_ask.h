/* How the doctor asks at another host; all of it takes some seconds at most. */
#ifndef GOSSIP_DOCTOR_PEER_ASK_H
#define GOSSIP_DOCTOR_PEER_ASK_H

#include "peer.h"

/* Sends to the UDP ports of whoever may stand at `p->at`: two empty datagrams each to the first of them, to
 * learn whether nobody is there; and, where the ring has a key, questions to all, from `fd`, a socket of that
 * family (-1: there is none). */
void peer_ask(struct peer_facts *p, const struct keyring *ring, int fd);

/* Connects by TCP to the distribution of those who have answered, and closes it at once; where nobody has, to
 * epmd's port. */
void peer_connect(struct peer_facts *p);

#endif
