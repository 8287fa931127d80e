/* What the doctor has in its hands while it looks; the files of this folder alone use it. */
#ifndef GOSSIP_DOCTOR_PARTS_H
#define GOSSIP_DOCTOR_PARTS_H

#include "arguments.h"
#include "findings.h"
#include "interfaces.h"
#include "peer.h"

#define SEEN_TAGS_MAX 8
#define ROOM          2048 /* more than any datagram of ours has */

enum trial { UNTRIED = 0, NOT_BOUND, NOT_JOINED, NOT_SENT, SILENT, HEARD };

/* What became of the group on an interface, over one family. */
struct tried {
    uint8_t result; /* enum trial */
    int trouble;    /* errno */
    int ear;        /* of IPv6, whose group is another one on each link: the socket that hears it; else -1 */
};

struct doctor {
    struct arguments arguments;
    struct addr group, group6; /* at the same port; the second has no family: IPv4 alone */
    int shared;                /* hears the group of IPv4; -1: it cannot be had */
    int private4, private6;    /* from these everything is sent; -1: there is none */
    uint16_t private_port;     /* of both; 0: there is none */
    struct interface_list interfaces;
    struct subnets own;                 /* all addresses of this host */
    int unlisted;                       /* errno: why neither is known */
    struct tried tried[INTERFACES_MAX]; /* as many */
    unsigned others;                    /* datagrams that came to the group, but for the echoes */
    uint8_t tags[SEEN_TAGS_MAX][4];     /* of the keys under which they were sealed, */
    struct addr senders[SEEN_TAGS_MAX]; /* and who sent one of those */
    size_t tag_count;
    struct keyring ring;    /* empty: there is no secret */
    struct peer_facts peer; /* where one is asked about */
    struct findings findings;
};

/* Opens the socket at the group's port, of IPv4; says whether it could. */
void doctor_open_shared(struct doctor *d);

/* Tries the group on each interface: what is sent to it comes back to this host, unless that drops it. */
void doctor_try_group(struct doctor *d);

/* Listens to the group, and says who is heard. */
void doctor_listen(struct doctor *d);

#endif
