/* `gossipd doctor`: what can be told of this host's network without Elixir, and without a secret. */
#ifndef GOSSIP_DOCTOR_H
#define GOSSIP_DOCTOR_H

#include "addr.h"

#include <stdbool.h>

/* Reads "GROUP" and "PORT" (NULL: the default) into `group`: 0, or -1 where they are no multicast address of
 * IPv4 and no port of 1 to 65527 (eight more follow it). */
int doctor_group(const char *ip, const char *port, struct addr *group);

/* Looks, and says on stdout what it sees, and then in a line each what is wrong and what to do; or all of it
 * as one line of JSON. Listens for three seconds. It sends one empty datagram an interface and family, which
 * does not leave this host and which every sidecar ignores. Returns the exit code (findings.h). */
int doctor_run(const struct addr *group, bool json);

#endif
