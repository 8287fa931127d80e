/* What the core wants done: a bounded queue which the caller owns, passes to every call, and drains after it.
 */
#ifndef GOSSIP_EFFECT_H
#define GOSSIP_EFFECT_H

#include "identity.h"
#include "tags.h"

#define DATAGRAM_MAX 1200 /* bytes; fits every path that carries IPv6's minimum of 1280 */

/* Effects that one call may make; the core stops early and asks to be called again. */
#define EFFECTS_MAX 256

enum effect_type { EFFECT_SEND = 1, EFFECT_EVENT };

enum event_type {
    EVENT_SNAPSHOT = 1, /* the owner wants every listed peer: walk gossip_peers() */
    EVENT_UP,           /* a peer is listed */
    EVENT_UPDATE,       /* a listed peer changed (address, port, status, a new sidecar of the same BEAM) */
    EVENT_DOWN,         /* a listed peer is gone, for `reason` */
    EVENT_CONFLICT,     /* `peer` has the name of `other`, both alive; once for each pair */
    EVENT_SETTLED,      /* `peer`, of whom a conflict was told, is gone, and was never listed */
    EVENT_HEALTH,       /* `health` of this node's view has changed */
    EVENT_HEARTBEAT,    /* a beat of `peer` was heard; only when asked for */
    EVENT_HEARD,        /* a peer that only others had told of was heard in person */
    EVENT_LINK,         /* `link`: what goes to the group does not arrive there, or does again */
    EVENT_RELAYED, /* datagrams for this member keep coming that were sent to another address; told once */
    EVENT_LEFT, /* the last goodbye is on its way; no peer is listed any more, and of no link anything holds
                 */
    EVENT_DISCONNECTED, /* `peer` says that its node has ended the connection to this one, on purpose,
                           `ago_ms` ago */
};

enum peer_status { STATUS_ALIVE = 1, STATUS_SUSPECT, STATUS_STALLED };
enum down_reason { DOWN_LEFT = 1, DOWN_BEAM_EXIT, DOWN_SILENT };
enum health { HEALTH_OK = 0, HEALTH_ISOLATED = 1 };
enum cookie_match { COOKIE_UNKNOWN = 0, COOKIE_SAME, COOKIE_DIFFERS };

/* A listed peer as the owner sees it. */
struct peer_view {
    struct identity id;
    uint8_t status; /* enum peer_status */
    uint8_t cookie; /* enum cookie_match */
    bool heard;     /* in person; else only others have told of it */
    uint8_t addr_count;
    struct addr addrs[PEER_ADDRS]; /* UDP endpoints, the one to use first is the first */
    struct host host;
    struct tags tags;
};

/* How the group's datagrams do on one link. */
struct link_view {
    uint32_t ifindex; /* of the interface */
    uint16_t deaf;    /* none arrives, though so many peers were heard by unicast there; 0: some do */
    uint16_t mute;    /* this member's do not arrive at so many peers there; 0: they do */
    bool lapsed;      /* one of them is 0 since it cannot be told any more */
};

struct event {
    uint8_t type;   /* enum event_type */
    uint8_t reason; /* enum down_reason */
    uint8_t health; /* enum health */
    uint16_t ago_ms;
    struct link_view link;
    struct peer_view peer;
    struct peer_view other;
};

struct effect {
    uint8_t type; /* enum effect_type */
    union {
        struct {
            struct path path;
            uint16_t len;
            uint8_t data[DATAGRAM_MAX];
        } send;
        struct event event;
    } as;
};

/* A ring. Zeroed memory is an empty queue. */
struct effects {
    size_t head;
    size_t count;
    uint64_t refused; /* pushes that found it full */
    struct effect ring[EFFECTS_MAX];
};

/* Room for so many more. */
size_t effects_room(const struct effects *fx);

/* The next free effect, zeroed except for the send data, its type set; NULL (and counted) when full. */
struct effect *effects_push(struct effects *fx, uint8_t type);

/* The oldest effect, valid until the next call on `fx`; NULL when empty. */
const struct effect *effects_pop(struct effects *fx);

#endif
