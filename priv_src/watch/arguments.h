/* What `gossipd watch` and `gossipd doctor` are asked for: the cluster's options as GossipCluster has them,
 * and how to show it. */
#ifndef GOSSIP_WATCH_ARGUMENTS_H
#define GOSSIP_WATCH_ARGUMENTS_H

#include "fault.h"
#include "rows.h"
#include "udp.h"

#define WATCH_ROWS    4096
#define UNICAST_PORTS 8 /* above the group's: the default of the option unicast_port */

/* Who asks: some options mean nothing to the one or the other. */
enum asks { ASKS_WATCH = 1, ASKS_DOCTOR = 2 };

struct arguments {
    struct udp_options udp;
    struct interface_filter filter;
    const char *label;       /* 0 to LABEL_MAX bytes */
    uint8_t kind;            /* enum secret_kind, of the secret that is read */
    const char *secret_file; /* NULL: stdin */
    bool secret_optional;    /* nothing at all by stdin is no secret, and no error */
    int64_t secret_patience; /* how long its end is waited for, but where a person types; 0: without end */
    const char *peer;        /* of the doctor; NULL: none is named */
    bool once, json;
    bool pipe;         /* the terminal is at the other end of stdin and stdout: see secret_input.h */
    int64_t listen_us; /* with `once`; 0: three beats. Of the doctor: 0: three seconds */
    uint8_t order;     /* enum order */
};

extern const char arguments_help[];

/* Reads what stands behind "watch" or "doctor" (`who`, enum asks): 0, or -1 and a fault that names what is
 * wrong; `json` is read then, too. Points into `argv`. */
int arguments_read(struct arguments *a, uint8_t who, int argc, char **argv, struct fault *fault);

#endif
