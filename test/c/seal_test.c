#include "seal.h"

#include <string.h>

#include "build.h"
#include "test.h"

#define BIG 1152

static const uint8_t KEY[KEY_BYTES] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                       16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
static const char COOKIE[] = "ABCDEFGHIJKLMNOPQRST";

static const char RELEASE[] = "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ====";

static struct keyring ring_of(uint8_t kind, const void *secret, size_t len, const char *label)
{
    struct keyring ring = {0};
    assert_int_equal(keyring_add(&ring, kind, secret, len, label, strlen(label)), 0);
    return ring;
}

static void assert_hex(const uint8_t *data, size_t len, const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    char text[1024];
    assert_true(2 * len < sizeof text);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * len] = '\0';
    assert_string_equal(text, hex);
}

/* The answers come from support/seal_vectors.py, which uses neither libsodium nor this code. */
static void known_keys(void **state)
{
    (void)state;
    const struct {
        uint8_t kind;
        const void *secret;
        size_t len;
        const char *label, *key, *prefix;
    } rows[] = {
        {SECRET_KEY, KEY, 32, "", "82fb321a39f1dba3ff870b276309ffe3c3859ebdf035a48a7ab29ef1a50ac343",
         "4753430109c2ff9d"},
        {SECRET_KEY, KEY, 32, "prod", "e92bc95534618dae6e4c40ffdc2a7876bf4601666198d67c8760ff7e54837ce0",
         "4753430108324490"},
        {SECRET_COOKIE, COOKIE, 20, "", "488fe99988717cdd0c479f104ff6dfa4a9f24f5c314a2f9ef0f6c0af6ad23b6a",
         "47534301899c7067"},
        {SECRET_PASSPHRASE, COOKIE, 20, "",
         "abf98398f429121fb39e98857ed3e282b055341572b902c31ad086a0140d7f82", "47534301e9b07ea7"},
        {SECRET_PASSPHRASE, "gr\xc3\xbc\xc3\x9f Gott", 11, "lab",
         "e2415b5ef09fc4882208588a3b71c1cd3f022f2e6bf128953049dfb9e50ab201", "47534301e92f5d07"},
        /* What a release generates is no less than a key, and passes no Argon2id; as a passphrase it does. */
        {SECRET_COOKIE, RELEASE, 56, "", "a896ab435a5e70f40492ff51c470784f990eef0e03641c9431457bfdd8a391f6",
         "4753430195491b6e"},
        {SECRET_COOKIE, RELEASE, 56, "prod",
         "3f8334e37050438f31eb28b73a1c9ff0b6153f18dda421aadfea04cfa0d85ecb", "4753430151fc1ebf"},
        {SECRET_PASSPHRASE, RELEASE, 56, "",
         "7e6dddd2ff5d8f7fde5f888a8e6f8eac3e0f6cca7760bd8eb747e3672dd61d1e", "47534301787d3fe6"},
        /* What only looks like it does, too: another letter, a digit that Base32 has not, bits of a 33rd
         * byte, less, more. */
        {SECRET_COOKIE, "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPq====", 56, "",
         "dc4aa490a83d4ad983c3f3d2078f1aeed4f6d0b1494875241ab9c34a78b4dd54", "47534301decfa9e7"},
        {SECRET_COOKIE, "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPR====", 56, "",
         "1b15f0eb39b26a9d2ab6edb77565f7c882931f57e37d7d47797add31cd35f22a", "475343010f57a037"},
        {SECRET_COOKIE, "1AAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ====", 56, "",
         "34da1db869541b30f40fdca1d072326b9de1c13ad05668eb26942795f07b4d01", "4753430120e5fce9"},
        {SECRET_COOKIE, "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ===A", 56, "",
         "dfbdb1fc6d07b0b8aafe6ea3c7335d60821be28e3f2ec8a703d212e04f585d3f", "47534301fc9357f9"},
        {SECRET_COOKIE, "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ===", 55, "",
         "018570ec21ad159ab469e0700c0978d4f0eb677a81b296894b820f952e4f02a8", "475343011768b08d"},
        {SECRET_COOKIE, "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ=====", 57, "",
         "5d050b411f6e284d6a1291e42d7889fdffec55055a659e1d62196ddd04b07389", "47534301a5cb67e1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct keyring ring = ring_of(rows[i].kind, rows[i].secret, rows[i].len, rows[i].label);
        assert_hex(ring.keys[0].bytes, KEY_BYTES, rows[i].key);
        assert_hex(ring.keys[0].prefix, SEAL_PREFIX, rows[i].prefix);
    }
}

/* What was made once is taken as it is, under any label: the same datagrams, without Argon2id. */
static void what_was_derived_is_the_key(void **state)
{
    (void)state;
    struct keyring ring = ring_of(SECRET_PASSPHRASE, "correct horse", 13, "prod"), again = {0};
    const struct key *key = &ring.keys[0];
    assert_int_equal(keyring_add(&again, SECRET_DERIVED, key->bytes, KEY_BYTES, "any", 3), 0);
    assert_memory_equal(&again.keys[0], key, sizeof *key);
    assert_int_equal(keyring_add(&again, SECRET_DERIVED, key->bytes, KEY_BYTES - 1, "", 0), -1);
    assert_int_equal(again.count, 1);
    assert_int_equal(secret_kind_named("derived", 7), 0);

    const uint8_t release[] = "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ====";
    assert_true(seal_stretches(SECRET_PASSPHRASE, release, 56));
    assert_true(seal_stretches(SECRET_COOKIE, release, 55));
    assert_false(seal_stretches(SECRET_COOKIE, release, 56));
    assert_false(seal_stretches(SECRET_KEY, release, KEY_BYTES));
    assert_false(seal_stretches(SECRET_DERIVED, release, KEY_BYTES));
}

/* The group and its port are mixed in with the label: who guesses secrets guesses for one cluster. */
static void keys_are_bound_to_group_and_port(void **state)
{
    (void)state;
    const uint8_t four[4] = {233, 252, 1, 33}, six[16] = {0xff, 0x12, [14] = 0x67, [15] = 0x63};
    struct addr group = addr_ipv4(four, 45893, 7);
    char scope[SCOPE_MAX], label[255];
    assert_int_equal(keyring_scope(scope, &group, "prod", 4), 10);
    assert_memory_equal(scope, "\xe9\xfc\x01\x21\xb3\x45prod", 10);
    group = addr_ipv6(six, 1, 0);
    memset(label, 'x', sizeof label);
    assert_int_equal(keyring_scope(scope, &group, label, sizeof label), SCOPE_MAX);
    assert_memory_equal(scope, six, sizeof six);
    assert_memory_equal(scope + 16, "\x00\x01xx", 4);
}

static void known_datagrams(void **state)
{
    (void)state;
    struct keyring ring = ring_of(SECRET_KEY, KEY, sizeof KEY, "prod");
    uint8_t nonce[SEAL_NONCE], datagram[200];
    char message[] = "Ladies and Gentlemen of the class of '99: Ladies and Gentlemen of the class of '99: "
                     "Ladies and Gentlemen of the class of '99: ";
    for (uint8_t i = 0; i < sizeof nonce; i++) {
        nonce[i] = (uint8_t)(100 + i);
    }
    seal_close(&ring, nonce, (const uint8_t *)message, sizeof message - 1, datagram);
    assert_hex(
        datagram, sizeof message - 1 + SEAL_OVERHEAD,
        "47534301083244906465666768696a6b6c6d6e6f707172737475767778797a7b723de4790d642fea00830826a17a94433ec2"
        "619192f9da7f7916db042f03361b69670c452ddc403709260a9dfd50acb9fa243df91feaed93981af6e2919f5ceb229dcca3"
        "4c9c50da1f295befe324b3528643c675a574d32d57b89801de37fa2e42e2452f055db70dcc8823528ea3feca095596adf9c1"
        "394435e4b35d029cf6a75a4f28441c3fc12108e5d8e5fb35");
    assert_true(seal_sequence(datagram) == UINT64_C(0x7475767778797a7b));
    seal_close(&ring, nonce, NULL, 0, datagram);
    assert_hex(
        datagram, SEAL_OVERHEAD,
        "47534301083244906465666768696a6b6c6d6e6f707172737475767778797a7bda3ddaefb063cacc6a1c9f1ad33f0a05");
}

static void a_fingerprint_is_known_to_holders_of_the_key(void **state)
{
    (void)state;
    struct keyring ring = ring_of(SECRET_KEY, KEY, sizeof KEY, "prod");
    assert_int_equal(keyring_add(&ring, SECRET_KEY, KEY, sizeof KEY, "other", 5), 0);
    uint8_t first[FINGERPRINT_BYTES], second[FINGERPRINT_BYTES];
    const uint8_t *cookie = (const uint8_t *)COOKIE;
    seal_fingerprint(&ring, 0, cookie, 20, first);
    assert_hex(first, sizeof first, "6110ce338df2b1e8");
    seal_fingerprint(&ring, 1, cookie, 20, second);
    assert_memory_not_equal(first, second, sizeof first);
    seal_fingerprint(&ring, 0, cookie, 19, second);
    assert_memory_not_equal(first, second, sizeof first);
    seal_fingerprint(&ring, 2, cookie, 20, second);
    assert_hex(second, sizeof second, "0000000000000000");
    seal_fingerprint(&ring, -1, cookie, 20, second);
    assert_hex(second, sizeof second, "0000000000000000");
}

static void secrets_that_are_refused(void **state)
{
    (void)state;
    const struct {
        uint8_t kind;
        size_t len;
        int result;
    } rows[] = {
        {SECRET_KEY, 0, -1},        {SECRET_KEY, 31, -1},       {SECRET_KEY, 32, 0},
        {SECRET_KEY, 33, -1},       {SECRET_KEY, 64, -1},       {SECRET_COOKIE, 0, -1},
        {SECRET_COOKIE, 1, 0},      {SECRET_PASSPHRASE, 0, -1}, {0, 32, -1},
        {SECRET_PASSPHRASE, 33, 0}, {SECRET_KEY + 1, 32, -1},   {255, 32, -1},
    };
    const uint8_t secret[64] = {1};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct keyring ring = {0};
        assert_int_equal(keyring_add(&ring, rows[i].kind, secret, rows[i].len, "l", 1), rows[i].result);
        assert_int_equal(ring.count, rows[i].result == 0);
    }
}

