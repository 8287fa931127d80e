/* The port's terms: what the owner sends (decoded), and what it is told (encoded). The contract is part 3
 * of PROTOCOL.md; GossipCluster.Sidecar.Codec is the twin. libei is known to term_*.c alone, which
 * includes what they share, term_cursor.h. */
#ifndef GOSSIP_TERM_H
#define GOSSIP_TERM_H

#include "command.h"
#include "fault.h"
#include "gossip.h"
#include "interfaces.h"
#include "udp.h"

#define PORT_VERSION 1   /* of this contract: `version` in the configuration */
#define MEASURES_MAX 512 /* in one answer: 20 KiB of a frame */
#define SIBLINGS_MAX 64  /* sidecars of other clusters of one Erlang VM that are told apart */

/* Secrets as they stand in the frame: they point into it, and end with it. */
struct secrets {
    uint8_t count;
    struct secret {
        uint8_t kind; /* enum secret_kind */
        const uint8_t *data;
        size_t len;
    } items[KEYRING_MAX];
};

struct config {
    uint8_t label_len;
    char label[LABEL_MAX];
    struct addr group;     /* with the port */
    struct addr group6;    /* without; no family: IPv4 alone */
    struct addr advertise; /* where others reach this node; no family: as it is; port 0: whatever the port */
    uint16_t unicast_first, unicast_last; /* the private port is one of these if it can be; 0: any */
    uint8_t ttl;
    bool broadcast;
    bool heartbeats;
    uint32_t interval_ms;
    uint32_t max_peers;
    struct interface_filter interfaces;
};

/* The private UDP ports of the sidecars that the same Erlang VM has for its other clusters. */
struct siblings {
    uint8_t count;
    uint16_t ports[SIBLINGS_MAX];
};

/* Where members may be found whom no multicast reaches. */
struct seed_list {
    uint8_t count;
    struct seed items[SEEDS_MAX];
};

enum message_type {
    MESSAGE_CONFIGURE = 1,
    MESSAGE_COMMAND,
    MESSAGE_SIBLINGS,
    MESSAGE_SEEDS,
    MESSAGE_STATS,
    MESSAGE_MEASURES,
    MESSAGE_COMPAT
};

/* One frame from the owner. Holds secrets (in the command, and by pointer): overwrite it after use. */
struct message {
    uint8_t type; /* enum message_type */
    union {
        struct config config;   /* of MESSAGE_COMPAT, libcluster's wire: its group and TTL */
        struct command command; /* of COMMAND_KEYS the ring is empty: keys are derived from `secrets` */
        struct siblings siblings;
        struct seed_list seeds;
        uint32_t stats_ref;
        uint32_t measures_from; /* the first that is asked for, of the listed */
    } as;
    struct secrets secrets; /* of MESSAGE_COMPAT one, a passphrase of any length, or none */
};

/* Makes libei ready; 0, or -1. Call once before all else. */
int term_init(void);

/* Decodes one frame, any bytes of it, into `out`, which is valid as long as the frame is: 0, or -1 and a
 * fault whose text names what is wrong, and never holds a secret. */
int term_decode(const uint8_t *frame, size_t len, struct message *out, struct fault *fault);

/* The term that goes up, in a buffer that is used again and again: nothing is allocated a term. */
struct term;

/* What the sidecar itself counts, beside the core and the sockets. */
struct port_stats {
    uint64_t frames_dropped;     /* frames up that were dropped when the queue overflowed */
    uint64_t heartbeats_dropped; /* heartbeat frames over the rate */
    uint64_t logs_dropped;       /* log lines over the rate */
};

/* Of libcluster's wire. */
struct legacy_stats {
    uint64_t heard;   /* beats of other nodes */
    uint64_t sent;    /* datagrams, on each interface */
    uint64_t refused; /* what is no beat, is under another secret, or over a rate, or found no room */
};

struct stats {
    struct gossip_stats core;
    struct udp_stats udp;
    struct port_stats port;
    struct legacy_stats legacy;
    const struct interface *interfaces;
    size_t interface_count;
};

/* An empty one; NULL when memory is short. */
struct term *term_new(void);

/* NULL is allowed. */
void term_free(struct term *t);

/* The bytes of the term that was put last, valid until the next is; `len` is set. */
const void *term_bytes(const struct term *t, size_t *len);

/* Each puts one whole term (version byte included) into `t`: 0, or -1 when memory is short. */
int term_ready(struct term *t, const char *version, uint64_t boot, long pid, uint16_t unicast_port,
               const struct network *network);
int term_event(struct term *t, const struct event *event); /* all but EVENT_SNAPSHOT, which is -1 */
int term_health(struct term *t, uint8_t health);
int term_interfaces(struct term *t, const struct network *network);
int term_log(struct term *t, uint8_t level, const char *text);
int term_stats(struct term *t, uint32_t ref, const struct stats *stats);
int term_measures(struct term *t, uint32_t from, const struct measure *items, size_t count);
int term_error(struct term *t, const struct fault *fault);
int term_legacy(struct term *t, const struct name *name);
int term_atom(struct term *t, const char *atom);

/* A page of a snapshot is built in steps: begin, peer as often as wanted, end. */
int term_page_begin(struct term *t, bool first);
int term_page_peer(struct term *t, const struct peer_view *peer);
int term_page_end(struct term *t);

#endif
