/* libcluster's wire, as its Gossip strategy speaks it: which node is there, and nothing else. It is not part
 * of this protocol; it is there for systems that move from one to the other, node by node. Pure: bytes in, a
 * name out, and the reverse.
 *
 *     0  11  "heartbeat::"
 *    11   1  131: an external term
 *    12   5  116 and 0 0 0 1: a map of one key
 *    17   n  the atom `node`
 *  17+n   m  the node's name, an atom
 *
 * An atom is 100, length (2), Latin-1 (OTP up to 25); 118, length (2), UTF-8; or 119, length (1), UTF-8 (OTP
 * 26 and later). With a secret, all of this is padded to blocks of 16 bytes (PKCS #7, RFC 5652, section 6.3)
 * and encrypted: the 16 bytes of an IV, then AES-256-CBC under SHA-256(secret). There is no MAC: whoever
 * hears a datagram can repeat it, and change it here and there. */
#ifndef GOSSIP_LEGACY_H
#define GOSSIP_LEGACY_H

#include "identity.h"

#include <stddef.h>

#define LEGACY_BLOCK 16
#define LEGACY_KEY   32

/* The longest beat, with room for its padding; and the longest datagram, with its IV. */
#define LEGACY_BEAT_MAX     (11 + 1 + 5 + 6 + 2 + NAME_MAX_LEN + LEGACY_BLOCK)
#define LEGACY_DATAGRAM_MAX (LEGACY_BLOCK + LEGACY_BEAT_MAX)

/* Whether a datagram may be one: by its first bytes and its length. Cheap. */
bool legacy_plain_likely(const uint8_t *datagram, size_t len);
bool legacy_sealed_likely(const uint8_t *datagram, size_t len);

/* Reads a beat, not padded: 0 and the name, or -1 if it is anything else, or the name would not do for a
 * member of the cluster (name_set). */
int legacy_read(const uint8_t *beat, size_t len, struct name *name);

/* Writes the beat of a node, as every OTP reads it; its length. */
size_t legacy_write(const struct name *name, uint8_t out[static LEGACY_BEAT_MAX]);

/* Pads a beat of `len` bytes; its new length. It has room: see LEGACY_BEAT_MAX. */
size_t legacy_pad(uint8_t *beat, size_t len);

/* The length of a padded beat without its padding; 0 if it is not padded. */
size_t legacy_unpad(const uint8_t *beat, size_t len);

#endif
