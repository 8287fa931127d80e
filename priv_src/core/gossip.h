/* The membership protocol, sans-IO. No system call, no clock, no allocation in the steady state: time
 * (microseconds of a monotonic clock) and randomness are arguments, and what is to be done comes out as
 * effects.
 *
 * Life: gossip_new -> any of receive / command / tick, in any order, `now` never going back -> gossip_free.
 * After each call drain `fx`, then call gossip_tick no later than gossip_deadline(). PROTOCOL.md is the
 * specification. */
#ifndef GOSSIP_GOSSIP_H
#define GOSSIP_GOSSIP_H

#include "command.h"

#define SECOND_US INT64_C(1000000)
#define MS_US     INT64_C(1000)
#define NEVER     INT64_MAX

/* Fills `out` with random bytes. Unpredictable ones in gossipd; a seeded stream in the simulator. */
typedef void gossip_random(void *context, void *out, size_t len);

/* How datagrams are sealed: gossip_sealed in everything that meets a network; the simulator may put a cheaper
 * one in place. */
struct gossip_sealing {
    int (*match)(const struct keyring *ring, const uint8_t *datagram, size_t len);
    void (*close)(const struct keyring *ring, const uint8_t nonce[static SEAL_NONCE], const uint8_t *message,
                  size_t len, uint8_t *datagram);
    int (*open)(const struct keyring *ring, int index, const uint8_t *datagram, size_t len, uint8_t *message);
};
extern const struct gossip_sealing gossip_sealed;

struct gossip_options {
    uint32_t interval_ms; /* T_min, the shortest interval between beats; default 1000, from 100 to 60000 */
    uint32_t max_peers;   /* bound of the roster; default 4096, from 1 to 65535 */
    uint8_t heartbeats;   /* 1: an EVENT_HEARTBEAT for each beat heard */
    struct keyring keys;
    gossip_random *random;
    void *random_context;
    const struct gossip_sealing *sealing;
};

/* Counters since the start. Each refused datagram is counted once. */
struct gossip_stats {
    uint64_t received, sent, bytes_received, bytes_sent;
    uint64_t foreign;                    /* wrong magic, version or key tag: another cluster, or junk */
    uint64_t forged;                     /* right tag, but the seal does not open */
    uint64_t malformed;                  /* sealed by a holder of the key, yet not decodable */
    uint64_t replayed;                   /* seen before, or too old */
    uint64_t own;                        /* our own multicast, heard back */
    uint64_t unproven;                   /* from senders that have not answered a fresh nonce (yet) */
    uint64_t refused_full, refused_rate; /* newcomers refused: the table is full; too many in a second */
    uint64_t answers_limited;            /* answers not given: too many to one source */
    uint64_t opened[KEYRING_MAX];        /* datagrams opened, by key of the ring */
    uint32_t listed, pending;            /* peers now listed; now heard but unproven */
    uint32_t interval_ms;                /* T now */
    uint8_t health;                      /* enum health */
};

struct gossip;

/* A new member that listens but does not announce itself until COMMAND_ALIVE. NULL when memory is short. */
struct gossip *gossip_new(const struct gossip_options *options, int64_t now);

/* Frees it and wipes its keys. NULL is allowed. */
void gossip_free(struct gossip *g);

/* A datagram came in over `from` (kind PATH_GROUP: by multicast; addr: its source). Any bytes are allowed. */
void gossip_receive(struct gossip *g, struct effects *fx, int64_t now, const struct path *from,
                    const uint8_t *datagram, size_t len);

/* Time passes. Harmless when nothing is due. */
void gossip_tick(struct gossip *g, struct effects *fx, int64_t now);

/* The owner asks for something. */
void gossip_command(struct gossip *g, struct effects *fx, int64_t now, const struct command *command);

/* When gossip_tick wants to be called, microseconds; NEVER when nothing is pending. */
int64_t gossip_deadline(const struct gossip *g);

/* This member's boot id. */
uint64_t gossip_boot(const struct gossip *g);

/* Calls `visit` for every listed peer, in no particular order, until it returns nonzero; returns that, or 0.
 */
int gossip_peers(const struct gossip *g, int (*visit)(void *context, const struct peer_view *peer),
                 void *context);

/* Counters and gauges, as of now. */
struct gossip_stats gossip_stats(const struct gossip *g);

#endif
