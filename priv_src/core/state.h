/* Inside of the core: the member's state, and what its files offer one another. Nobody else includes this.
 *
 *     gossip.c    life, commands, what a datagram passes before it is believed, timers
 *     announce.c  this member comes and goes
 *     send.c      messages out
 *     ranks.c     who is to act, and who may help
 *     join.c      beats, questions, answers, first contact
 *     pages.c     the roster, page by page
 *     members.c   listed, changed, gone; names and rivals: what the owner is told
 *     vouch.c     who has proven a member spares the others
 *     watch.c     silence, probes
 *     relay.c     probes by way of others
 *     verdict.c   suspect, dead, left: said, believed, refuted
 *     isolate.c   is it me?
 */
#ifndef GOSSIP_STATE_H
#define GOSSIP_STATE_H

#include "bucket.h"
#include "intervals.h"
#include "roster.h"
#include "timers.h"
#include "wire.h"

enum timer_kind {
    TIMER_BEAT = 1, /* the next heartbeat; step: question number, or BEAT_STEADY */
    TIMER_ANSWER,   /* an unproven member is asked, again */
    TIMER_SILENCE,  /* some peer may have been silent too long */
    TIMER_RIVAL,    /* a rival may have been */
    TIMER_PROBE,    /* a silent peer is probed, again */
    TIMER_GOODBYE,  /* step: which repetition */
    TIMER_FORGET,   /* a tombstone's end */
    TIMER_VOUCH,    /* a vouch is repeated */
    TIMER_DEAD,     /* a verdict is repeated; step: which repetition */
    TIMER_PULL,     /* the next page is asked for, or the last one again */
};
#define BEAT_STEADY 255

/* A probe on another's behalf. */
struct relay {
    uint64_t target, requester, nonce;
    struct addr to;
    int64_t until;
};

/* What the next beats carry along. */
struct tale {
    struct wire_verdict verdict;
    uint8_t beats; /* so many more */
};

/* The roster being pulled from another. */
struct pull {
    uint64_t from;
    uint64_t cursor;
    int64_t due;   /* of the timer that means something */
    uint8_t tries; /* of the peer that is asked now */
    uint8_t vain;  /* peers asked in vain, up to PAGE_PEERS */
    bool active;
    bool complete; /* the last page has come, or there was none to pull */
};

/* What every datagram touches stands in front, what is large at the end: a simulation holds thousands of
 * these. */
struct gossip {
    int64_t now;   /* the core's own time: the caller's less the lag */
    int64_t lag;   /* time this process was stopped for; the core's own time stands still meanwhile */
    int64_t heard; /* last fresh datagram of any peer */
    struct timers timers;
    bool announced;
    bool leaving;
    uint8_t leave_reason;
    int64_t relaying; /* until then some relay may be under way */
    uint64_t nonce, nonce_before;
    int64_t nonce_since;
    struct gossip_stats stats;
    struct gossip_options options;
    struct identity self;
    uint8_t prints[KEYRING_MAX][FINGERPRINT_BYTES]; /* of our cookie, by key */
    uint8_t cookie_len;
    uint8_t cookie[COOKIE_MAX];
    int64_t pulse; /* last sign of life of the BEAM */
    int64_t beat_at, beat_due;
    int64_t look_at; /* when the peers are looked at; 0: nobody is listed */
    int64_t refuted; /* last refutation */
    uint64_t sequence;
    uint64_t salt;
    struct pull pull;
    struct bucket answers, newcomers, pages, relayed;
    struct sources sources;
    struct tale tales[WIRE_VERDICTS];
    size_t tale_count;
    size_t relay_next;
    struct relay relays[RELAYS_MAX];
    struct roster roster;
};

/* gossip.c */
uint32_t random_u32(struct gossip *g);
uint64_t random_u64(struct gossip *g);
/* A random time from `least` to `most`. */
int64_t random_between(struct gossip *g, int64_t least, int64_t most);
/* T for the group as it is now, microseconds. */
int64_t current_interval(const struct gossip *g);
/* Fires `kind` about `boot` after `delay`; returns when that is. Strangers may fill only half of the heap. */
int64_t set_timer(struct gossip *g, int64_t delay, uint8_t kind, uint64_t boot, uint8_t step);

/* announce.c */
/* A boot id and an empty roster. */
void announce_init(struct gossip *g);
/* Distribution runs, or something about this node has changed. */
void announce_alive(struct gossip *g, struct effects *fx, const struct command *c);
/* Says goodbye, several times, for `reason`. */
void announce_leave(struct gossip *g, struct effects *fx, uint8_t reason);
void announce_goodbye_timer(struct gossip *g, struct effects *fx, const struct timer *t);
/* Makes the cookie's fingerprints anew, after it or the keys have changed. */
void announce_fingerprints(struct gossip *g);

/* send.c */
/* Milliseconds, from 0 to 65535. */
uint16_t saturated_ms(int64_t us);
/* Starts a message: clears it and fills in what every message of this member says. */
void message_start(struct gossip *g, struct wire_message *m, uint8_t type);
void message_echo(struct wire_message *m, uint64_t boot, uint64_t nonce);
void message_verdict(struct wire_message *m, uint8_t verdict, uint64_t boot, uint32_t incarnation);
/* Seals it and asks for it to be sent. Nothing is sent while this member is not announced. */
void message_send(struct gossip *g, struct effects *fx, const struct path *path,
                  const struct wire_message *m);
/* Whether the message answers a fresh nonce of ours. */
bool message_answers(const struct gossip *g, const struct wire_message *m);

