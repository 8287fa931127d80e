/* Who a node is, as its heartbeat says and as its peers list it. A plain value. */
#ifndef GOSSIP_IDENTITY_H
#define GOSSIP_IDENTITY_H

#include "addr.h"

#define NAME_MAX_LEN 255 /* bytes of a node name; an Erlang atom has at most 255 characters */
#define PEER_ADDRS   4   /* addresses kept for one peer, the one to use first */
#define HOST_ADDRS   6   /* IP addresses that a node says its host has */
#define HOST_MAX     (1 + HOST_ADDRS * 17)

enum identity_flag {
    IDENTITY_LONG_NAMES = 1, /* distribution runs with long names */
    IDENTITY_TLS = 2,        /* distribution runs over TLS */
    IDENTITY_IPV6_DIST = 4,  /* distribution runs over IPv6 */
    IDENTITY_HIDDEN = 8,     /* a hidden node */
};

struct name {
    uint8_t len; /* 0: none */
    char text[NAME_MAX_LEN];
};

struct identity {
    struct name name;
    uint64_t boot;        /* 64 random bits, new at each start of a sidecar; 0: none */
    uint32_t creation;    /* the node's creation: with the name it identifies one life of a BEAM */
    uint32_t incarnation; /* raised by its owner to refute an accusation */
    uint16_t dist_port;   /* TCP port of the Erlang distribution; 0: unknown */
    uint8_t flags;        /* enum identity_flag */
};

/* Where a node may be connected to, as it says itself: whether its distribution listens on the first of these
 * addresses alone (1: 0 or 1), then the addresses of its host, each as family (1: 4 or 6) and IP (4 or 16).
 * The core passes it on, and looks at the addresses only where it has no other: see hearsay.c. */
struct host {
    uint8_t len; /* 0: it does not say */
    uint8_t bytes[HOST_MAX];
};

/* Takes what of `len` bytes is understood: the first addresses, up to one of another family. -1 if they are
 * cut short; then nothing is taken. */
int host_set(struct host *host, const uint8_t *bytes, size_t len);

bool host_same(const struct host *a, const struct host *b);

/* Its addresses, each with this port; returns how many. */
size_t host_addresses(const struct host *host, uint16_t port, struct addr out[static HOST_ADDRS]);

/* Sets a name from `len` bytes: something, one '@', something. -1 if it is not that, too long, no UTF-8, or
 * "nonode@nohost"; or if it has white space, a character that nobody sees (Unicode's Cc, Cf, Zl, Zp), a quote
 * or a backslash. */
int name_set(struct name *name, const void *text, size_t len);

/* Same length, same bytes. */
bool name_same(const struct name *a, const struct name *b);

#endif
