/* What is open: udp.c, which opens, closes and takes, and udp_send.c alone use it. */
#ifndef GOSSIP_UDP_PARTS_H
#define GOSSIP_UDP_PARTS_H

#include "memberships.h"
#include "udp.h"
#include "udp_system.h"

struct udp {
    struct udp_options options;
    struct log *log;
    struct udp_stats stats;
    struct transport transports[TRANSPORTS];
    struct memberships memberships;
    struct subnets subnets;
    struct filter filter;
    int unicast_trouble;              /* EPERM or EACCES: a firewall of this host; else 0 */
    struct addr forbidden;            /* to whom; others may be allowed */
    const struct transport *taken_by; /* whose socket was taken from last, and what kind of socket that is */
    uint8_t taken_kind;
    struct udp_datagram inbox[UDP_BATCH];
};

#endif
