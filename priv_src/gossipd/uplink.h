/* What goes up to the owner: frames, through a queue that is bounded, into a pipe that may be full.
 *
 * The pipe has no back-pressure that an owner could be told by, so what finds no room is dropped, and what it
 * said is owed: a fresh snapshot of all peers and conflicts, then the health and the interfaces, then a line
 * that says so. All is paid as soon as nothing is queued any more. Heartbeats and log lines have a rate;
 * those beyond are counted. Before the owner is ready to read frames, warnings go to stderr. */
#ifndef GOSSIP_UPLINK_H
#define GOSSIP_UPLINK_H

#include "bucket.h"
#include "log.h"
#include "outbox.h"
#include "term.h"

#define UPLINK_HEARTBEATS_PER_SECOND 100 /* for people who watch; the owner is not to drown in them */
#define UPLINK_HEARTBEATS_BURST      500
#define UPLINK_PAGE_PEERS            64 /* in one frame of a snapshot */
#define UPLINK_REACHES_PER_SECOND    1  /* a plug that is loose says no more than one that was moved */
#define UPLINK_REACHES_BURST         4

enum uplink_debt {
    OWED_SNAPSHOT = 1,
    OWED_STATE = 2, /* health and interfaces: the frame that told of them may be lost */
    OWED_WORD = 4,  /* the line that the owner was too slow */
    OWED_READY = 8, /* that this is ready, before all else: without it the owner waits in vain */
};

struct uplink {
    int out;         /* non-blocking */
    int64_t now;     /* microseconds, as told last */
    bool configured; /* the owner expects frames */
    bool ready;      /* and knows that this is ready */
    bool greeting;   /* the frame that says so may still be lost */
    bool broken;     /* nobody will ever read again */
    uint8_t owed;    /* enum uplink_debt, or-ed */
    uint8_t health;  /* enum health, as told last */
    const char *version;
    uint64_t boot; /* these as the frame `ready` says them */
    long pid;
    uint16_t unicast_port; /* everything is sent from it */
    struct log log;
    struct outbox outbox;
    struct term *term; /* owned */
    struct bucket heartbeats, reaches;
    uint64_t heartbeats_dropped;
    struct network network; /* as told last */
};

/* Starts empty, over the descriptor `out`, which is not owned. `u` must stay where it is: its log points to
 * it. 0, or -1 when memory is short; uplink_fault works even then. */
int uplink_init(struct uplink *u, int out);
void uplink_free(struct uplink *u);

/* Time passes. */
void uplink_time(struct uplink *u, int64_t now);

/* The owner expects frames from now on: log lines go up to it. */
void uplink_configured(struct uplink *u);

/* Each queues one frame, or drops it as said above. `version` must outlive `u`. */
void uplink_ready(struct uplink *u, const char *version, uint64_t boot, long pid, uint16_t unicast_port);
void uplink_event(struct uplink *u, const struct event *event);
void uplink_stats(struct uplink *u, uint32_t ref, const struct gossip_stats *core,
                  const struct udp_stats *udp, const struct legacy_stats *legacy);
void uplink_measures(struct uplink *u, uint32_t from, const struct measure *items, size_t count);
void uplink_legacy(struct uplink *u, const struct name *name);
void uplink_keys_changed(struct uplink *u);

/* The answer to a pulse, by which the owner knows that this lives. Not queued behind anything: whatever waits
 * for the owner says as much. */
void uplink_pulse(struct uplink *u);

/* This is what multicasts go out on, and where that leads. Queues a frame; until {ready, Map} has told it, it
 * is only kept. */
void uplink_network(struct uplink *u, const struct network *network);

/* Multicasts reach more than before: an interface has come, has come anew, or has its carrier back, or
 * another hardware address. Queues a frame, at a bounded rate, once the owner knows that this is ready;
 * before, nothing can have been lost by it. */
void uplink_reaches_more(struct uplink *u);

/* Is there something to write? Then the pipe's POLLOUT is wanted. */
bool uplink_waits(const struct uplink *u);

/* Writes what the pipe takes; when it has taken all, pays what is owed of `core` (NULL: not yet configured).
 * A broken pipe sets `broken`. */
void uplink_flush(struct uplink *u, const struct gossip *core);

/* The last word: a frame, for which it waits a second at most, or stderr when nobody reads. Cleans the
 * fault's text. */
void uplink_fault(struct uplink *u, struct fault *fault);

/* Before the end, after the last word: keeps `in` open for 200 ms, or until the owner closes its end. A VM
 * that writes to a pipe which nobody reads any more closes the port, and what it has not read of it is lost
 * (EPIPE). May be called in a signal's handler. */
void uplink_part(int in);

#endif
