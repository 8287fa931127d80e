#include "addr.h"

#include <stdio.h>
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

bool addr_same(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->port == b->port && ip_same(a->ip, b->ip);
}

struct path path_group(void)
{
    return (struct path){.kind = PATH_GROUP};
}

struct path path_unicast(const struct addr *to)
{
    return (struct path){.kind = PATH_UNICAST, .addr = *to};
}

/* RFC 5952: the longest run of two or more zero groups, the first of equals, is written as "::". */
static void text_ipv6(const uint8_t ip[static 16], uint16_t port, char out[static ADDR_TEXT])
{
    size_t run = 8;
    size_t run_len = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t len = 0;
        while (i + len < 8 && ip[2 * (i + len)] == 0 && ip[2 * (i + len) + 1] == 0) {
            len++;
        }
        if (len > run_len) {
            run = i;
            run_len = len;
        }
    }
    size_t n = (size_t)snprintf(out, ADDR_TEXT, "[%s", run == 0 ? ":" : "");
    for (size_t i = 0; i < 8; i++) {
        unsigned group = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
        if (i == run) {
            n += (size_t)snprintf(out + n, ADDR_TEXT - n, ":");
        } else if (i < run || i >= run + run_len) {
            n += (size_t)snprintf(out + n, ADDR_TEXT - n, i < 7 ? "%x:" : "%x", group);
        }
    }
    (void)snprintf(out + n, ADDR_TEXT - n, "]:%u", port);
}

const char *addr_text(const struct addr *a, char out[static ADDR_TEXT])
{
    const uint8_t *b = a->ip;
    if (a->family == ADDR_IPV4) {
        (void)snprintf(out, ADDR_TEXT, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], a->port);
    } else if (a->family == ADDR_IPV6) {
        text_ipv6(a->ip, a->port, out);
    } else {
        (void)snprintf(out, ADDR_TEXT, "nowhere");
    }
    return out;
}
