/* A cluster in virtual time: members that run the very core of gossipd, a network between them, an observer
 * of all they are told. A scenario starts, stops and pauses members and lets time pass; everything else
 * happens here.
 *
 * What gossipd does and the simulator copies: effects are drained after each call; the core is called at its
 * deadline; the owner's pulse comes every half interval; a process that was stopped first reads what has
 * gathered in its sockets, as much as they could hold, and then looks at its timers; all with the time at
 * which it woke. Each member has a clock of its own, which starts anywhere. */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "lives.h"
#include "network.h"
#include "observer.h"
#include "packet.h"
#include "queue.h"
#include "report.h"
#include "tally.h"

#define GROUP_PORT    45893
#define SOCKET_BUFFER (4u << 20)    /* bytes, of each of the two sockets */
#define LONG_PAUSE    (600 * MS_US) /* who is stopped for longer may be buried */

/* Kinds of the queue's events. DELIVER: of `packet` to `node`. PULSE: `packet` is the life it is for. LOOK:
 * see lives.h. */
enum cluster_event { CLUSTER_DELIVER, CLUSTER_TICK, CLUSTER_PULSE, CLUSTER_BEAT, CLUSTER_LOOK };

struct inbox {
    uint32_t *packets;
    size_t count, size, bytes;
};

struct node {
    struct gossip *g; /* NULL: it does not run */
    int64_t tick_at;  /* when its tick in the queue is due; NEVER: none is */
    int64_t clock;    /* its clock less the time of the simulation */
    int32_t drift;    /* of its clock, in millionths */
    uint32_t life;
    uint64_t said; /* datagrams, in all its lives */
    uint32_t creation;
    uint16_t port;
    bool link_troubled; /* it is told to be deaf or mute */
    bool paused, stalled, isolated;
    bool leaving, left;     /* its last goodbye is wanted; is on its way */
    int64_t pause;          /* how long it is paused for */
    int64_t long_pause_end; /* when it last woke from a long pause; INT64_MIN: never */
    uint32_t conflicts;     /* told */
    int64_t page_at;        /* when it last sent a page of its roster */
    struct rng rng;
    struct inbox inbox[2]; /* while paused: multicast, unicast */
};

struct cluster;

/* Sees every datagram that is sent; `to` is a member, or the number of members for the group. */
typedef void cluster_sent(void *context, uint32_t packet, uint32_t from, uint32_t to);

struct cluster {
    const struct options *options;
    struct report *report;
    struct queue queue;
    struct packets packets;
    struct network network;
    struct observer observer;
    struct lives *lives; /* NULL: nobody looks */
    struct traffic traffic;
    struct tally tally;
    struct node *nodes;
    uint32_t size;
    struct rng rng; /* the scenario's own */
    struct keyring keys;
    const struct gossip_sealing *sealing;
    cluster_sent *sent;
    void *sent_context;
    cluster_sent *everything; /* the same, and what goes to nobody: then `to` means nothing */
    void *everything_context;
    struct crowd *crowd; /* members that play a script; NULL: none */
    int64_t cut_at;      /* when the scenario cut the network; NEVER */
    uint32_t watched;    /* the member a scenario's condition is about */
    uint64_t taken;      /* events of the queue so far */
    uint64_t events;     /* told so far: a condition can only have changed when this has */
    struct effects *fx;  /* shared: it is empty between calls */
};

/* A network of options->nodes members, none of which runs. */
void cluster_init(struct cluster *c, const struct options *options, const struct keyring *keys, uint64_t seed,
                  struct report *report);

/* Frees it, after adding its tally and traffic to the report. */
void cluster_free(struct cluster *c);

/* Starts a member, or starts it again: another boot id, another port. `creation` identifies its BEAM. */
void cluster_start(struct cluster *c, uint32_t node, uint32_t creation);

/* The same under the name of another. Only the last members may be twins. */
void cluster_start_named(struct cluster *c, uint32_t node, uint32_t named, uint32_t creation);

/* It knows the address of another, and no more of it; or that of nobody. */
void cluster_seed(struct cluster *c, uint32_t node, uint32_t seed);
void cluster_seedless(struct cluster *c, uint32_t node);

/* It is gone without a word. */
void cluster_crash(struct cluster *c, uint32_t node);

/* It says goodbye (enum down_reason), and stops when the last goodbye is on its way. */
void cluster_leave(struct cluster *c, uint32_t node, uint8_t reason);

/* SIGSTOP, for so long; SIGCONT. How long is told beforehand, since who is stopped for long counts as stopped
 * from the first moment on. The caller wakes it. */
void cluster_pause(struct cluster *c, uint32_t node, int64_t length);
void cluster_wake(struct cluster *c, uint32_t node);

/* Its BEAM hangs (no pulse), or works again. */
void cluster_stall(struct cluster *c, uint32_t node, bool stalled);

/* Makes a datagram happen again: sent once more from where it came. `to` as in cluster_sent. */
void cluster_replay(struct cluster *c, uint32_t packet, uint32_t to);

/* A datagram that no member sent is on its way, as far as the network is concerned from where `from` is; `to`
 * as in cluster_sent. Nobody counts it. */
void cluster_inject(struct cluster *c, uint32_t packet, uint32_t from, uint32_t to);

/* Sends a datagram from a member's address; for those that play a script. */
void cluster_send(struct cluster *c, uint32_t from, const struct path *path, const uint8_t *data, size_t len);

/* A datagram reaches `node`, which takes over the reference: read at once, or kept while it is paused. */
void cluster_receive(struct cluster *c, uint32_t node, uint32_t packet);

/* What waits in its sockets is lost. */
void cluster_forget_inbox(struct cluster *c, uint32_t node);

/* Its owner asks for something. */
void cluster_command(struct cluster *c, uint32_t node, const struct command *cmd);

/* What its own clock shows now; that never goes back. */
int64_t cluster_clock(const struct cluster *c, uint32_t node);

/* A call into the core of `node` was made: runs the effects, and has the next tick come in time. */
void cluster_called(struct cluster *c, uint32_t node);

/* Lets time pass until `until`. */
void cluster_run(struct cluster *c, int64_t until);

/* Lets time pass until the condition holds, which is asked after every event; false when it does not by
 * `until`. */
bool cluster_run_until(struct cluster *c, int64_t until, bool (*done)(const struct cluster *c));

/* The current virtual time, microseconds. */
int64_t cluster_now(const struct cluster *c);

/* Everybody who runs lists everybody else who runs: a condition for cluster_run_until. */
bool cluster_complete(const struct cluster *c);

/* The address a member sends from, on its first link or on this one, and the link of an address; and the
 * member that has an address: false when nobody has. */
struct addr cluster_address(const struct cluster *c, uint32_t node);
struct addr cluster_address_on(const struct cluster *c, uint32_t node, uint8_t link);
uint8_t cluster_link(const struct addr *a);
bool cluster_owner(const struct cluster *c, const struct addr *a, uint32_t *node);

/* The name of a member. */
struct name cluster_name(uint32_t node);

#endif
