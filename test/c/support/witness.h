/* Looks over the shoulder of one member, and holds what it does against the promises of gossip.h and
 * PROTOCOL.md:
 *
 *   - nobody is told of who has not echoed a nonce that the member sent to it, or to all, less than 2 s ago,
 * or been vouched for by one who has, or who was vouched for in turn: in its news, or on the page that the
 *     member had asked it for;
 *   - an address is a peer's only when it was asked there, or says itself that it is its own, or as a voucher
 *     named it;
 *   - what was sent to another member, or to another address, or to all when it is for one, causes nothing at
 * all;
 *   - nobody is taken to live for a datagram that is a copy, late, or was sent elsewhere (witness_life.h);
 *   - no up without a down between for a name or a boot id, no down or update for who is not listed, and what
 *     gossip_peers() lists is just what was told;
 *   - what it says in flags is so (witness_flags.h);
 *   - nothing is sent while it is not announced; what is sent fits a datagram, opens, decodes, is by itself,
 * and is numbered 1, 2, 3 ...;
 *   - a stranger's datagram, recorded or forged, causes one datagram at most, and no event; and when all hear
 *     it, that is so short that as many as may answer send at most three times as many bytes as came;
 *   - the owner knows the member's health, whatever becomes of it;
 *   - no table grows beyond its bound, no effect is lost, the deadline is neither past nor far.
 *
 * A broken promise is printed, and ends the program: fuzzers and unit tests alike. The witness judges
 * broadly: what it allows need not be right, what it forbids is wrong. */
#ifndef TEST_SUPPORT_WITNESS_H
#define TEST_SUPPORT_WITNESS_H

#include "gossip.h"
#include "message/wire.h"
#include "witness_flags.h"
#include "witness_life.h"

#define WITNESS_MAX    512
#define WITNESS_ASKED  512
#define WITNESS_CLAIMS 64

struct witness {
    const struct gossip *g;
    struct gossip_options options;
    const char *label; /* for what it prints */
    struct identity self;
    bool announced;
    bool loud;      /* may send in this step: it is announced, or was when the step began */
    bool stranger;  /* this step is a datagram of somebody who proved nothing */
    bool unheard;   /* this step is a datagram of one that does not hear it by the group */
    bool misplaced; /* this step is a datagram that is not for this member */
    size_t limit;   /* bytes that a stranger's datagram may cause */
    size_t sent;    /* in this step */
    uint8_t health;
    uint16_t deaf, mute; /* of the link of no number, which is all that most tests have */
    size_t asked_next;
    uint64_t sent_boot, sent_sequence;
    size_t listed, trusted, places;
    struct { /* of these arrays, so many count */
        uint64_t boot;
        uint32_t creation;
        struct name name;
    } list[WITNESS_MAX];
    struct {                  /* what it asked lately; a ring */
        uint64_t nonce, boot; /* boot 0: all */
        struct addr addr;
        int64_t at;
        bool page; /* asked for one, and has not got it */
    } asked[WITNESS_ASKED];
    size_t claims_next;
    struct { /* where others were heard last, if it was an address that they say is their own; a ring */
        uint64_t boot; /* 0: it was not */
        struct addr addr;
    } claims[WITNESS_CLAIMS];
    size_t heard_next;
    struct { /* where others were heard, copies among it: it is theirs when they say so, even later; a ring */
        uint64_t boot;
        struct addr addr;
    } heard[WITNESS_CLAIMS];
    uint64_t trust[WITNESS_MAX];
    struct {
        uint64_t boot;
        struct addr addr;
    } place[WITNESS_MAX];
    struct witness_life life;
    struct witness_flags flags;
};

/* Begins with a new, silent member. `label` must outlive it. */
void witness_start(struct witness *w, const struct gossip *g, const struct gossip_options *options,
                   const char *label);

/* Before the member is called, whatever for. `clock`: the time, sleep included. */
void witness_clock(struct witness *w, int64_t now, int64_t clock);

/* Before the member is given this. */
void witness_command(struct witness *w, const struct command *c);
void witness_receive(struct witness *w, int64_t clock, const struct path *from, const struct origin *origin,
                     const uint8_t *datagram, size_t len);

/* Each thing that it did then. */
void witness_effect(struct witness *w, int64_t clock, const struct effect *e);

/* When all of them are seen. `ticked`: the step was a tick, and left room for more effects. */
void witness_after(struct witness *w, const struct effects *fx, int64_t now, bool ticked);

/* The nonce that the member asked all to echo last; 0 when it never did. */
uint64_t witness_nonce(const struct witness *w);

/* Opens a datagram with the member's own ring and decodes it; 0 or -1. */
int witness_open(const struct witness *w, const uint8_t *datagram, size_t len, struct wire_message *m);

#endif