/* ranks.c */
/* This member's rank among the live with regard to `subject`, the unproven included, and how many they are;
 * counting ends as soon as the rank is known to be `enough` or worse. */
size_t rank_among_live(const struct gossip *g, uint64_t subject, size_t enough, size_t *live);
/* Whether this member is one of the three who watch `p`: by rank, among those heard lately. */
bool rank_watches(const struct gossip *g, const struct peer *p);
/* Up to `max` peers heard most recently, other than `p`. Returns how many. */
size_t rank_helpers(const struct gossip *g, const struct peer *p, size_t max, struct peer **out);

/* join.c */
void join_start(struct gossip *g);
void join_beat(struct gossip *g, struct effects *fx, const struct timer *t);
/* Beats now, out of turn. */
void join_beat_now(struct gossip *g, struct effects *fx);
/* Someone unproven was heard: asks it to answer a nonce of ours, now or, if others are to do it, later. */
void join_prove(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                const struct path *from);
void join_retry(struct gossip *g, struct effects *fx, const struct timer *t);
/* A newcomer's question, though this member knows it: answers when it is its turn. */
void join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);
/* Gives the sender the echo it asked for, the way it came. */
void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);
/* The same to somebody who is back from the dead: and tells it so, that it may refute. */
void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from);
/* Sends a PROBE to an address. */
void join_probe(struct gossip *g, struct effects *fx, const struct addr *to);
/* Whether an answer may go to this source now; counts the refusals. */
bool join_may_answer(struct gossip *g, const struct path *from);

/* pages.c */
/* The first who answered is asked for its roster. True if a request went out (it echoes, too). */
bool pages_begin(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);
/* Asks somebody for the whole roster once more; false when nobody is listed. */
bool pages_again(struct gossip *g, struct effects *fx);
/* Whether the roster is on its way: strangers may be in it. */
bool pages_coming(const struct gossip *g);
void pages_timer(struct gossip *g, struct effects *fx, const struct timer *t);
void pages_receive(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                   const struct path *from);

/* members.c */
struct peer_view member_view(const struct peer *p);
void member_update(struct effects *fx, const struct peer *p);
/* The sender has just proven itself at this address. Lists it, or brings it back. NULL when it may not be
 * listed. */
struct peer *member_proven(struct gossip *g, struct effects *fx, const struct wire_message *m,
                           uint64_t sequence, const struct path *from);
/* Somebody proven vouches for it. */
void member_vouched(struct gossip *g, struct effects *fx, const struct wire_entry *e);
/* A fresh datagram of a known member: takes over what it says of itself. */
void member_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  bool newest);
/* It has shown life, by itself or through a relay: no suspicion holds. */
void member_alive(struct gossip *g, struct effects *fx, struct peer *p);
/* A relay heard it at that time: its silence began no earlier. */
void member_heard_by_other(struct gossip *g, struct effects *fx, struct peer *p, int64_t when);
/* It is gone; a tombstone stays, if there is room. The pointer is not to be used after. */
void member_gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason);
void member_forget_timer(struct gossip *g, const struct timer *t);

/* vouch.c */
/* Vouches twice, if it is our turn, or it is `late`; a little later if it is about to refute its own death,
 * with the incarnation which that brings. */
void vouch_for(struct gossip *g, struct effects *fx, const struct peer *p, bool late, bool refuting);
void vouch_timer(struct gossip *g, struct effects *fx, const struct timer *t);
/* Makes an entry of a peer. */
void vouch_entry(const struct peer *p, struct wire_entry *e);

/* watch.c */
/* Begins to watch a member, or begins anew. */
void watch_start(struct gossip *g, struct peer *p);
/* It is to be looked at sooner than was planned: it promises a shorter interval now. */
void watch_sooner(struct gossip *g, const struct peer *p);
void watch_timer(struct gossip *g, const struct timer *t);
void watch_rival_timer(struct gossip *g, struct effects *fx, const struct timer *t);
/* Begins to probe a peer at once. */
void watch_probe(struct gossip *g, struct peer *p);
void watch_probe_timer(struct gossip *g, struct effects *fx, const struct timer *t);

/* relay.c */
/* Asks two others to probe it; how many there were. */
size_t relay_ask(struct gossip *g, struct effects *fx, const struct peer *p);
/* A PROBE_FOR has come. */
void relay_request(struct gossip *g, struct effects *fx, const struct wire_message *m,
                   const struct path *from);
/* A fresh answer of `p`: told to those for whom it was probed. */
void relay_answered(struct gossip *g, struct effects *fx, const struct peer *p);
/* A relay's ACK has come: of its own, or on another's behalf. */
void relay_ack(struct gossip *g, struct effects *fx, const struct wire_message *m);

/* verdict.c */
void verdict_suspect(struct gossip *g, struct effects *fx, struct peer *p);
/* Buries it and says so. The pointer is not to be used after. */
void verdict_dead(struct gossip *g, struct effects *fx, struct peer *p);
void verdict_dead_timer(struct gossip *g, struct effects *fx, const struct timer *t);
/* It has said goodbye: some repeat that. */
void verdict_left(struct gossip *g, const struct peer *p, uint8_t reason);
/* Takes in what a message says of others, and of this member itself. `trusted`: the sender is a peer. */
void verdict_receive(struct gossip *g, struct effects *fx, const struct wire_message *m, bool trusted);
/* Puts what is to be carried along into a beat. */
void verdict_carry(struct gossip *g, struct wire_message *m);

/* isolate.c */
void isolate_enter(struct gossip *g, struct effects *fx);
void isolate_leave(struct gossip *g, struct effects *fx);

#endif
