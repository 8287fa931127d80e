#include "identity.h"

#include <string.h>

#include "build.h"
#include "test.h"

static void names(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int result;
    } rows[] = {
        {"a@b", 0},
        {"gossip_cluster@host-1.example.org", 0},
        {"\xd0\xb6@\xe2\x82\xac", 0},
        {"a b@c", -1},
        {"", -1},
        {"@", -1},
        {"ab", -1},
        {"a@", -1},
        {"@b", -1},
        {"@@b", -1},
        {"@bc", -1},
        {"bc@", -1},
        {"abc", -1},
        {"a@b@c", -1},
        {"a@b@", -1},
        {"a\n@b", -1},
        {"a\x1f@b", -1},
        {"a\x7f@b", -1},
        {"a\"@b", -1},
        {"a\\@b", -1},
        {"a'@b", 0},
        /* not UTF-8 */
        {"\x80@b", -1},             /* a continuation alone */
        {"\xc3@b", -1},             /* one that is missing */
        {"a@\xc3", -1},             /* cut short at the end */
        {"\xc0\xaf@b", -1},         /* overlong */
        {"\xc1\xbf@b", -1},         /* overlong */
        {"\xe0\x9f\xbf@b", -1},     /* overlong */
        {"\xf0\x8f\xbf\xbf@b", -1}, /* overlong */
        {"\xed\xa0\x80@b", -1},     /* a surrogate */
        {"\xed\xbf\xbf@b", -1},     /* a surrogate */
        {"\xf4\x90\x80\x80@b", -1}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80@b", -1},
        {"\xff@b", -1},
        /* the borders */
        {"\xc2\x80@b", -1}, /* a control character */
        {"\xc2\xa1@b", 0},
        {"\xdf\xbf@b", 0},
        {"\xe0\xa0\x80@b", 0},
        {"\xed\x9f\xbf@b", 0},
        {"\xee\x80\x80@b", 0},
        {"\xf0\x90\x80\x80@b", 0},
        {"\xf4\x8f\xbf\xbf@b", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name = {.len = 1, .text = "?"};
        struct name before = name;
        size_t len = strlen(rows[i].text);
        if (name_set(&name, rows[i].text, len) != rows[i].result) {
            fail_msg("row %zu, \"%s\"", i, rows[i].text);
        }
        if (rows[i].result == 0) {
            assert_int_equal(name.len, len);
            assert_memory_equal(name.text, rows[i].text, len);
        } else {
            assert_memory_equal(&name, &before, sizeof name);
        }
    }
}

static void a_nul_is_no_part_of_a_name(void **state)
{
    (void)state;
    struct name name;
    assert_int_equal(name_set(&name, "a\0@b", 4), -1);
    assert_int_equal(name_set(&name, "a@b\0", 4), -1);
}

static void the_longest_name(void **state)
{
    (void)state;
    char text[NAME_MAX_LEN + 1];
    memset(text, 'x', sizeof text);
    text[1] = '@';
    struct name name;
    assert_int_equal(name_set(&name, text, NAME_MAX_LEN), 0);
    assert_int_equal(name.len, NAME_MAX_LEN);
    assert_memory_equal(name.text, text, NAME_MAX_LEN);
    assert_int_equal(name_set(&name, text, NAME_MAX_LEN + 1), -1);
}

/* A name from a buffer of exactly its length, so that the sanitizer sees a step beyond. */
static void no_name_reads_beyond_its_end(void **state)
{
    (void)state;
    struct prng p = prng_printed("no_name_reads_beyond_its_end");
    for (int round = 0; round < 50000; round++) {
        size_t len = 3 + prng_below(&p, 6);
        uint8_t *text = test_malloc(len);
        prng_fill(&p, text, len);
        text[prng_below(&p, (uint32_t)len)] = '@';
        if (prng_chance(&p, 80)) {
            text[len - 1] = (uint8_t)(0xc0 | text[len - 1]); /* wants more */
        }
        struct name name = {0};
        if (name_set(&name, text, len) == 0) {
            assert_int_equal(name.len, len);
            assert_non_null(memchr(name.text, '@', len));
        }
        test_free(text);
    }
}

static void random_names_are_names(void **state)
{
    (void)state;
    struct prng p = prng_printed("random_names_are_names");
    for (int round = 0; round < 5000; round++) {
        struct name a = build_random_name(&p);
        struct name b = a;
        assert_true(name_same(&a, &b));
        b.text[a.len - 1] ^= 1;
        assert_false(name_same(&a, &b));
        b = a;
        b.len--;
        assert_false(name_same(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(a_nul_is_no_part_of_a_name),
        cmocka_unit_test(the_longest_name),
        cmocka_unit_test(no_name_reads_beyond_its_end),
        cmocka_unit_test(random_names_are_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
