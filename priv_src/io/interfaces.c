#include "interfaces.h"

#include "ip.h"
#include "udp_system.h"

#include <fnmatch.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Does this item of a filter mean the candidate, by name or by address? */
static bool fits(const char *item, const struct candidate *c)
{
    char text[IP_TEXT];
    return fnmatch(item, c->interface.name, 0) == 0 || strcmp(item, ip_text(&c->interface.addr, text)) == 0;
}

/* Which items of the filter mean it: a bit for each. */
static uint32_t matches_of(const struct interface_filter *filter, const struct candidate *c)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < filter->count; i++) {
        if (fits(filter->items[i], c)) {
            bits |= UINT32_C(1) << i;
        }
    }
    return bits;
}

/* By the names that these programs give: what leads to containers and machines inside of this one. A bridge
 * that a person has made (br0) may well have a cable in it. */
static bool is_virtual(const char *name)
{
    static const char *const prefixes[] = {"docker", "veth",    "virbr",      "vnet", "lxcbr",
                                           "lxdbr",  "incusbr", "podman",     "cni",  "vmnet",
                                           "cali",   "vboxnet", "kube-bridge"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    /* A network of Docker's: br- and 12 hexadecimal digits. */
    return strncmp(name, "br-", 3) == 0 && strlen(name) == 15 && strspn(name + 3, "0123456789abcdef") == 12;
}

static void add(struct interface_list *out, const struct candidate *c)
{
    const struct interface *interface = &c->interface;
    for (size_t i = 0; i < out->count; i++) {
        if (out->items[i].index == interface->index && out->items[i].addr.family == interface->addr.family) {
            return;
        }
    }
    if (out->count == INTERFACES_MAX) {
        out->left_out++;
    } else {
        struct interface *chosen = &out->items[out->count++];
        *chosen = *interface;
        chosen->reach = c->loopback                   ? REACH_LOOPBACK
                        : is_virtual(interface->name) ? REACH_VIRTUAL
                                                      : REACH_LAN;
    }
}

static bool wanted(const struct interface_filter *filter, const struct candidate *c, uint32_t matches)
{
    switch (filter->mode) {
    case FILTER_ONLY:
        return matches != 0;
    case FILTER_EXCEPT:
        return matches == 0 && c->multicast && !c->loopback;
    default:
        return c->multicast && !c->loopback;
    }
}

/* What an interface is used by: any address of IPv4; of IPv6 its link-local one, since the group is
 * link-local, too, and loopback cannot multicast over IPv6 (it has no such address). */
static bool serves(const struct candidate *c, uint8_t family)
{
    return c->up && !c->unready && c->interface.addr.family == family &&
           (family == ADDR_IPV4 || addr_is_link_local(&c->interface.addr));
}

/* The matches of a candidate; of IPv6 also of all other addresses that its interface has. */
static uint32_t matches_of_all(const struct interface_filter *filter, const struct candidate *candidates,
                               size_t count, const struct candidate *c)
{
    uint32_t matches = matches_of(filter, c);
    for (size_t i = 0; i < count && filter->count > 0 && c->interface.addr.family == ADDR_IPV6; i++) {
        const struct interface *other = &candidates[i].interface;
        if (other->index == c->interface.index && other->addr.family == ADDR_IPV6) {
            matches |= matches_of(filter, &candidates[i]);
        }
    }
    return matches;
}

/* Adds what there is of this family; which items of the filter mean any of it. */
static uint32_t choose(const struct interface_filter *filter, const struct candidate *candidates,
                       size_t count, uint8_t family, struct interface_list *out)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct candidate *c = &candidates[i];
        uint32_t matches = serves(c, family) ? matches_of_all(filter, candidates, count, c) : 0;
        if (serves(c, family) && wanted(filter, c, matches)) {
            found |= matches;
            add(out, c);
        }
    }
    return found;
}

void interfaces_choose(const struct interface_filter *filter, const struct candidate *candidates,
                       size_t count, struct interface_list *out)
{
    *out = (struct interface_list){0};
    uint32_t found = choose(filter, candidates, count, ADDR_IPV4, out);
    if (filter->ipv6) {
        found |= choose(filter, candidates, count, ADDR_IPV6, out);
    }
    if (filter->mode == FILTER_ONLY) {
        for (unsigned i = 0; i < filter->count; i++) {
            out->missing |= ~found & UINT32_C(1) << i;
        }
        return;
    }
    for (size_t i = 0; i < count && out->count == 0; i++) {
        const struct candidate *c = &candidates[i];
        if (serves(c, ADDR_IPV4) && c->loopback &&
            (filter->mode != FILTER_EXCEPT || matches_of(filter, c) == 0)) {
            add(out, c);
            out->fallback = true;
        }
    }
}

