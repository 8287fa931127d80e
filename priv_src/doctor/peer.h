/* What the doctor finds out about another node's host, and what it makes of that. */
#ifndef GOSSIP_DOCTOR_PEER_H
#define GOSSIP_DOCTOR_PEER_H

#include "arguments.h"
#include "findings.h"
#include "knock.h"
#include "subnets.h"
#include "target.h"

#define TRIED_MAX (1 + HOST_ADDRS) /* addresses at which a distribution is tried */
#define POKED_MAX 2 /* ports that get an empty datagram: a system tells of few a second that are closed */

enum { TCP_OPEN = 0, TCP_UNTRIED = -1 }; /* else an errno */

/* One who has answered. */
struct peer_door {
    uint16_t port;
    bool answered;
    struct knock knock;
    struct knock_answer answer;
    size_t count; /* addresses of its distribution, */
    struct addr tried[TRIED_MAX];
    int result[TRIED_MAX]; /* and what became of each: an errno, or see above */
};

struct peer_facts {
    struct target target;
    struct addr at; /* its host, without a port; no family: `why` */
    const char *why;
    const struct subnets *own; /* addresses of this host; NULL: they are not known */
    bool near;                 /* on a link of this host's */
    bool asked_under_key;      /* there is a secret to ask with */
    uint32_t tag;              /* of its key */
    bool heard;                /* from there came to the group what was sealed with that key, once or now, */
    bool heard_otherwise;      /* and what was not: */
    uint32_t other_tag;        /* it has this tag */
    size_t count;              /* of its UDP ports, one after the other */
    struct peer_door doors[UNICAST_PORTS];
    size_t poked;           /* of the first of them, */
    bool closed[POKED_MAX]; /* and whether its system says that nobody has it */
    int trouble;            /* errno of what the system says otherwise; 0: nothing */
    bool barred;            /* it was this host that did not let it out */
    int epmd;               /* TCP to epmd's port: an errno, or see above */
};

/* What a system says of the way to it: this one as something was to be sent (`own`), or any as it came back.
 * What is over in a moment, as a queue that is full, is no trouble. Pure. */
void peer_trouble(struct peer_facts *p, int error, bool own);

/* Which addresses of its distribution are to be tried, into the door; `own` are those of this host (NULL:
 * they are not known). Pure. */
void peer_choose(struct peer_door *door, const struct addr *at, const struct subnets *own);

/* Findings of these facts. Pure, but for what findings.h says. */
void peer_judge(struct findings *f, const struct peer_facts *p);

#endif
