#include "ip.h"

#include <arpa/inet.h>
#include <string.h>

_Static_assert(IP_TEXT >= INET6_ADDRSTRLEN, "every address has room");

const char *ip_text(const struct addr *a, char out[static IP_TEXT])
{
    int family = a->family == ADDR_IPV4 ? AF_INET : a->family == ADDR_IPV6 ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC || inet_ntop(family, a->ip, out, IP_TEXT) == NULL) {
        memcpy(out, "nowhere", sizeof "nowhere");
    }
    return out;
}

static int parse(int family, const uint8_t *text, size_t len, void *ip)
{
    char copy[INET6_ADDRSTRLEN];
    if (len >= sizeof copy || memchr(text, '\0', len) != NULL) {
        return -1;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return inet_pton(family, copy, ip) == 1 ? 0 : -1;
}

int ip_parse_v4(const uint8_t *text, size_t len, uint8_t ip[static 4])
{
    return parse(AF_INET, text, len, ip);
}

int ip_parse_v6(const uint8_t *text, size_t len, uint8_t ip[static 16])
{
    return parse(AF_INET6, text, len, ip);
}

int ip_parse_group(const uint8_t *text, size_t len, uint8_t ip[static 4])
{
    return ip_parse_v4(text, len, ip) == 0 && ip[0] >= 224 && ip[0] <= 239 ? 0 : -1;
}

int ip_parse_group6(const uint8_t *text, size_t len, uint8_t ip[static 16])
{
    return ip_parse_v6(text, len, ip) == 0 && ip[0] == 0xff && (ip[1] & 0x0f) == 0x02 ? 0 : -1;
}
