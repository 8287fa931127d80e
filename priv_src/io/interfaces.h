/* Which network interfaces to use. */
#ifndef GOSSIP_INTERFACES_H
#define GOSSIP_INTERFACES_H

#include "addr.h"
#include "subnets.h"

#define INTERFACES_MAX 128 /* used at a time; one that has both families counts twice */
#define INTERFACE_NAME 16  /* bytes of a name, its NUL included (IF_NAMESIZE) */
#define FILTER_ITEMS   32  /* names or addresses in a filter */
#define FILTER_TEXT    46  /* bytes of one of them, its NUL included: the longest is an IPv6 address */
#define CANDIDATES_MAX 512 /* addresses of one host that are looked at */

/* Where an interface leads to, the farther the higher. */
enum reach {
    REACH_NONE = 0,
    REACH_LOOPBACK, /* this machine alone */
    REACH_VIRTUAL,  /* this machine's containers or virtual machines: a bridge that their software has made */
    REACH_LAN,      /* other machines, or so it seems */
};

/* An interface, over one family. */
struct interface {
    char name[INTERFACE_NAME];
    uint8_t reach;  /* enum reach; what `interfaces_choose` has not chosen does not say */
    bool running;   /* it has a carrier, as far as it can tell */
    bool broadcast; /* it can broadcast: no loopback, no link between two ends */
    uint32_t index;
    uint64_t hardware; /* its hardware address, or the first 8 bytes of it; 0: it has none, or none is told */
    struct addr addr;  /* the one that datagrams are sent from; of IPv6 it is link-local; its port is 0 */
};

enum filter_mode { FILTER_ALL = 1, FILTER_ONLY, FILTER_EXCEPT };

struct interface_filter {
    uint8_t mode; /* enum filter_mode */
    uint8_t count;
    bool ipv6;                             /* else IPv4 alone */
    char items[FILTER_ITEMS][FILTER_TEXT]; /* names and patterns of them (fnmatch(3)), or IP addresses: one of
                                              IPv6, whichever, means the interface over IPv6 */
};

/* One address of one interface, as the system tells it. */
struct candidate {
    struct interface interface;
    bool up, multicast, loopback;
    bool unready; /* nothing can be sent from it yet: tentative, as addresses of IPv6 are at first */
};

struct interface_list {
    size_t count;
    struct interface items[INTERFACES_MAX];
    uint32_t missing; /* a bit for each item of a FILTER_ONLY that nothing fits now */
    bool fallback;    /* loopback, because there is nothing else */
    size_t left_out;  /* interfaces beyond INTERFACES_MAX */
};

/* An interface on which what is sent to the group does not arrive; at least one of these is set. */
struct link_trouble {
    char name[INTERFACE_NAME];
    uint32_t index;
    uint16_t deaf; /* nothing of others arrives, though so many of them are heard by unicast there */
    uint16_t mute; /* nothing of this node arrives at so many who are */
    bool closed;   /* nothing arrives, not even what this node sends itself */
};

/* What the owner is told of the network. */
struct network {
    uint8_t reach; /* enum reach: of the farthest of the interfaces; none without any */
    uint8_t missing_count;
    char missing[FILTER_ITEMS][FILTER_TEXT]; /* items of a FILTER_ONLY that nothing fits */
    size_t count;
    struct interface items[INTERFACES_MAX]; /* what multicasts go out on */
    size_t trouble_count;
    struct link_trouble troubles[INTERFACES_MAX];
};

/* Sets all but the items, from these and from what is missing of the filter (as in interface_list). Pure. */
void interfaces_judge(struct network *n, const struct interface_filter *filter, uint32_t missing);

/* Chooses: what is up and can multicast, once an interface and family (by its first fitting address; of IPv6
 * by its link-local one, as soon as it is ready), filtered; those of IPv4 first; loopback, over IPv4, only
 * where there is no other, or when named; what is named is taken though it does not say that it can
 * multicast. Pure. */
void interfaces_choose(const struct interface_filter *filter, const struct candidate *candidates,
                       size_t count, struct interface_list *out);

/* Asks the system and chooses: 0, or -1 and errno (the list is then empty, and `subnets` as it was). Fills in
 * `subnets` too, which may be NULL. It is a fresh look each time: a watcher (rtnetlink) needs only to say
 * when to call it again. */
int interfaces_list(const struct interface_filter *filter, struct interface_list *out,
                    struct subnets *subnets);

#endif
