#include "primitives.h"

#include <sodium.h>

_Static_assert(PRIMITIVES_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
_Static_assert(PRIMITIVES_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce size");
_Static_assert(PRIMITIVES_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag size");
_Static_assert(PRIMITIVES_SALT == crypto_pwhash_argon2id_SALTBYTES, "salt size");
_Static_assert(PRIMITIVES_DIGEST == crypto_hash_sha256_BYTES, "digest size");
_Static_assert(PRIMITIVES_SHORT_KEY == crypto_shorthash_KEYBYTES &&
                   crypto_shorthash_BYTES == sizeof(uint64_t),
               "SipHash-2-4");

int primitives_init(void)
{
    return sodium_init() < 0 ? -1 : 0;
}

void primitives_encrypt(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *clear, size_t clear_len,
                        const uint8_t nonce[static PRIMITIVES_NONCE],
                        const uint8_t key[static PRIMITIVES_KEY])
{
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, in, len, clear, clear_len, NULL, nonce, key);
}

int primitives_decrypt(uint8_t *out, const uint8_t *in, size_t len, const uint8_t *clear, size_t clear_len,
                       const uint8_t nonce[static PRIMITIVES_NONCE], const uint8_t key[static PRIMITIVES_KEY])
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, in, len, clear, clear_len, nonce,
                                                      key) == 0
               ? 0
               : -1;
}

void primitives_hash(uint8_t *out, size_t out_len, const uint8_t *key, const struct primitives_part *parts,
                     size_t count)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, key, key == NULL ? 0 : PRIMITIVES_KEY, out_len);
    for (size_t i = 0; i < count; i++) {
        (void)crypto_generichash_update(&state, parts[i].bytes, parts[i].len);
    }
    (void)crypto_generichash_final(&state, out, out_len);
    sodium_memzero(&state, sizeof state);
}

uint64_t primitives_short_hash(const uint8_t key[static PRIMITIVES_SHORT_KEY], const void *in, size_t len)
{
    uint64_t hash;
    (void)crypto_shorthash((unsigned char *)&hash, in, len, key);
    return hash;
}

int primitives_stretch(uint8_t out[static PRIMITIVES_KEY], const uint8_t *secret, size_t len,
                       const uint8_t salt[static PRIMITIVES_SALT], size_t memory, unsigned passes)
{
    return crypto_pwhash_argon2id(out, PRIMITIVES_KEY, (const char *)secret, len, salt, passes, memory,
                                  crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0
               ? 0
               : -1;
}

void primitives_sha256(uint8_t out[static PRIMITIVES_DIGEST], const uint8_t *in, size_t len)
{
    (void)crypto_hash_sha256(out, in, len);
}

int primitives_read_hex(uint8_t *out, size_t out_len, const char *text, size_t len)
{
    size_t read = 0;
    return sodium_hex2bin(out, out_len, text, len, NULL, &read, NULL) == 0 && read == out_len &&
                   len == 2 * out_len
               ? 0
               : -1;
}

int primitives_read_base64(uint8_t *out, size_t out_len, const char *text, size_t len)
{
    static const int variants[] = {sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                   sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        size_t read = 0;
        if (sodium_base642bin(out, out_len, text, len, NULL, &read, NULL, variants[i]) == 0 &&
            read == out_len) {
            return 0;
        }
    }
    return -1;
}

void primitives_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

bool primitives_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void primitives_wipe(void *memory, size_t len)
{
    sodium_memzero(memory, len);
}

bool primitives_lock(void *memory, size_t len)
{
    return sodium_mlock(memory, len) == 0;
}

void primitives_unlock(void *memory, size_t len)
{
    (void)sodium_munlock(memory, len);
}
