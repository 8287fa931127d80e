/* A datagram at a time, for tests: as udp_take and udp_taken. */
#ifndef TEST_SUPPORT_RECEIVE_ONE_H
#define TEST_SUPPORT_RECEIVE_ONE_H

#include "udp.h"

/* Takes a datagram from socket i into `out`: 1. Nothing there: 0. Something was there that is not for us: -1.
 */
int receive_one(struct udp *u, size_t i, struct path *from, uint8_t out[static DATAGRAM_MAX], size_t *len);

#endif