static void a_ring_holds_four(void **state)
{
    (void)state;
    struct keyring ring = build_ring("abcd");
    struct keyring before = ring;
    assert_int_equal(ring.count, KEYRING_MAX);
    assert_int_equal(keyring_add(&ring, SECRET_KEY, KEY, sizeof KEY, "", 0), -1);
    assert_memory_equal(&ring, &before, sizeof ring);
    keyring_wipe(&ring);
    static const struct keyring empty;
    assert_memory_equal(&ring, &empty, sizeof ring);
    uint8_t datagram[SEAL_OVERHEAD] = "GSC\x01";
    assert_int_equal(seal_match(&ring, datagram, sizeof datagram), -1);
}

/* The same bytes as cookie, as passphrase and as key, and under another label, are different keys, as is a
 * label that borrows its end from the secret. */
static void every_derivation_differs(void **state)
{
    (void)state;
    struct keyring rings[] = {
        ring_of(SECRET_KEY, KEY, 32, ""),        ring_of(SECRET_KEY, KEY, 32, "a"),
        ring_of(SECRET_KEY, KEY, 32, "aa"),      ring_of(SECRET_COOKIE, KEY, 32, ""),
        ring_of(SECRET_COOKIE, KEY, 32, "a"),    ring_of(SECRET_PASSPHRASE, KEY, 32, ""),
        ring_of(SECRET_PASSPHRASE, KEY, 31, ""),
    };
    for (size_t i = 0; i < COUNT(rings); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(rings[i].keys[0].bytes, rings[k].keys[0].bytes, KEY_BYTES);
            assert_memory_not_equal(rings[i].keys[0].prefix, rings[k].keys[0].prefix, SEAL_PREFIX);
        }
    }
}

