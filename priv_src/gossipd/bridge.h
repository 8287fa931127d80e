/* libcluster's wire, beside our own (the option compat): a socket of its own, on which this node says its
 * name as libcluster's Gossip strategy does, and hears whom that names. What is heard there proves nothing,
 * so the core never sees it: a name goes up to the owner, and nothing else.
 *
 * Nothing here blocks, and nothing ends the sidecar: where the socket cannot be had, that is told once, and
 * tried again with each look at the links. */
#ifndef GOSSIP_BRIDGE_H
#define GOSSIP_BRIDGE_H

#include "cbc.h"
#include "legacy_names.h"
#include "legacy_udp.h"
#include "uplink.h"

/* Between two beats: 1 ms to this, at random, as libcluster has it. */
#define BRIDGE_BEAT_MAX (5 * SECOND_US)

/* What is looked at of what comes. 256 nodes beat 102 times a second. */
#define BRIDGE_BURST      512
#define BRIDGE_PER_SECOND 256

/* Memberships are renewed when the system has told of its links, once a second at most, and so often: see
 * LINKS_REPORT_GAP. */
#define BRIDGE_RENEW_GAP (1 * SECOND_US)

struct bridge_options {
    struct addr group; /* address and port */
    uint8_t ttl;
    bool sealed; /* with a secret, which may be empty */
    const uint8_t *secret;
    size_t secret_len;
};

struct bridge {
    bool on;
    struct bridge_options options; /* without the secret */
    struct cbc *cbc;               /* owned; NULL: in the clear */
    struct log *log;
    struct legacy_udp udp;
    bool open; /* its socket could be had */
    bool complained;
    struct name own; /* of length 0: it is not said, and nobody is heard */
    int64_t beat_at;
    bool stale; /* the system has told of its links since */
    int64_t renewed_at;
    struct bucket bucket;
    struct legacy_names *names; /* owned; they are large, and few want them */
    struct legacy_stats stats;
};

/* Switches it on; a look is to follow. `log` must outlive it. Zeroed memory is off. 0, or -1 and a fault: it
 * is on already, memory is short, or there is a secret and no libcrypto. */
int bridge_open(struct bridge *b, const struct bridge_options *options, struct log *log, struct fault *fault);
void bridge_close(struct bridge *b);

/* Says this name from now on, at once for the first time; or none, where it is NULL. */
void bridge_name(struct bridge *b, const struct name *name, int64_t now);

/* These interfaces are in use. */
void bridge_look(struct bridge *b, const struct interface *interfaces, size_t count, int64_t now);

/* The system has told of its links: what was joined may be another interface by now. */
void bridge_links_changed(struct bridge *b);

/* When bridge_tick wants to be called; NEVER also while it is off. */
int64_t bridge_deadline(const struct bridge *b);

/* Says the name, if it is time. */
void bridge_tick(struct bridge *b, int64_t now);

/* To be polled for input; then call bridge_receive. -1: there is none. */
int bridge_descriptor(const struct bridge *b);

/* Takes what has come, as much as one wake-up may, and tells whom it names. */
void bridge_receive(struct bridge *b, struct uplink *uplink, int64_t now);

#endif
