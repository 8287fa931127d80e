/* Whether something is at an endpoint, as the systems on the way tell: by TCP, and by UDP that nobody is
 * there. No call waits. */
#ifndef GOSSIP_REACH_H
#define GOSSIP_REACH_H

#include "addr.h"

/* Begins to connect by TCP: a descriptor that poll(2) finds writable when it is known what became of it; or
 * -1 and errno. */
int reach_tcp(const struct addr *to);

/* A UDP socket that is told what comes back of datagrams to that endpoint; or -1 and errno. */
int reach_udp(const struct addr *to);

/* Sends an empty datagram, which every sidecar ignores, from such a socket: 0, or -1 and errno, which may be
 * what came back of the last one. */
int reach_poke(int fd);

/* What came back, where such a socket is readable: an errno, or 0: a datagram, which is dropped, or nothing.
 */
int reach_heard(int fd);

/* What became of a connection whose descriptor is writable: 0, it stands, or an errno. */
int reach_result(int fd);

#endif
