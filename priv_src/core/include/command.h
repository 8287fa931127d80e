/* What the owner asks for, already decoded and checked (io/term makes these). */
#ifndef GOSSIP_COMMAND_H
#define GOSSIP_COMMAND_H

#include "identity.h"
#include "seal.h"
#include "tags.h"

#define COOKIE_MAX 255 /* bytes of an Erlang cookie */

enum command_type {
    COMMAND_ALIVE = 1, /* distribution runs: announce `self` */
    COMMAND_HIDE,      /* distribution stopped: say goodbye, go on listening */
    COMMAND_LEAVE,     /* say goodbye for `reason`, then EVENT_LEFT; announce no more until COMMAND_ALIVE */
    COMMAND_PULSE,     /* the BEAM lives */
    COMMAND_KEYS,      /* a new key ring */
    COMMAND_SNAPSHOT,  /* send EVENT_SNAPSHOT */
    COMMAND_DISCONNECTED, /* this node has ended the connection to the listed peer of this `boot`, on purpose
                           */
};

struct command {
    uint8_t type; /* enum command_type */
    union {
        struct {
            struct identity self; /* its boot and incarnation are ignored: the core has its own */
            struct host host;
            struct tags tags; /* its number is ignored */
            uint8_t cookie_len;
            uint8_t cookie[COOKIE_MAX]; /* its fingerprint is made anew when the keys change, so the core
                                           keeps it */
        } alive;
        uint8_t reason; /* enum down_reason */
        struct keyring keys;
        uint64_t boot;
    } as;
};

#endif
