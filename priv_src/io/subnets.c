#include "subnets.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

/* Whether the first `bits` of both are the same. */
static bool same_prefix(const struct addr *a, const struct addr *b, uint8_t bits)
{
    size_t whole = bits / 8u;
    unsigned rest = bits % 8u;
    if (a->family != b->family || memcmp(a->ip, b->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || (a->ip[whole] ^ b->ip[whole]) >> (8 - rest) == 0;
}

/* Whether all bits behind the prefix are this. */
static bool host_bits(const struct addr *a, uint8_t prefix, bool set)
{
    size_t bits = 8 * addr_ip_len(a->family), i = prefix;
    while (i < bits && (a->ip[i / 8] >> (7 - i % 8) & 1) == set) {
        i++;
    }
    return i == bits;
}

bool subnets_broadcast(const struct subnets *s, const struct addr *a)
{
    bool all = false;
    for (size_t i = 0; i < s->count && a->family == ADDR_IPV4; i++) {
        const struct subnet *n = &s->items[i];
        all = all || (n->prefix < 31 && same_prefix(a, &n->addr, n->prefix) &&
                      (host_bits(a, n->prefix, true) || host_bits(a, n->prefix, false)));
    }
    return all;
}

static bool on_link(const struct subnet *n, const struct addr *a)
{
    return same_prefix(a, &n->addr, n->prefix) || addr_same_host(a, &n->other);
}

bool subnets_near(const struct subnets *s, const struct addr *a)
{
    bool near = s->count == 0 || addr_is_loopback(a);
    for (size_t i = 0; i < s->count && !near; i++) {
        const struct subnet *n = &s->items[i];
        bool same_link = a->ifindex == 0 || a->ifindex == n->addr.ifindex;
        near = (same_link && on_link(n, a)) || addr_same_host(a, &n->addr);
    }
    return near;
}

uint32_t subnets_interface(const struct subnets *s, const struct addr *a)
{
    size_t i = 0;
    while (i < s->count && !on_link(&s->items[i], a)) {
        i++;
    }
    return i < s->count ? s->items[i].addr.ifindex : 0;
}

/* Of the families that there are; none for others. (A netmask has no family of its own on some systems.) */
static struct addr address_of(const struct sockaddr *sa, int family, uint32_t ifindex)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    uint8_t ip[16];
    if (sa == NULL) {
        return (struct addr){0};
    }
    if (family == AF_INET) {
        memcpy(&in, sa, sizeof in);
        memcpy(ip, &in.sin_addr, 4);
        return addr_ipv4(ip, 0, ifindex);
    }
    if (family == AF_INET6) {
        memcpy(&in6, sa, sizeof in6);
        memcpy(ip, &in6.sin6_addr, sizeof ip);
        return addr_ipv6(ip, 0, ifindex);
    }
    return (struct addr){0};
}

/* Ones up to the first zero; no mask tells of no neighbour. */
static uint8_t prefix_of(const struct addr *mask, uint8_t family)
{
    uint8_t bits = (uint8_t)(8 * addr_ip_len(family)), prefix = 0;
    if (mask->family == ADDR_NONE) {
        return bits;
    }
    while (prefix < bits && (mask->ip[prefix / 8] >> (7 - prefix % 8) & 1) != 0) {
        prefix++;
    }
    return prefix;
}

static bool subnet_of(const struct ifaddrs *a, struct subnet *out)
{
    if (a->ifa_addr == NULL || (a->ifa_flags & IFF_UP) == 0) {
        return false;
    }
    int family = a->ifa_addr->sa_family;
    char name[IF_NAMESIZE];
    size_t len = strcspn(a->ifa_name, ":"); /* an alias such as eth0:1 is a label; the interface is eth0 */
    if (len >= sizeof name) {
        return false;
    }
    memcpy(name, a->ifa_name, len);
    name[len] = '\0';
    *out = (struct subnet){.addr = address_of(a->ifa_addr, family, if_nametoindex(name))};
    struct addr mask = address_of(a->ifa_netmask, family, 0);
    out->prefix = prefix_of(&mask, out->addr.family);
    if ((a->ifa_flags & IFF_POINTOPOINT) != 0) {
        out->other = address_of(a->ifa_dstaddr, family, 0);
    }
    return out->addr.family != ADDR_NONE && out->addr.ifindex != 0;
}

int subnets_list(struct subnets *out)
{
    struct ifaddrs *all = NULL;
    out->count = 0;
    if (getifaddrs(&all) != 0) {
        return -1;
    }
    for (const struct ifaddrs *a = all; a != NULL && out->count < SUBNETS_MAX; a = a->ifa_next) {
        out->count += subnet_of(a, &out->items[out->count]);
    }
    freeifaddrs(all);
    return 0;
}
