/* Looks over the shoulder of one member, and holds what it does against the promises of gossip.h and
 * PROTOCOL.md:
 *
 *   - nobody is told of who has not echoed one of the member's last two nonces, or been vouched for by one
 * who has, or who was vouched for in turn;
 *   - an address is a peer's only after an echo from there, or as a voucher named it;
 *   - no up without a down between for a name or a boot id, no down or update for who is not listed, and what
 *     gossip_peers() lists is just what was told;
 *   - nothing is sent while it is not announced; what is sent fits a datagram, opens, decodes, is by itself,
 * and is numbered 1, 2, 3 ...;
 *   - a stranger's datagram, recorded or forged, causes two datagrams at most, and no event;
 *   - no table grows beyond its bound, no effect is lost, the deadline is neither past nor far.
 *
 * A broken promise is printed, and ends the program: fuzzers and unit tests alike. The witness judges
 * broadly: what it allows need not be right, what it forbids is wrong. */
#ifndef TEST_SUPPORT_WITNESS_H
#define TEST_SUPPORT_WITNESS_H

#include "gossip.h"
#include "message/wire.h"

#define WITNESS_MAX 512

struct witness {
    const struct gossip *g;
    struct gossip_options options;
    const char *label; /* for what it prints */
    struct identity self;
    bool announced;
    bool loud;     /* may send in this step: it is announced, or was when the step began */
    bool stranger; /* this step is a datagram of somebody who proved nothing */
    size_t sent;   /* in this step */
    uint8_t health;
    uint64_t nonces[2];
    uint64_t sent_boot, sent_sequence;
    size_t listed, trusted, places;
    struct { /* of these arrays, so many count */
        uint64_t boot;
        uint32_t creation;
        struct name name;
    } list[WITNESS_MAX];
    uint64_t trust[WITNESS_MAX];
    struct {
        uint64_t boot;
        struct addr addr;
    } place[WITNESS_MAX];
};

/* Begins with a new, silent member. `label` must outlive it. */
void witness_start(struct witness *w, const struct gossip *g, const struct gossip_options *options,
                   const char *label);

/* Before the member is given this. */
void witness_command(struct witness *w, const struct command *c);
void witness_receive(struct witness *w, const struct path *from, const uint8_t *datagram, size_t len);

/* Each thing that it did then. */
void witness_effect(struct witness *w, const struct effect *e);

/* When all of them are seen. `ticked`: the step was a tick, and left room for more effects. */
void witness_after(struct witness *w, const struct effects *fx, int64_t now, bool ticked);

/* Opens a datagram with the member's own ring and decodes it; 0 or -1. */
int witness_open(const struct witness *w, const uint8_t *datagram, size_t len, struct wire_message *m);

#endif