void interfaces_judge(struct network *n, const struct interface_filter *filter, uint32_t missing)
{
    n->reach = REACH_NONE;
    for (size_t i = 0; i < n->count; i++) {
        n->reach = n->items[i].reach > n->reach ? n->items[i].reach : n->reach;
    }
    n->missing_count = 0;
    for (unsigned i = 0; i < filter->count; i++) {
        if ((missing & UINT32_C(1) << i) != 0) {
            memcpy(n->missing[n->missing_count++], filter->items[i], FILTER_TEXT);
        }
    }
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

/* The interface that this address is on, and its number: 0 where there is none. */
static uint32_t interface_of(const struct ifaddrs *a, char name[static INTERFACE_NAME])
{
    size_t len = strcspn(a->ifa_name, ":"); /* an alias such as eth0:1 is a label; the interface is eth0 */
    if (a->ifa_addr == NULL || len >= INTERFACE_NAME) {
        return 0;
    }
    memcpy(name, a->ifa_name, len);
    name[len] = '\0';
    return udp_system_interface(name);
}

/* What has been found so far. */
struct found {
    bool ipv6;                    /* wanted */
    struct candidate *candidates; /* room for CANDIDATES_MAX */
    size_t count;
    struct subnets *subnets; /* NULL: nobody asks */
};

static void note(struct found *f, const struct ifaddrs *a)
{
    struct candidate c = {.up = (a->ifa_flags & IFF_UP) != 0,
                          .multicast = (a->ifa_flags & IFF_MULTICAST) != 0,
                          .loopback = (a->ifa_flags & IFF_LOOPBACK) != 0};
    c.interface.running = (a->ifa_flags & IFF_RUNNING) != 0;
    c.interface.broadcast = (a->ifa_flags & IFF_BROADCAST) != 0;
    c.interface.index = interface_of(a, c.interface.name);
    if (c.interface.index == 0) {
        return;
    }
    int family = a->ifa_addr->sa_family;
    c.interface.addr = address_of(a->ifa_addr, family, c.interface.index);
    bool six = c.interface.addr.family == ADDR_IPV6;
    if ((c.interface.addr.family == ADDR_IPV4 || (six && f->ipv6)) && f->count < CANDIDATES_MAX) {
        c.unready =
            six && c.up && addr_is_link_local(&c.interface.addr) && !udp_system_is_ready(&c.interface.addr);
        f->candidates[f->count++] = c;
    }
    if (f->subnets != NULL && c.up && c.interface.addr.family != ADDR_NONE) {
        bool two_ends = (a->ifa_flags & IFF_POINTOPOINT) != 0;
        struct addr mask = address_of(a->ifa_netmask, family, 0);
        struct addr other = address_of(two_ends ? a->ifa_dstaddr : NULL, family, 0);
        subnets_add(f->subnets, &c.interface.addr, &mask, &other);
    }
}

/* The system tells hardware addresses apart from the others, by the interfaces' names. */
static void add_hardware(const struct ifaddrs *all, struct interface_list *list)
{
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        uint64_t hardware = a->ifa_addr != NULL ? udp_system_hardware(a->ifa_addr) : 0;
        for (size_t i = 0; i < list->count && hardware != 0; i++) {
            if (strcmp(list->items[i].name, a->ifa_name) == 0) {
                list->items[i].hardware = hardware;
            }
        }
    }
}

int interfaces_list(const struct interface_filter *filter, struct interface_list *out,
                    struct subnets *subnets)
{
    struct found found = {.ipv6 = filter->ipv6,
                          .candidates = calloc(CANDIDATES_MAX, sizeof *found.candidates),
                          .subnets = subnets};
    struct ifaddrs *all = NULL;
    *out = (struct interface_list){0};
    if (found.candidates == NULL || getifaddrs(&all) != 0) {
        free(found.candidates);
        return -1;
    }
    if (subnets != NULL) {
        subnets->count = 0;
    }
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        note(&found, a);
    }
    interfaces_choose(filter, found.candidates, found.count, out);
    add_hardware(all, out);
    freeifaddrs(all);
    free(found.candidates);
    return 0;
}
