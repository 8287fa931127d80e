/* gossipd as a whole: its parts, and what only the loop and the commands share. Life: configured once by the
 * first frame (the links are closed and the engine stands before), then the loop. */
#ifndef GOSSIP_PARTS_H
#define GOSSIP_PARTS_H

#include "bridge.h"
#include "engine.h"
#include "frame.h"

#include <sys/types.h>

struct gossipd {
    int in;
    bool sandbox;         /* it is wanted */
    pid_t parent;         /* what the BEAM starts its port programs by; it ends with the BEAM */
    bool ended;           /* the BEAM is gone, or this port's owner */
    int64_t now;          /* microseconds, as of the last wake-up */
    struct bucket wakes;  /* by the network */
    int64_t gather_until; /* until then the sockets are not looked at; 0 or past: they are */
    struct fault fault;
    struct frame_parser parser;
    struct uplink uplink;
    struct links links;
    struct engine engine;
    struct bridge bridge;
    size_t scope_len; /* what keys are derived with, beside their secret */
    char scope[SCOPE_MAX];
};

/* commands.c: reads what the owner has said and does it. Sets `ended` at end of file. 0, or -1 and a fault.
 */
int commands_read(struct gossipd *d);

#endif
