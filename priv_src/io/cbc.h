/* AES-256-CBC (FIPS 197, NIST SP 800-38A), as libcluster encrypts with: for libcluster's wire alone. It is
 * libcrypto's (OpenSSL); where that was not found when this was built, there is none, and cbc_available says
 * so. Nothing here allocates but cbc_new. */
#ifndef GOSSIP_CBC_H
#define GOSSIP_CBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CBC_BLOCK 16 /* bytes; of an IV, too */

struct cbc;

bool cbc_available(void);

/* A key: SHA-256(secret). It is locked in memory where the system allows that. NULL where memory is short, or
 * there is none of it. */
struct cbc *cbc_new(const uint8_t *secret, size_t len);

/* Wipes it. NULL is allowed. */
void cbc_free(struct cbc *cbc);

/* Each takes `len` bytes, which must be whole blocks, and writes as many. */
void cbc_encrypt(const struct cbc *cbc, const uint8_t iv[static CBC_BLOCK], const uint8_t *in, size_t len,
                 uint8_t *out);
void cbc_decrypt(const struct cbc *cbc, const uint8_t iv[static CBC_BLOCK], const uint8_t *in, size_t len,
                 uint8_t *out);

#endif
