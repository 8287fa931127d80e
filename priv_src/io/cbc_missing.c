/* Built where there is no libcrypto. Nobody gets a key, so nobody gets to encrypt. */
#include "cbc.h"

bool cbc_available(void)
{
    return false;
}

struct cbc *cbc_new(const uint8_t *secret, size_t len)
{
    (void)secret;
    (void)len;
    return NULL;
}

void cbc_free(struct cbc *cbc)
{
    (void)cbc;
}

void cbc_encrypt(const struct cbc *cbc, const uint8_t iv[static CBC_BLOCK], const uint8_t *in, size_t len,
                 uint8_t *out)
{
    (void)cbc;
    (void)iv;
    (void)in;
    (void)len;
    (void)out;
}

void cbc_decrypt(const struct cbc *cbc, const uint8_t iv[static CBC_BLOCK], const uint8_t *in, size_t len,
                 uint8_t *out)
{
    cbc_encrypt(cbc, iv, in, len, out);
}
