#include "log.h"

#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "test.h"

static void a_line_reaches_the_sink(void **state)
{
    (void)state;
    struct lines l = {0};
    struct log log = lines_log(&l);
    log_line(&log, LEVEL_WARNING, "%s is %d", "it", 3);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.level, LEVEL_WARNING);
    assert_string_equal(l.last, "it is 3");
}

static void a_storm_is_cut_and_told(void **state)
{
    (void)state;
    struct lines l = {0};
    struct log log = lines_log(&l);
    int64_t now = 5000000;
    log_time(&log, now);
    for (int i = 0; i < 10000; i++) {
        log_line(&log, LEVEL_INFO, "line %d", i);
    }
    size_t passed = l.count;
    assert_true(passed > 10 && passed < 1000);
    assert_int_equal(log.dropped, 10000 - passed);
    now += 10000000;
    log_time(&log, now);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "%lu log lines were left out: too many at once",
                   10000 - (unsigned long)passed);
    assert_string_equal(l.last, wanted);
    assert_int_equal(l.count, passed + 1);
    log_line(&log, LEVEL_INFO, "after");
    assert_string_equal(l.last, "after");
    log_time(&log, now + 1);
    assert_int_equal(l.count, passed + 2); /* told once */
}

static void a_long_line_is_cut_within_the_text(void **state)
{
    (void)state;
    struct lines l = {0};
    struct log log = lines_log(&l);
    char name[2 * LOG_TEXT];
    for (size_t i = 0; i + 1 < sizeof name; i += 2) {
        name[i] = (char)0xc3; /* two bytes a character, so that the cut falls into one */
        name[i + 1] = (char)0xa9;
    }
    name[sizeof name - 2] = '\0';
    log_line(&log, LEVEL_INFO, "%s", name);
    assert_int_equal(strlen(l.last), LOG_TEXT - 1);
    assert_int_equal(l.last[LOG_TEXT - 2], '?'); /* the half character */
    assert_int_equal((unsigned char)l.last[LOG_TEXT - 3], 0xa9);
}

static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"a\nb\x7f\x1b[1m", "a?b??[1m"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff\xfe", "??"},
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xe0\x80\x80", "???"},      /* overlong */
        {"\xed\xa0\x80", "???"},      /* a surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* beyond U+10FFFF */
        {"x\xe2\x82", "x??"},         /* cut */
        {"\xc3", "?"},
        {"\x80", "?"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%s", rows[i].in);
        log_clean(text);
        assert_string_equal(text, rows[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_reaches_the_sink),
        cmocka_unit_test(a_storm_is_cut_and_told),
        cmocka_unit_test(a_long_line_is_cut_within_the_text),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
