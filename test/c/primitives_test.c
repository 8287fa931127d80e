/* The library of cryptography, wherever it was taken from, gives the answers that standards print. Argon2id
 * is held to libargon2's in seal_test. */
#include "primitives.h"

#include <string.h>

#include "test.h"

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    char text[512];
    assert_true(2 * len < sizeof text);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * len] = '\0';
    assert_string_equal(text, hex);
}

static void count_from(uint8_t first, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(first + i);
    }
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void xchacha20_poly1305(void **state)
{
    (void)state;
    static const char text[] =
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
        "the future, sunscreen would be it.";
    const uint8_t clear[] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
    const size_t len = sizeof text - 1;
    uint8_t key[PRIMITIVES_KEY], nonce[PRIMITIVES_NONCE], sealed[sizeof text + PRIMITIVES_TAG];
    uint8_t opened[sizeof text];
    count_from(0x80, key, sizeof key);
    count_from(0x40, nonce, sizeof nonce);
    primitives_encrypt(sealed, (const uint8_t *)text, len, clear, sizeof clear, nonce, key);
    assert_hex(
        sealed, len + PRIMITIVES_TAG,
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64"
        "c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c"
        "97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
    assert_int_equal(
        primitives_decrypt(opened, sealed, len + PRIMITIVES_TAG, clear, sizeof clear, nonce, key), 0);
    assert_memory_equal(opened, text, len);
    assert_int_equal(primitives_decrypt(opened, sealed, len + PRIMITIVES_TAG, clear, 11, nonce, key), -1);
    for (size_t short_of_a_tag = 0; short_of_a_tag < PRIMITIVES_TAG; short_of_a_tag++) {
        assert_int_equal(primitives_decrypt(opened, sealed, short_of_a_tag, clear, sizeof clear, nonce, key),
                         -1);
    }
}

/* Python's hashlib gives the same. */
static void blake2b(void **state)
{
    (void)state;
    uint8_t key[PRIMITIVES_KEY], all[1000], out[64];
    count_from(0, key, sizeof key);
    count_from(0, all, sizeof all);
    const struct primitives_part words[] = {{"abc", 3}, {NULL, 0}, {"defg", 4}};
    primitives_hash(out, 32, key, words, COUNT(words));
    assert_hex(out, 32, "9f40e7d375bb35f3271a55c292c126f7f452b3520ec19ecdc39727a0ddbb320e");
    primitives_hash(out, 16, NULL, words, COUNT(words));
    assert_hex(out, 16, "23acc48d16b0f655c7b792515040e954");
    const struct primitives_part halves[] = {{all, 129}, {all + 129, sizeof all - 129}};
    primitives_hash(out, 64, key, halves, COUNT(halves));
    assert_hex(out, 64,
               "caa3ed224a4f7698ce93971d3c32722091f3591645eb36e5d77473e98854164f"
               "70f451d080e8fc56149424c53ea38c1f223da09043fd7cab865791fc9af3192a");
}

/* The paper's appendix A ("SipHash: a fast short-input PRF"), and its reference code's first answer. */
static void siphash(void **state)
{
    (void)state;
    uint8_t key[PRIMITIVES_SHORT_KEY], in[15];
    count_from(0, key, sizeof key);
    count_from(0, in, sizeof in);
    uint64_t hash = primitives_short_hash(key, in, sizeof in);
    assert_hex((const uint8_t *)&hash, sizeof hash, "e545be4961ca29a1");
    hash = primitives_short_hash(key, in, 0);
    assert_hex((const uint8_t *)&hash, sizeof hash, "310e0edd47db6f72");
}

/* FIPS 180-4's example */
static void sha256(void **state)
{
    (void)state;
    uint8_t out[PRIMITIVES_DIGEST];
    primitives_sha256(out, (const uint8_t *)"abc", 3);
    assert_hex(out, sizeof out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* One in 2^256 runs would find two alike. */
static void what_is_random_differs_and_fills_all_of_it(void **state)
{
    (void)state;
    uint8_t first[32] = {0}, second[32] = {0}, seen[32] = {0};
    primitives_random(first, sizeof first);
    primitives_random(second, sizeof second);
    assert_false(primitives_equal(first, second, sizeof first));
    for (int i = 0; i < 64; i++) {
        primitives_random(second, sizeof second);
        for (size_t k = 0; k < sizeof seen; k++) {
            seen[k] |= second[k];
        }
    }
    for (size_t k = 0; k < sizeof seen; k++) {
        assert_int_equal(seen[k], 0xff);
    }
}

static void equal_is_equal_in_every_byte(void **state)
{
    (void)state;
    uint8_t a[40], b[40];
    count_from(7, a, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(primitives_equal(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof b; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(primitives_equal(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(primitives_equal(a, "", 0));
}

static void what_is_unlocked_is_wiped(void **state)
{
    (void)state;
    static const uint8_t zero[64];
    uint8_t memory[64];
    for (int i = 0; i < 2; i++) {
        memset(memory, 0xaa, sizeof memory);
        if (i == 0) {
            (void)primitives_lock(memory, sizeof memory); /* whether it may or not */
            primitives_unlock(memory, sizeof memory);
        } else {
            primitives_wipe(memory, sizeof memory);
        }
        assert_memory_equal(memory, zero, sizeof memory);
    }
}

static int setup(void **state)
{
    (void)state;
    return primitives_init() == 0 && primitives_init() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xchacha20_poly1305),
        cmocka_unit_test(blake2b),
        cmocka_unit_test(siphash),
        cmocka_unit_test(sha256),
        cmocka_unit_test(what_is_random_differs_and_fills_all_of_it),
        cmocka_unit_test(equal_is_equal_in_every_byte),
        cmocka_unit_test(what_is_unlocked_is_wiped),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
