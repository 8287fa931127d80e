/* What gossipd's files share. Life: configured once by the first frame (core, udp and fx are NULL before),
 * then the loop. */
#ifndef GOSSIP_GOSSIPD_STATE_H
#define GOSSIP_GOSSIPD_STATE_H

#include "bucket.h"
#include "frame.h"
#include "log.h"
#include "outbox.h"
#include "term.h"

#include <sys/types.h>

struct gossipd {
    int in, out;
    int64_t now; /* microseconds, as of the last wake-up */
    struct fault fault;
    pid_t parent;   /* what the BEAM starts its port programs by; it ends with the BEAM */
    bool ended;     /* the BEAM is gone, or this port's owner */
    bool announced; /* the owner has told who it is, and has not taken that back */
    bool left;      /* the core has said its last goodbye */

    struct frame_parser parser;
    struct outbox outbox;
    struct term *term;
    struct log log;
    struct bucket heartbeats;
    uint64_t heartbeats_dropped;
    bool owes_snapshot; /* send one as soon as nothing is queued */
    bool owes_health;   /* and the health and the interfaces after it: what told of them may be lost */
    uint8_t health;

    struct config config;
    struct interface_list interfaces; /* as chosen the last time */
    size_t usable_count;              /* of these, what multicasts go out on; the owner knows it */
    struct interface usable[INTERFACES_MAX];
    int64_t look_again; /* when to list the interfaces again; NEVER when all is well */

    struct gossip *core;
    struct udp *udp;
    struct effects *fx;
};

/* ---- gossipd_command.c: what the owner says ---- */

/* Reads what is there and does it. Sets `ended` at end of file. 0, or -1 and a fault. */
int gossipd_read(struct gossipd *d);

/* ---- gossipd_uplink.c: what the owner is told ---- */

/* Queues one event, log line or answer. What finds no room is dropped, and a snapshot is owed. */
void gossipd_tell_ready(struct gossipd *d);
void gossipd_tell_event(struct gossipd *d, const struct event *event);
void gossipd_tell_stats(struct gossipd *d, uint32_t ref);
void gossipd_tell_keys_changed(struct gossipd *d);
void gossipd_tell_interfaces(struct gossipd *d);

/* A log_sink: frames once configured, stderr before. `context` is the struct gossipd. */
void gossipd_tell_log(void *context, uint8_t level, const char *text);

/* Writes what the pipe takes; sends an owed snapshot when it has taken all. A broken pipe sets `ended`. */
void gossipd_flush(struct gossipd *d);

/* Tells the fault, on stderr too if not configured, and gives the owner a second to read it. */
void gossipd_tell_fault(struct gossipd *d);

/* ---- gossipd_network.c: interfaces, datagrams, effects ---- */

/* Lists the interfaces and joins on them; says what has changed. */
void gossipd_look(struct gossipd *d);

/* Runs all effects that the core has queued. */
void gossipd_run_effects(struct gossipd *d);

/* Gives the core what has come: of each socket that poll found ready in `fds` as many datagrams as one
 * wake-up may take, or with NULL all that waits in any. */
void gossipd_receive(struct gossipd *d, const struct pollfd *fds);

#endif
