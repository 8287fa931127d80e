/* Addresses and paths: where a datagram came from, or is to go. Plain values; nothing here owns memory. */
#ifndef GOSSIP_ADDR_H
#define GOSSIP_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family { ADDR_NONE = 0, ADDR_IPV4 = 4, ADDR_IPV6 = 6 };

/* One UDP endpoint. Unused bytes of `ip` are zero, so that two equal addresses are equal byte for byte. */
struct addr {
    uint8_t family;   /* enum addr_family */
    uint8_t ip[16];   /* network order; IPv4 uses the first 4 */
    uint16_t port;    /* host order */
    uint32_t ifindex; /* local interface the address is reached through; 0: any */
};

/* The core never knows a socket. It sends to the group (on every interface that the io layer has joined, or
 * the one named by addr.ifindex; over both families, or the one named by addr.family) or to one endpoint. A
 * received datagram carries how it came (PATH_GROUP: by multicast, or broadcast), its source, and the address
 * and port that it was sent to. */
enum path_kind { PATH_GROUP = 1, PATH_UNICAST = 2 };

enum path_source {
    SOURCE_NEAR = 0, /* on the link that it came in by, or that does not matter */
    SOURCE_FAR,      /* not; and what is multicast here keeps to the link: a stranger there is none */
    SOURCE_NOBODY,   /* a subnet's broadcast address */
};

struct path {
    uint8_t kind;   /* enum path_kind */
    uint8_t source; /* enum path_source, of what was received */
    bool once; /* of what is sent to the group: on each link one way only, be it multicast or broadcast */
    struct addr addr;
    struct addr
        local; /* of what was received by unicast: its destination; no family: the system does not tell */
};

/* Makes an IPv4 address; `ip` is 4 bytes in network order. */
struct addr addr_ipv4(const uint8_t ip[static 4], uint16_t port, uint32_t ifindex);

/* Makes an IPv6 address; `ip` is 16 bytes in network order. */
struct addr addr_ipv6(const uint8_t ip[static 16], uint16_t port, uint32_t ifindex);

/* Bytes of `ip` that the family uses: 4, 16 or 0. */
size_t addr_ip_len(uint8_t family);

/* Same family, ip and port. The interface counts for scoped ones alone, where both are known. */
bool addr_same(const struct addr *a, const struct addr *b);

/* The same without the port. */
bool addr_same_host(const struct addr *a, const struct addr *b);

/* Whether it is one of these. */
bool addr_among(const struct addr *a, const struct addr *addrs, size_t count);

/* fe80::/10 (RFC 4007): there may be as many of it as links, and its interface tells them apart. IPv4's own
 * are told apart by nobody: the system sends to them by its routes. */
bool addr_is_scoped(const struct addr *a);

/* Whether a datagram can come from there, or go there and reach just one: it has a port, and is neither
 * unspecified nor multicast nor 255.255.255.255, nor IPv4 in the guise of IPv6 (::/96 but for ::1, and
 * ::ffff:0:0/96; RFC 4291, section 2.5.5): that would be another spelling of what is judged as IPv4. */
bool addr_is_endpoint(const struct addr *a);

/* 127.0.0.0/8 and ::1. */
bool addr_is_loopback(const struct addr *a);

/* 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291): it means something on its own link alone. */
bool addr_is_link_local(const struct addr *a);

/* A path to the whole group. */
struct path path_group(void);

/* A path to one endpoint. */
struct path path_unicast(const struct addr *to);

#endif
