/* The only door to the library of cryptography. Nobody else includes its headers or knows its name, so that
 * where it comes from is CMake's business: libsodium as the system has it, or built from its sources
 * (GOSSIP_SODIUM_SOURCE). The bytes are the same; primitives_test and seal_test hold them to known answers.
 */
#ifndef GOSSIP_PRIMITIVES_H
#define GOSSIP_PRIMITIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIMITIVES_KEY       32
#define PRIMITIVES_NONCE     24
#define PRIMITIVES_TAG       16
#define PRIMITIVES_SALT      16
#define PRIMITIVES_DIGEST    32
#define PRIMITIVES_SHORT_KEY 16

/* Makes the library ready; 0, or -1 if it cannot be. Call once before all else; more often does no harm. */
int primitives_init(void);

/* XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). Encrypts `len` bytes into `out`, which gets the tag behind
 * them: len + PRIMITIVES_TAG bytes. `clear` is authenticated and not encrypted. */
void primitives_encrypt(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *clear, size_t clear_len,
                        const uint8_t nonce[static PRIMITIVES_NONCE],
                        const uint8_t key[static PRIMITIVES_KEY]);

/* Its inverse: `len` counts the tag, `out` has room for len - PRIMITIVES_TAG bytes. 0, or -1 where tag and
 * bytes do not agree (compared in constant time) or there is no whole tag. */
int primitives_decrypt(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *clear, size_t clear_len,
                       const uint8_t nonce[static PRIMITIVES_NONCE],
                       const uint8_t key[static PRIMITIVES_KEY]);

/* BLAKE2b (RFC 7693) of `count` parts, one behind the other. `out_len` is 16 to 64 bytes and goes into the
 * hash; `key` has PRIMITIVES_KEY bytes, or is NULL. What has passed through is wiped. */
struct primitives_part {
    const void *bytes;
    size_t len;
};
void primitives_hash(uint8_t *out, size_t out_len, const uint8_t *key, const struct primitives_part *parts,
                     size_t count);

/* SipHash-2-4: for tables and marks that strangers must not be able to aim at. Its 8 bytes, as they lie in
 * memory. */
uint64_t primitives_short_hash(const uint8_t key[static PRIMITIVES_SHORT_KEY], const void *in, size_t len);

/* Argon2id (RFC 9106), version 1.3, one lane, over `memory` bytes. 0, or -1 if memory is short. */
int primitives_stretch(uint8_t out[static PRIMITIVES_KEY], const uint8_t *secret, size_t len,
                       const uint8_t salt[static PRIMITIVES_SALT], size_t memory, unsigned passes);

/* SHA-256. */
void primitives_sha256(uint8_t out[static PRIMITIVES_DIGEST], const uint8_t *in, size_t len);

/* Reads `out_len` bytes from `len` characters of hexadecimal digits, or of Base64 (RFC 4648, either alphabet,
 * without padding): 0, or -1 where they are not just that. */
int primitives_read_hex(uint8_t *out, size_t out_len, const char *text, size_t len);
int primitives_read_base64(uint8_t *out, size_t out_len, const char *text, size_t len);

/* Fills `out` with unpredictable bytes of the operating system. */
void primitives_random(void *out, size_t len);

/* Whether `len` bytes are the same, in a time that says nothing about them. */
bool primitives_equal(const void *a, const void *b, size_t len);

/* Overwrites, and no compiler leaves it out. */
void primitives_wipe(void *memory, size_t len);

/* Keeps memory out of swap and, where the system can, of core dumps. False where it may not (RLIMIT_MEMLOCK):
 * all works without. */
bool primitives_lock(void *memory, size_t len);

/* Undoes it, and wipes the memory first. */
void primitives_unlock(void *memory, size_t len);

#endif
