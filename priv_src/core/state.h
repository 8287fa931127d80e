/* Inside of the core: the member's state, and what its files offer one another. Nobody else includes this.
 *
 *     gossip.c   life, commands, what a datagram passes before it is believed, timers
 *     send.c     messages out
 *     join.c     questions, answers, first contact
 *     members.c  listed, changed, gone; names and rivals
 *     watch.c    silence
 */
#ifndef GOSSIP_STATE_H
#define GOSSIP_STATE_H

#include "intervals.h"
#include "limits.h"
#include "roster.h"
#include "timers.h"
#include "wire.h"

enum timer_kind {
    TIMER_BEAT = 1, /* the next heartbeat; step: question number, or BEAT_STEADY */
    TIMER_ANSWER,   /* an unproven member is asked again */
    TIMER_SILENCE,  /* a peer may have been silent too long */
    TIMER_RIVAL,    /* a peer whose name is claimed is probed; step: which time */
    TIMER_GOODBYE,  /* step: which repetition */
    TIMER_FORGET,   /* a tombstone's end */
};
#define BEAT_STEADY 255

struct gossip {
    struct gossip_options options;
    struct identity self;
    uint8_t cookie_len;
    uint8_t cookie[COOKIE_MAX];
    bool announced;
    bool leaving;
    uint8_t leave_reason;
    uint8_t beat_epoch;
    int64_t lag;   /* time this process was stopped for; the core's own time stands still meanwhile */
    int64_t now;   /* the core's own time: the caller's less the lag */
    int64_t pulse; /* last sign of life of the BEAM */
    int64_t beat_due;
    uint64_t sequence;
    uint64_t salt;
    uint64_t nonce, nonce_before;
    int64_t nonce_since;
    struct roster roster;
    struct timers timers;
    struct sources sources;
    struct bucket answers, newcomers;
    struct gossip_stats stats;
};

/* gossip.c */
uint32_t random_u32(struct gossip *g);
uint64_t random_u64(struct gossip *g);
/* T for the group as it is now, microseconds. */
int64_t current_interval(const struct gossip *g);
/* Fires `kind` about `boot` after `delay`. */
void set_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step);

/* send.c */
/* Starts a message: clears it and fills in what every message of this member says. */
void message_start(struct gossip *g, struct wire_message *m, uint8_t type);
void message_echo(struct wire_message *m, uint64_t boot, uint64_t nonce);
/* Seals it and asks for it to be sent. Nothing is sent while this member is not announced. */
void message_send(struct gossip *g, struct effects *fx, const struct path *path,
                  const struct wire_message *m);
/* Whether this was our nonce a short while ago. */
bool nonce_is_ours(const struct gossip *g, uint64_t nonce);

/* join.c */
void join_start(struct gossip *g);
void join_beat(struct gossip *g, struct effects *fx, const struct timer *t);
/* Someone unproven was heard: asks it to answer a nonce of ours. */
void join_prove(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                const struct path *from);
void join_retry(struct gossip *g, struct effects *fx, const struct timer *t);
/* Whether the message answers a fresh nonce of ours. */
bool join_answered(const struct gossip *g, const struct wire_message *m);
/* Gives the sender the echo it asked for, if it asked. */
void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);
/* Sends a PROBE to a proven member at its best address. */
void join_probe(struct gossip *g, struct effects *fx, const struct peer *p);

/* members.c */
struct peer_view member_view(const struct peer *p);
/* The sender has just proven itself at this address. Lists it, or brings it back. NULL when it may not be
 * listed. */
struct peer *member_proven(struct gossip *g, struct effects *fx, const struct wire_message *m,
                           uint64_t sequence, const struct path *from);
/* A fresh datagram of a listed member: takes over what it says of itself. */
void member_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  bool newest);
/* It is gone; a tombstone stays, if there is room. The pointer is not to be used after. */
void member_gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason);
void member_rival_timer(struct gossip *g, struct effects *fx, const struct timer *t);
void member_forget_timer(struct gossip *g, const struct timer *t);

/* watch.c */
/* Begins to watch a member, or begins anew. */
void watch_start(struct gossip *g, struct peer *p);
void watch_timer(struct gossip *g, struct effects *fx, const struct timer *t);

#endif
