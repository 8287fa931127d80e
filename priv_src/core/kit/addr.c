#include "addr.h"

#include <string.h>

struct addr addr_ipv4(const uint8_t ip[static 4], uint16_t port, uint32_t ifindex)
{
    struct addr a = {.family = ADDR_IPV4, .port = port, .ifindex = ifindex};
    memcpy(a.ip, ip, 4);
    return a;
}

struct addr addr_ipv6(const uint8_t ip[static 16], uint16_t port, uint32_t ifindex)
{
    struct addr a = {.family = ADDR_IPV6, .port = port, .ifindex = ifindex};
    memcpy(a.ip, ip, 16);
    return a;
}

size_t addr_ip_len(uint8_t family)
{
    return family == ADDR_IPV4 ? 4 : family == ADDR_IPV6 ? 16 : 0;
}

/* Two words: glibc's memcmp reads the 16 bytes behind, too, and so waits for one more cache line of a peer.
 */
static bool ip_same(const uint8_t a[16], const uint8_t b[16])
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return x[0] == y[0] && x[1] == y[1];
}

bool addr_is_scoped(const struct addr *a)
{
    return a->family == ADDR_IPV6 && addr_is_link_local(a);
}

/* fe80::1 may be another's on each link; of one that came in a message nobody knows the link. */
static bool scope_same(const struct addr *a, const struct addr *b)
{
    return !addr_is_scoped(a) || a->ifindex == b->ifindex || a->ifindex == 0 || b->ifindex == 0;
}

bool addr_same(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && addr_same_host(a, b);
}

bool addr_same_host(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && ip_same(a->ip, b->ip) && scope_same(a, b);
}

bool addr_among(const struct addr *a, const struct addr *addrs, size_t count)
{
    size_t i = 0;
    while (i < count && !addr_same(&addrs[i], a)) {
        i++;
    }
    return i < count;
}

/* ::/96 and ::ffff:0:0/96. */
static bool disguised(const struct addr *a)
{
    static const uint8_t compatible[12] = {0}, mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a->ip, compatible, sizeof compatible) == 0 || memcmp(a->ip, mapped, sizeof mapped) == 0;
}

bool addr_is_endpoint(const struct addr *a)
{
    static const uint8_t none[16] = {0}, all[4] = {255, 255, 255, 255};
    if (a->port == 0 || ip_same(a->ip, none)) {
        return false;
    }
    return a->family == ADDR_IPV4   ? (a->ip[0] & 0xf0) != 0xe0 && memcmp(a->ip, all, sizeof all) != 0
           : a->family == ADDR_IPV6 ? a->ip[0] != 0xff && (!disguised(a) || addr_is_loopback(a))
                                    : false;
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return a->family == ADDR_IPV4 ? a->ip[0] == 127 : a->family == ADDR_IPV6 && ip_same(a->ip, one);
}

bool addr_is_link_local(const struct addr *a)
{
    return a->family == ADDR_IPV4   ? a->ip[0] == 169 && a->ip[1] == 254
           : a->family == ADDR_IPV6 ? a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80
                                    : false;
}

struct path path_group(void)
{
    return (struct path){.kind = PATH_GROUP};
}

struct path path_unicast(const struct addr *to)
{
    return (struct path){.kind = PATH_UNICAST, .addr = *to};
}
