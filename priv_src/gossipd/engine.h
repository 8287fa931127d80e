/* The core, and its effects carried out: what it sends goes out by the links, what it tells goes up. */
#ifndef GOSSIP_ENGINE_H
#define GOSSIP_ENGINE_H

#include "links.h"
#include "uplink.h"

/* Datagrams that one turn takes of a socket, and of all: then timers and the owner have theirs. The dearest
 * ones cost some 15 us each, so it is 2 ms at most; and whoever floods one socket takes half of it. */
#define ENGINE_SOCKET_TURN ((size_t)64)
#define ENGINE_TURN        ((size_t)128)

enum engine_turn {
    TURN_IDLE = 0, /* none was ready */
    TURN_WHOLE,    /* all that had come was taken */
    TURN_CUT,      /* more may wait */
};

struct engine {
    struct gossip *core; /* owned; NULL before engine_start */
    struct effects *fx;  /* owned; empty between two calls */
    struct links *links;
    struct uplink *uplink;
    struct siblings siblings; /* whose datagrams are this VM's own: counted so, and not as foreign */
    uint64_t siblings_heard;  /* of theirs, foreign to the core */
    size_t next_socket;       /* with which the next turn begins */
    bool announced;           /* the owner has told who it is, and has not taken that back */
    bool left;                /* the core has said its last goodbye since the last COMMAND_LEAVE */
};

/* Makes the core; links and uplink are open, and outlive it. Zeroed memory is one that was not started. 0, or
 * -1 when memory is short. */
int engine_start(struct engine *e, const struct gossip_options *options, int64_t now, struct links *links,
                 struct uplink *uplink);

/* Frees it and wipes its keys, also if it was never started. */
void engine_free(struct engine *e);

/* When engine_tick wants to be called; NEVER also before the start. */
int64_t engine_deadline(const struct engine *e);

/* Looks at the links, and tells what is new of them: to the core their addresses; to the owner the network;
 * and to both that they lead to more. */
void engine_look(struct engine *e, int64_t now);

/* Time has passed: what is due is done. */
void engine_tick(struct engine *e, int64_t now);

/* The owner asks for something. */
void engine_command(struct engine *e, int64_t now, const struct command *command);

/* The core's counters, with the siblings' datagrams where they belong. */
struct gossip_stats engine_stats(const struct engine *e);

/* Gives the core what has come: of each socket that poll found ready in `fds` (as links_descriptors has
 * filled them in) as many datagrams as a turn may take. */
enum engine_turn engine_receive(struct engine *e, int64_t now, const struct pollfd *fds);

/* The same with all that waits in any: after a pause nobody may be judged before his words are heard. */
void engine_drain(struct engine *e, int64_t now);

#endif
