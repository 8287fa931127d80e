/* What a member counts. */
#ifndef GOSSIP_STATS_H
#define GOSSIP_STATS_H

#include "seal.h"

/* Counters since the start. Each refused datagram is counted once. */
struct gossip_stats {
    uint64_t received, sent, bytes_received, bytes_sent;
    uint64_t foreign;     /* wrong magic, version or key tag: another cluster, or junk */
    uint64_t forged;      /* right tag, but the seal does not open */
    uint64_t malformed;   /* sealed by a holder of the key, yet not decodable */
    uint64_t copies;      /* of what came just before, by a second link or repeated: not even decrypted */
    uint64_t replayed;    /* seen before */
    uint64_t stale;       /* too late for what else is heard of the sender: tells nothing */
    uint64_t misdirected; /* for another member, or said to one and heard by the group, or so */
    uint64_t relayed;     /* for this member, but sent to another address: see `advertise` */
    uint64_t own;         /* our own multicast, heard back */
    uint64_t unproven;    /* from senders that have not answered a fresh nonce (yet) */
    uint64_t refused_full, refused_rate; /* newcomers refused: the table is full; too many in a second */
    uint64_t refused_memory;             /* newcomers, and strangers to be asked, while memory was short */
    uint64_t timers_refused;             /* timers that found no room; what a member lives by needs none */
    uint64_t answers_limited;            /* answers not given: too many to one source */
    uint64_t opened[KEYRING_MAX];        /* datagrams opened, by key of the ring */
    uint32_t listed, pending;            /* peers now listed; now heard but unproven */
    uint32_t interval_ms;                /* T now */
    uint32_t key_tag; /* of the key that seals, as it stands in the clear in each datagram */
    uint8_t health;   /* enum health */
};

#endif
