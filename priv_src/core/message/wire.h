/* The message inside the seal. PROTOCOL.md is the specification; this is its C form.
 *
 *      0                   1                   2                   3
 *     +-------------------+-------------------+-------------------+-------------------+
 *   0 | type              | flags             | interval, ms                          |
 *   4 | miss multiplier   | health            | BEAM age, ms                          |
 *   8 | boot id                                                                       |
 *  12 |                                                                               |
 *  16 | challenge nonce                                                               |
 *  20 |                                                                               |
 *  24 | incarnation                                                                   |
 *  28 | creation                                                                      |
 *  32 | distribution port                     | group size                            |
 *  36 | sent at, microseconds of the sender's clock                                   |
 *  40 |                                                                               |
 *  44 | digest of the sender's roster                                                 |
 *  48 |                                                                               |
 *     +-------------------+-------------------+-------------------+-------------------+
 *  52 | fields: kind (1), length (2), value; any number; unknown kinds are skipped ...
 */
#ifndef GOSSIP_WIRE_H
#define GOSSIP_WIRE_H

#include "buf.h"
#include "effect.h"
#include "seal.h"
#include "tags.h"

#define WIRE_MESSAGE_MAX  (DATAGRAM_MAX - SEAL_OVERHEAD)
#define WIRE_FIXED        52
#define WIRE_FIELD_HEADER 3

/* A decoder takes the first so many of a kind and skips the rest. */
#define WIRE_ECHOES   8
#define WIRE_VERDICTS 24
#define WIRE_ENTRIES  32

enum wire_type {
    WIRE_HELLO = 1,  /* heartbeat, by multicast; a numbered question when it has one */
    WIRE_PROBE,      /* asks for an ACK */
    WIRE_ACK,        /* echoes nonces; answers a question or a probe */
    WIRE_PROBE_FOR,  /* asks a relay to probe the target */
    WIRE_ROSTER,     /* asks for a page, or is one */
    WIRE_BYE,        /* the sender leaves */
    WIRE_NEWS,       /* verdicts and vouched entries, outside a beat */
    WIRE_DISCONNECT, /* the sender's node has ended the Erlang connection to the receiver's, on purpose */
};

enum wire_flag {
    WIRE_ASK = 0x01,   /* the receiver is not proven to the sender: please echo */
    WIRE_FAR = 0x02,   /* to one: the sender does not hear the receiver by the group */
    WIRE_WHOLE = 0x04, /* NAME, ADDRESSES, HOST and TAGS are in it, as far as there are any */
    /* bits 4 to 7: enum identity_flag, shifted left by 4 */
};
#define WIRE_IDENTITY_SHIFT 4

enum wire_field {
    FIELD_NAME = 1,    /* node name, 3 to 255 bytes of UTF-8 */
    FIELD_QUESTION,    /* number (1) */
    FIELD_ECHO,        /* boot id (8), nonce (8): an answer to that member's nonce */
    FIELD_VERDICT,     /* enum verdict (1), boot id (8), incarnation (4) */
    FIELD_ENTRY,       /* a vouched member, see wire_entry */
    FIELD_CURSOR,      /* boot id (8): page request: entries after it; page: the last one in it */
    FIELD_TOTAL,       /* entries in the whole roster (4); in a page only */
    FIELD_TARGET,      /* boot id (8): whom a PROBE_FOR is about; in an ACK: on whose behalf */
    FIELD_FINGERPRINT, /* of the cookie, keyed (8) */
    FIELD_REASON,      /* enum down_reason (1); in a BYE */
    FIELD_RELAY,       /* boot id (8): a relay acknowledges, for itself, a PROBE_FOR about this member */
    FIELD_HEARD,       /* ms (2): with FIELD_RELAY: since the relay last heard that member */
    FIELD_TO,        /* boot id (8; 0: whoever stands there), address: whom this is for, and where it was sent
                        to; absent in what is said to the group */
    FIELD_ADDRESSES, /* addresses: the endpoints that the sender says are its own */
    FIELD_PADDING,   /* anything; so that an answer is not longer than its question */
    FIELD_HOST, /* struct host: the addresses of the sender's host, and which its distribution listens on */
    FIELD_DISCONNECT, /* when (8): in a DISCONNECT: the connection was ended, by the clock of "sent at"; in an
                         ACK: the same, acknowledged */
    FIELD_TAGS,       /* struct tags of the sender: number (4), pairs; a HELLO without it says: none */
    FIELD_TAGS_OF,    /* boot id (8) of an entry before it, then what FIELD_TAGS has of that member */
};

