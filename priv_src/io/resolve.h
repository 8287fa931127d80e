/* The address of a host by its name. The system's resolver may wait for minutes, and cannot be told to stop:
 * so it is asked by a process of its own, which is killed when time is over. */
#ifndef GOSSIP_RESOLVE_H
#define GOSSIP_RESOLVE_H

#include "addr.h"

#define RESOLVE_TEXT 120 /* bytes of why it does not resolve, its NUL included */

/* The first IPv4 address of that name, or with `ipv6` its first IPv6 address if it has none, without a port,
 * into `out`; an address stands for itself, of IPv6 also with a zone ("fe80::1%eth0"). At most `patience`
 * microseconds. 0, or -1 and `why`. */
int resolve(const char *host, bool ipv6, int64_t patience, struct addr *out, char why[static RESOLVE_TEXT]);

#endif