static void any_size_round_trips(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_size_round_trips");
    struct keyring ring = build_ring("k");
    uint8_t message[BIG], nonce[SEAL_NONCE];
    for (size_t len = 0; len <= BIG; len += 1 + len / 40) {
        uint8_t *datagram = test_malloc(len + SEAL_OVERHEAD);
        uint8_t *opened = test_malloc(len + SEAL_OVERHEAD);
        prng_fill(&p, message, len);
        prng_fill(&p, nonce, sizeof nonce);
        seal_close(&ring, nonce, message, len, datagram);
        assert_int_equal(seal_match(&ring, datagram, len + SEAL_OVERHEAD), 0);
        assert_int_equal(seal_open(&ring, 0, datagram, len + SEAL_OVERHEAD, opened), len);
        assert_true(len == 0 || memcmp(message, opened, len) == 0);
        assert_true(len < 16 || memcmp(message, datagram + SEAL_HEADER, len) != 0);
        test_free(datagram);
        test_free(opened);
    }
}

/* Every bit counts: in the header, too, which is sent in clear. */
static void every_single_bit_flip_is_refused(void **state)
{
    (void)state;
    struct keyring ring = build_ring("k");
    uint8_t message[100] = {7}, opened[200], datagram[sizeof message + SEAL_OVERHEAD];
    const uint8_t nonce[SEAL_NONCE] = {1};
    seal_close(&ring, nonce, message, sizeof message, datagram);
    for (size_t bit = 0; bit < 8 * sizeof datagram; bit++) {
        datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(seal_match(&ring, datagram, sizeof datagram), bit < 8 * SEAL_PREFIX ? -1 : 0);
        assert_int_equal(seal_open(&ring, 0, datagram, sizeof datagram, opened), -1);
        datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(seal_open(&ring, 0, datagram, sizeof datagram, opened), sizeof message);
}

static void short_inputs_and_wrong_indices(void **state)
{
    (void)state;
    struct keyring ring = build_ring("k");
    uint8_t message[20] = {7}, opened[200], datagram[sizeof message + SEAL_OVERHEAD];
    const uint8_t nonce[SEAL_NONCE] = {1};
    seal_close(&ring, nonce, message, sizeof message, datagram);
    for (size_t len = 0; len < sizeof datagram; len++) {
        uint8_t *exact = test_malloc(len + (len == 0));
        memcpy(exact, datagram, len);
        assert_int_equal(seal_match(&ring, exact, len), len < SEAL_OVERHEAD ? -1 : 0);
        assert_int_equal(seal_open(&ring, 0, exact, len, opened), -1);
        test_free(exact);
    }
    assert_int_equal(seal_open(&ring, -1, datagram, sizeof datagram, opened), -1);
    assert_int_equal(seal_open(&ring, 1, datagram, sizeof datagram, opened), -1);
    assert_int_equal(seal_open(&ring, 0, datagram, 65536, opened), -1);
    assert_int_equal(seal_open(&ring, 0, datagram, SIZE_MAX, opened), -1);
}

/* The first key seals, and whoever has it at any place of the ring opens. */
static void a_ring_opens_with_every_key(void **state)
{
    (void)state;
    struct keyring all = build_ring("abcd");
    const uint8_t message[5] = {1, 2, 3, 4, 5}, nonce[SEAL_NONCE] = {9};
    uint8_t datagram[sizeof message + SEAL_OVERHEAD], opened[sizeof datagram];
    const char *const senders[] = {"a", "b", "c", "d", "dcba", "xa"};
    const int expected[] = {0, 1, 2, 3, 3, -1};
    for (size_t i = 0; i < COUNT(senders); i++) {
        struct keyring ring = build_ring(senders[i]);
        seal_close(&ring, nonce, message, sizeof message, datagram);
        int index = seal_match(&all, datagram, sizeof datagram);
        assert_int_equal(index, expected[i]);
        for (int k = 0; k < KEYRING_MAX; k++) {
            int size = seal_open(&all, k, datagram, sizeof datagram, opened);
            assert_int_equal(size, k == index ? (int)sizeof message : -1);
            assert_true(k != index || memcmp(opened, message, sizeof message) == 0);
        }
    }
}

/* A tag is no secret: one who copies it onto another key's datagram is not believed. */
static void a_borrowed_tag_does_not_open(void **state)
{
    (void)state;
    struct keyring ours = build_ring("a");
    struct keyring theirs = build_ring("b");
    const uint8_t message[5] = {1}, nonce[SEAL_NONCE] = {9};
    uint8_t datagram[sizeof message + SEAL_OVERHEAD], opened[sizeof datagram];
    memcpy(theirs.keys[0].prefix, ours.keys[0].prefix, SEAL_PREFIX);
    seal_close(&theirs, nonce, message, sizeof message, datagram);
    assert_int_equal(seal_match(&ours, datagram, sizeof datagram), 0);
    assert_int_equal(seal_open(&ours, 0, datagram, sizeof datagram, opened), -1);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_int_equal(secret_kind_named("cookie", 6), SECRET_COOKIE);
    assert_int_equal(secret_kind_named("passphrase", 10), SECRET_PASSPHRASE);
    assert_int_equal(secret_kind_named("key 41", 3), SECRET_KEY);
    assert_int_equal(secret_kind_named("", 0), 0);
    assert_int_equal(secret_kind_named("cookies", 7), 0);
    assert_int_equal(secret_kind_named("cooki", 5), 0);
    assert_int_equal(secret_kind_named("Key", 3), 0);
}

static int setup(void **state)
{
    (void)state;
    return seal_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(known_keys),
        cmocka_unit_test(what_was_derived_is_the_key),
        cmocka_unit_test(keys_are_bound_to_group_and_port),
        cmocka_unit_test(known_datagrams),
        cmocka_unit_test(a_fingerprint_is_known_to_holders_of_the_key),
        cmocka_unit_test(secrets_that_are_refused),
        cmocka_unit_test(a_ring_holds_four),
        cmocka_unit_test(every_derivation_differs),
        cmocka_unit_test(any_size_round_trips),
        cmocka_unit_test(every_single_bit_flip_is_refused),
        cmocka_unit_test(short_inputs_and_wrong_indices),
        cmocka_unit_test(a_ring_opens_with_every_key),
        cmocka_unit_test(a_borrowed_tag_does_not_open),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
