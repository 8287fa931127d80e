/* A member that is no instance of the core: a holder of the key who says whatever a test makes it say. */
#ifndef TEST_SUPPORT_FORGE_H
#define TEST_SUPPORT_FORGE_H

#include "kit/intervals.h"
#include "message/wire.h"

struct forged {
    struct identity id;
    uint64_t nonce;    /* what it asks others to echo */
    uint64_t sequence; /* of its last datagram */
    uint64_t said;     /* datagrams in all */
    uint64_t clock;    /* what its own clock shows; net_say sets it to the network's time */
    struct addr addr;
    struct keyring keys;
    const struct gossip_sealing *sealing;
};

/* One of this boot id and name, at build_addr(host, 40000), with the key of build_ring("k") and true seals.
 */
struct forged forge(uint64_t boot, const char *name, uint32_t creation, uint8_t host);

/* Starts a message as a member would: its identity, its nonce, its address, T = 1 s. */
void forge_start(const struct forged *f, struct wire_message *m, uint8_t type);

/* Says whom it is for, and where that is. */
void forge_to(struct wire_message *m, uint64_t boot, const struct addr *to);

/* Adds an echo; or an entry about another, at its address. */
void forge_echo(struct wire_message *m, uint64_t boot, uint64_t nonce);
void forge_entry(struct wire_message *m, const struct forged *about);

/* Adds a verdict. */
void forge_verdict(struct wire_message *m, uint8_t verdict, uint64_t boot, uint32_t incarnation);

/* Seals a message under the next sequence number; its length. */
size_t forge_seal(struct forged *f, const struct wire_message *m, uint8_t out[static DATAGRAM_MAX]);

/* Seals any bytes likewise, at most WIRE_MESSAGE_MAX. */
size_t forge_seal_bytes(struct forged *f, const uint8_t *data, size_t len, uint8_t out[static DATAGRAM_MAX]);

#endif
