/* The text of an IP address, as people and the owner write it. */
#ifndef GOSSIP_IP_H
#define GOSSIP_IP_H

#include "addr.h"

#define IP_TEXT 46 /* bytes of the longest text, its NUL included */

/* The defaults of the options `group`, `group6` and `port`. */
#define GROUP_DEFAULT  "233.252.1.33"
#define GROUP6_DEFAULT "ff12::6763"
#define PORT_DEFAULT   45893

/* Writes "192.0.2.1" or "fe80::1", without port and interface, into `out`, and returns `out`; "nowhere" for
 * an address of no family. */
const char *ip_text(const struct addr *a, char out[static IP_TEXT]);

/* Reads `len` bytes of "192.0.2.1", four decimal numbers without leading zeros and nothing else, into `ip`,
 * in network order: 0, or -1. */
int ip_parse_v4(const uint8_t *text, size_t len, uint8_t ip[static 4]);

/* The same of "ff12::1" (RFC 4291, section 2.2), without a zone. */
int ip_parse_v6(const uint8_t *text, size_t len, uint8_t ip[static 16]);

/* The same of what may be a group: multicast, 224.0.0.0 to 239.255.255.255; of IPv6 that of one link, for
 * fe80::/10 is where its members send from. */
int ip_parse_group(const uint8_t *text, size_t len, uint8_t ip[static 4]);
int ip_parse_group6(const uint8_t *text, size_t len, uint8_t ip[static 16]);

#endif
