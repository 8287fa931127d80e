#include "tags.h"

#include <string.h>

#include "prng.h"
#include "test.h"

#define ROW(text, result)                                                                                    \
    {                                                                                                        \
        text, sizeof(text) - 1, result                                                                       \
    }

static void what_tags_are(void **state)
{
    (void)state;
    const struct {
        const char *bytes;
        size_t len;
        int result;
    } rows[] = {
        ROW("", 0),
        ROW("\4role\3web", 0),
        ROW("\4role\0", 0),
        ROW("\1a\1x\2aa\1x\1b\1x", 0), /* a key before one that begins with it */
        ROW("\1Z\0\1a\0\2\xc3\xbc\0", 0),
        ROW("\1a\11two words", 0),
        ROW("\1a\3\xe2\x82\xac", 0),
        ROW("\0\1x", -1),  /* no key */
        ROW("\1a", -1),    /* no value */
        ROW("\1a\2x", -1), /* cut short */
        ROW("\2a", -1),
        ROW("\1b\0\1a\0", -1), /* not in order */
        ROW("\2aa\0\1a\0", -1),
        ROW("\1a\0\1a\0", -1), /* twice */
        ROW("\1\n\0", -1),     /* what nobody sees */
        ROW("\1a\1\x7f", -1),
        ROW("\1a\1\0", -1),
        ROW("\1a\2\xc2\x85", -1),     /* Cc */
        ROW("\1a\3\xe2\x80\x8b", -1), /* Cf */
        ROW("\1a\3\xe2\x80\xa8", -1), /* Zl */
        ROW("\1a\3\xe2\x80\xa9", -1), /* Zp */
        ROW("\3\xe2\x80\xae\0", -1),
        ROW("\1a\1\xff", -1),    /* no UTF-8 */
        ROW("\1\xc3\1\xbc", -1), /* a character over two texts */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tags tags = {.number = 9, .len = 5};
        int result = tags_set(&tags, 3, (const uint8_t *)rows[i].bytes, rows[i].len);
        if (result != rows[i].result || tags.len != (result == 0 ? rows[i].len : 0) || tags.number != 3 ||
            memcmp(tags.bytes, rows[i].bytes, tags.len) != 0) {
            fail_msg("row %zu: %d", i, result);
        }
    }
}

static size_t many(uint8_t *out, unsigned pairs)
{
    for (unsigned i = 0; i < pairs; i++) {
        const uint8_t pair[] = {1, (uint8_t)('0' + i), 0};
        memcpy(out + i * sizeof pair, pair, sizeof pair);
    }
    return (size_t)pairs * 3;
}

static void so_many_and_so_long(void **state)
{
    (void)state;
    struct tags tags;
    uint8_t bytes[2 * TAGS_MAX] = {1, 'a', 253};
    memset(bytes + 3, 'v', sizeof bytes - 3);
    assert_int_equal(tags_set(&tags, 1, bytes, TAGS_MAX), 0);
    bytes[2] = 254;
    assert_int_equal(tags_set(&tags, 1, bytes, TAGS_MAX + 1), -1);
    assert_int_equal(tags_set(&tags, 1, bytes, many(bytes, TAGS_PAIRS)), 0);
    assert_int_equal(tags_set(&tags, 1, bytes, many(bytes, TAGS_PAIRS + 1)), -1);
}

static void the_texts_one_by_one(void **state)
{
    (void)state;
    static const char *const texts[] = {"role", "db", "zone", ""};
    struct tags tags, other;
    assert_int_equal(tags_set(&tags, 1, (const uint8_t *)"\4role\2db\4zone\0", 14), 0);
    size_t len, next, at = 0;
    for (size_t i = 0; i < COUNT(texts); i++, at = next) {
        const uint8_t *text = tags_text(&tags, at, &len, &next);
        assert_int_equal(len, strlen(texts[i]));
        assert_memory_equal(text, texts[i], len);
    }
    assert_int_equal(at, tags.len);
    assert_int_equal(tags_set(&other, 2, (const uint8_t *)"\4role\2db\4zone\0", 14), 0);
    assert_true(tags_same(&tags, &other)); /* whatever their number */
    assert_int_equal(tags_set(&other, 1, (const uint8_t *)"\4role\2dc\4zone\0", 14), 0);
    assert_false(tags_same(&tags, &other));
    assert_int_equal(tags_set(&other, 1, (const uint8_t *)"\4role\2db", 8), 0);
    assert_false(tags_same(&tags, &other));
}

/* Any bytes: whatever is taken is whole texts, to the last byte. */
static void any_bytes(void **state)
{
    (void)state;
    struct prng p = prng_printed("tags");
    size_t taken = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[12];
        struct tags tags;
        size_t size = prng_below(&p, sizeof bytes + 1);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(i % 2 == 0 ? prng_below(&p, 3) : 'a' + prng_below(&p, 26));
        }
        if (tags_set(&tags, 1, bytes, size) != 0) {
            continue;
        }
        size_t len, next = 0, texts = 0;
        for (size_t at = 0; at < tags.len; at = next) {
            (void)tags_text(&tags, at, &len, &next);
            texts++;
        }
        assert_int_equal(next, size);
        assert_int_equal(texts % 2, 0);
        taken += texts > 0;
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tags_are),
        cmocka_unit_test(so_many_and_so_long),
        cmocka_unit_test(the_texts_one_by_one),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
