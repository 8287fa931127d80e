/* The low-level functions, on purpose: they allocate nothing, fail never, read no configuration file, and
 * linked statically bring 12 kB. EVP brings 3.8 MB to each node, of which few need it. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "cbc.h"

#include "primitives.h"

#include <openssl/aes.h>
#include <stdlib.h>
#include <string.h>

struct cbc {
    AES_KEY encrypt;
    AES_KEY decrypt;
};

bool cbc_available(void)
{
    return true;
}

struct cbc *cbc_new(const uint8_t *secret, size_t len)
{
    struct cbc *cbc = calloc(1, sizeof *cbc);
    if (cbc == NULL) {
        return NULL;
    }
    (void)primitives_lock(cbc, sizeof *cbc); /* RLIMIT_MEMLOCK may be 0: it works all the same */
    uint8_t key[PRIMITIVES_DIGEST];
    primitives_sha256(key, secret, len);
    bool set = AES_set_encrypt_key(key, 8 * (int)sizeof key, &cbc->encrypt) == 0 &&
               AES_set_decrypt_key(key, 8 * (int)sizeof key, &cbc->decrypt) == 0;
    primitives_wipe(key, sizeof key);
    if (!set) {
        cbc_free(cbc);
        return NULL;
    }
    return cbc;
}

void cbc_free(struct cbc *cbc)
{
    if (cbc != NULL) {
        primitives_unlock(cbc, sizeof *cbc);
        free(cbc);
    }
}

void cbc_encrypt(const struct cbc *cbc, const uint8_t iv[static CBC_BLOCK], const uint8_t *in, size_t len,
                 uint8_t *out)
{
    uint8_t chain[CBC_BLOCK]; /* it is moved on */
    memcpy(chain, iv, sizeof chain);
    AES_cbc_encrypt(in, out, len, &cbc->encrypt, chain, AES_ENCRYPT);
}

void cbc_decrypt(const struct cbc *cbc, const uint8_t iv[static CBC_BLOCK], const uint8_t *in, size_t len,
                 uint8_t *out)
{
    uint8_t chain[CBC_BLOCK];
    memcpy(chain, iv, sizeof chain);
    AES_cbc_encrypt(in, out, len, &cbc->decrypt, chain, AES_DECRYPT);
}
