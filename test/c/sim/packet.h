/* Datagrams on their way: each stored once, however many will receive it, and counted by reference. */
#ifndef SIM_PACKET_H
#define SIM_PACKET_H

#include "gossip.h"

/* What a datagram is for, told by its message (see wire.h). */
enum packet_class {
    PACKET_BEAT,         /* a heartbeat without a question */
    PACKET_QUESTION,     /* a heartbeat with one */
    PACKET_NEWS,         /* vouchers and verdicts outside a beat */
    PACKET_PROBE,        /* also through a relay */
    PACKET_ACK,          /* answers of every kind */
    PACKET_PAGE_REQUEST, /* asks for a page of the roster */
    PACKET_PAGE,         /* a page of the roster: it has entries */
    PACKET_BYE,
    PACKET_OTHER,
    PACKET_CLASSES,
};

/* What really happened, whoever says it again and from wherever. Nothing but this file and send.c makes one.
 */
struct origin {
    int64_t said;     /* when it was said first */
    uint32_t by;      /* by which member, */
    uint32_t life;    /* in which of its lives; */
    uint64_t number;  /* its how-manieth datagram that was. 0: no member said it */
    int64_t interval; /* that it promises, microseconds */
    bool echoes;      /* it answers somebody */
    uint8_t kind;     /* of the way on which it was sent (enum path_kind), */
    struct addr to;   /* and where to, if to one */
};

struct packet {
    uint32_t refs;
    uint32_t next_free;
    uint16_t len;
    uint64_t boot;    /* of its sender */
    uint64_t about;   /* boot id of whom it tells something first; 0: nobody */
    uint8_t class;    /* enum packet_class */
    struct path from; /* as its receivers see it */
    struct origin origin;
    uint8_t data[DATAGRAM_MAX];
};

struct packets {
    struct packet **chunks;
    uint32_t chunk_count;
    uint32_t free;
    uint32_t in_use;
};

void packets_init(struct packets *ps);
void packets_free(struct packets *ps);

/* A packet with one reference, its owner's; the number is valid until the last reference is dropped. */
uint32_t packets_new(struct packets *ps);

/* Valid as long as the number. */
struct packet *packets_at(const struct packets *ps, uint32_t number);

void packets_drop(struct packets *ps, uint32_t number);

/* Notes what its message (in the clear) is for, whom it is about, and what that tells of its origin. */
void packet_describe(struct packet *p, const uint8_t *message, size_t len);

/* The class as it is called in the output. */
const char *packet_class_name(enum packet_class class);

#endif
