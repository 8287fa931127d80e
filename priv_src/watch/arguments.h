/* What `gossipd watch` is asked for: the cluster's options as GossipCluster has them, and how to show it. */
#ifndef GOSSIP_WATCH_ARGUMENTS_H
#define GOSSIP_WATCH_ARGUMENTS_H

#include "fault.h"
#include "rows.h"
#include "udp.h"

#define WATCH_ROWS 4096

struct arguments {
    struct udp_options udp;
    struct interface_filter filter;
    const char *label;       /* 0 to LABEL_MAX bytes */
    uint8_t kind;            /* enum secret_kind, of the secret that is read */
    const char *secret_file; /* NULL: stdin */
    bool once, json;
    bool pipe;         /* the terminal is at the other end of stdin and stdout: see secret_input.h */
    int64_t listen_us; /* with `once`; 0: three beats */
    uint8_t order;     /* enum order */
};

extern const char arguments_help[];

/* Reads what stands behind "watch": 0, or -1 and a fault that names what is wrong. Points into `argv`. */
int arguments_read(struct arguments *a, int argc, char **argv, struct fault *fault);

#endif
