#include "cbc.h"

#include <string.h>

#include "legacy.h"
#include "primitives.h"
#include "test.h"

/* SHA-256("a shared secret") is the key; what it encrypts was made with another implementation (OpenSSL's
 * command, not its library's functions):
 *   printf 'heartbeat::\203t\0\0\0\1w\4nodew\3a@h\4\4\4\4' |
 *     openssl enc -aes-256-cbc -nopad -K $(printf 'a shared secret' | sha256sum | cut -c1-64) \
 *       -iv 000102030405060708090a0b0c0d0e0f | xxd -p */
static const uint8_t IV[CBC_BLOCK] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const char SECRET[] = "a shared secret";
static const uint8_t SEALED[32] = {0xa7, 0xdf, 0x8c, 0x68, 0x3b, 0xd2, 0xc6, 0x9a, 0x58, 0xe3, 0x07,
                                   0x84, 0xbd, 0xc6, 0x19, 0x0b, 0x66, 0xca, 0x4f, 0x89, 0x51, 0xce,
                                   0x89, 0xa0, 0xec, 0x35, 0x75, 0x2a, 0xe0, 0xb4, 0x5e, 0xfc};

static void skip_without(void)
{
    if (!cbc_available()) {
        assert_null(cbc_new((const uint8_t *)SECRET, sizeof SECRET - 1));
        skip();
    }
}

static struct cbc *made(void)
{
    struct cbc *cbc = cbc_new((const uint8_t *)SECRET, sizeof SECRET - 1);
    assert_non_null(cbc);
    return cbc;
}

static void it_encrypts_as_openssl_does(void **state)
{
    (void)state;
    skip_without();
    struct cbc *cbc = made();
    uint8_t beat[LEGACY_BEAT_MAX], sealed[LEGACY_BEAT_MAX];
    struct name name;
    assert_int_equal(name_set(&name, "a@h", 3), 0);
    size_t len = legacy_pad(beat, legacy_write(&name, beat));
    assert_int_equal(len, sizeof SEALED);
    cbc_encrypt(cbc, IV, beat, len, sealed);
    assert_memory_equal(sealed, SEALED, sizeof SEALED);
    cbc_free(cbc);
}

static void it_decrypts_what_openssl_encrypts(void **state)
{
    (void)state;
    skip_without();
    struct cbc *cbc = made();
    uint8_t beat[sizeof SEALED];
    struct name name;
    for (int again = 0; again < 2; again++) { /* nothing is kept of the first */
        cbc_decrypt(cbc, IV, SEALED, sizeof SEALED, beat);
        assert_int_equal(legacy_read(beat, legacy_unpad(beat, sizeof beat), &name), 0);
        assert_memory_equal(name.text, "a@h", 3);
    }
    cbc_free(cbc);
}

static void another_secret_makes_nothing_of_it(void **state)
{
    (void)state;
    skip_without();
    struct cbc *cbc = cbc_new((const uint8_t *)"b", 1);
    uint8_t beat[sizeof SEALED];
    struct name name;
    assert_non_null(cbc);
    cbc_decrypt(cbc, IV, SEALED, sizeof SEALED, beat);
    assert_int_equal(legacy_read(beat, legacy_unpad(beat, sizeof beat), &name), -1);
    cbc_free(cbc);
}

int main(void)
{
    assert_true(primitives_init() == 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_encrypts_as_openssl_does),
        cmocka_unit_test(it_decrypts_what_openssl_encrypts),
        cmocka_unit_test(another_secret_makes_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