enum verdict { VERDICT_SUSPECT = 2, VERDICT_DEAD, VERDICT_LEFT, VERDICT_BEAM_EXIT };

enum wire_has {
    HAS_QUESTION = 1,
    HAS_CURSOR = 2,
    HAS_TOTAL = 4,
    HAS_TARGET = 8,
    HAS_FINGERPRINT = 16,
    HAS_REASON = 32,
    HAS_RELAY = 64,
    HAS_HEARD = 128,
    HAS_TO = 256,
    HAS_DISCONNECT = 512,
};

struct wire_echo {
    uint64_t boot, nonce;
};

struct wire_verdict {
    uint8_t verdict; /* enum verdict */
    uint64_t boot;
    uint32_t incarnation;
};

/* A vouched member: boot (8), clock (8), creation (4), incarnation (4), distribution port (2), identity
 * flags (1; bit 4: far; bit 5: stalled), interval (2), name length (1), name, then addresses: family (1: 4 or
 * 6), port (2), ip (4 or 16); then, where its host is known, 0 and struct host's bytes. Its tags follow in a
 * field of their own. */
struct wire_entry {
    struct identity id;
    uint64_t
        clock; /* what its own clock shows now, as the voucher reckons, microseconds; 0: it cannot tell */
    uint16_t interval_ms;
    uint8_t far;     /* 1: the voucher does not hear it by the group */
    uint8_t stalled; /* 1: its BEAM has not pulsed for long */
    uint8_t addr_count;
    struct addr addrs[PEER_ADDRS];
    struct host host;
    struct tags tags; /* in a field of its own */
};

/* Behind the name of a message on the stack. It is large, and wire_clear and wire_decode set what counts of
 * it: it is not cleared before, where the compiler clears what nobody has set (-ftrivial-auto-var-init). That
 * would be half of all instructions. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define WIRE_ROOM __attribute__((uninitialized))
#endif
#endif
#if !defined(WIRE_ROOM)
#define WIRE_ROOM
#endif

struct wire_message {
    uint8_t type;  /* enum wire_type */
    uint8_t flags; /* enum wire_flag, without the identity's */
    uint16_t interval_ms;
    uint8_t miss;
    uint8_t health;
    uint16_t beam_age_ms;
    uint64_t nonce;
    uint16_t group_size;
    uint64_t sent_at, digest;
    struct identity id; /* the sender; name.len 0 when the message has none */
    uint64_t to_boot;
    struct addr to; /* no family: of a kind that this version does not know */

    uint16_t has; /* enum wire_has */
    uint8_t question;
    uint8_t reason;
    uint8_t fingerprint[FINGERPRINT_BYTES];
    uint16_t heard_ms;
    uint64_t cursor, target, relay;
    uint64_t ended; /* when, of a DISCONNECT */
    uint32_t total;

    uint16_t size; /* of the datagram it came in; set by who received it */
    uint16_t
        pad_to; /* for wire_encode: pads to so many bytes at least, where there is room; 0: it does not */
    uint8_t own_count;
    struct addr own[PEER_ADDRS];
    struct host host;
    struct tags tags;
    uint8_t echo_count, verdict_count, entry_count;
    struct wire_echo echoes[WIRE_ECHOES];
    struct wire_verdict verdicts[WIRE_VERDICTS];
    struct wire_entry entries[WIRE_ENTRIES];
};

/* Clears what a decoder or a writer of a message may look at; the arrays stay as they are, their counts 0. */
void wire_clear(struct wire_message *m);

/* Writes the message; returns its length, or 0 when it does not fit into `size` bytes. */
size_t wire_encode(const struct wire_message *m, uint8_t *out, size_t size);

/* Reads a message. 0, or -1 when it is cut short, has a bad name, or a field of wrong size. Unknown types,
 * flags, fields, and fields longer than known are no errors. */
int wire_decode(struct wire_message *m, const uint8_t *data, size_t len);

/* Whether it is what may be said to the group: the rest is for one, and would be a recording there. */
bool wire_for_group(const struct wire_message *m);

/* Whether it echoes the nonce of this one. */
bool wire_echoes(const struct wire_message *m, uint64_t boot, uint64_t nonce);

/* Where the entry about this boot id stands in a message; entry_count: it has none. */
size_t wire_entry_of(const struct wire_message *m, uint64_t boot);

/* Bytes that this entry takes in a message. */
size_t wire_entry_size(const struct wire_entry *e);

#endif
