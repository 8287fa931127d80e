/* Keys, and the sealed datagram: XChaCha20-Poly1305 with the clear header as authenticated data.
 *
 *     0   4  "GSC" and the version, 1
 *     4   4  key tag: the first bytes of BLAKE2b(key)
 *     8  24  nonce: boot id of the sender (8), random (8), sequence (8)
 *    32   n  sealed message
 *  32+n  16  Poly1305 tag
 */
#ifndef GOSSIP_SEAL_H
#define GOSSIP_SEAL_H

#include "addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_HEADER       32
#define SEAL_NONCE        24
#define SEAL_TAG          16
#define SEAL_OVERHEAD     (SEAL_HEADER + SEAL_TAG)
#define SEAL_VERSION      1
#define SEAL_PREFIX       8 /* bytes of the header that a filter in the kernel can judge */
#define KEY_BYTES         32
#define PASSPHRASE_MAX    1024 /* bytes; a cookie has COOKIE_MAX (command.h) */
#define LABEL_MAX         255  /* bytes of a cluster's label */
#define KEYRING_MAX       4
#define FINGERPRINT_BYTES 8

/* SECRET_DERIVED: a key as keyring_add has made it, for the same label; nobody shares one. */
enum secret_kind { SECRET_COOKIE = 1, SECRET_PASSPHRASE, SECRET_KEY, SECRET_DERIVED = 5 };

/* The kind of this name, "cookie", "passphrase" or "key"; 0: there is none that a person may name. */
uint8_t secret_kind_named(const char *name, size_t len);

struct key {
    uint8_t bytes[KEY_BYTES];
    uint8_t prefix[SEAL_PREFIX]; /* magic, version and key tag, as every datagram under this key begins */
};

/* The first key seals, every key opens. */
struct keyring {
    uint8_t count;
    struct key keys[KEYRING_MAX];
};

/* Makes the primitives ready; 0, or -1 if it cannot be. Call once before all else. */
int seal_init(void);

/* Derives a key from a secret and the cluster's label and appends it to `ring`. Cookie and passphrase pass
 * Argon2id (some 25 ms and 19 MiB), but for a cookie that has the form of what `mix release` generates, which
 * is random; a key, and what was derived, must have 32 bytes. -1 if the ring is full, the secret is of wrong
 * size, or memory is short. */
int keyring_add(struct keyring *ring, uint8_t kind, const uint8_t *secret, size_t len, const char *label,
                size_t label_len);

/* Whether a key of this secret passes Argon2id. */
bool seal_stretches(uint8_t kind, const uint8_t *secret, size_t len);

/* What keys are bound to beside the secret, and are derived with as their label: the group's address and
 * port, and the cluster's label, of LABEL_MAX bytes at most. Returns its length. */
#define SCOPE_MAX (16 + 2 + LABEL_MAX)
size_t keyring_scope(char out[static SCOPE_MAX], const struct addr *group, const char *label,
                     size_t label_len);

/* Overwrites all keys. */
void keyring_wipe(struct keyring *ring);

/* The tag of the ring's first key, which every datagram shows that it seals. */
uint32_t keyring_tag(const struct keyring *ring);

/* Which key of the ring this datagram claims, by its first 8 bytes: an index, or -1 (foreign, or too short).
 * Cheap. */
int seal_match(const struct keyring *ring, const uint8_t *datagram, size_t len);

/* Seals `len` bytes of `message` under the first key into `datagram` (len + SEAL_OVERHEAD bytes). */
void seal_close(const struct keyring *ring, const uint8_t nonce[static SEAL_NONCE], const uint8_t *message,
                size_t len, uint8_t *datagram);

/* Opens a datagram with key `index` into `message`, which has room for `len` bytes. Returns the message's
 * length, or -1. */
int seal_open(const struct keyring *ring, int index, const uint8_t *datagram, size_t len, uint8_t *message);

/* The boot id of who says that it has sent it, from the datagram's nonce. `len` must be at least SEAL_HEADER.
 */
uint64_t seal_sender(const uint8_t *datagram);

/* The random part of a datagram's nonce. Likewise. */
uint64_t seal_chance(const uint8_t *datagram);

/* The sequence number in a datagram's nonce. `len` must be at least SEAL_HEADER. */
uint64_t seal_sequence(const uint8_t *datagram);

/* A fingerprint of a cookie that means something only to holders of key `index`. */
void seal_fingerprint(const struct keyring *ring, int index, const uint8_t *cookie, size_t len,
                      uint8_t out[static FINGERPRINT_BYTES]);

/* How datagrams are sealed: gossip_sealed in everything that meets a network; the simulator may put a cheaper
 * one in place. */
struct gossip_sealing {
    int (*match)(const struct keyring *ring, const uint8_t *datagram, size_t len);
    void (*close)(const struct keyring *ring, const uint8_t nonce[static SEAL_NONCE], const uint8_t *message,
                  size_t len, uint8_t *datagram);
    int (*open)(const struct keyring *ring, int index, const uint8_t *datagram, size_t len, uint8_t *message);
};
extern const struct gossip_sealing gossip_sealed;

#endif
