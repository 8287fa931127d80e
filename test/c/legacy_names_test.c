#include "legacy_names.h"

#include <stdio.h>

#include "build.h"
#include "test.h"

static struct name nth(unsigned n)
{
    char text[32];
    (void)snprintf(text, sizeof text, "n%u@h", n);
    return build_name(text);
}

static enum legacy_verdict hear(struct legacy_names *names, unsigned n, int64_t now)
{
    struct name name = nth(n);
    return legacy_names_heard(names, &name, now);
}

static void a_name_is_told_at_once_and_then_every_five_seconds(void **state)
{
    (void)state;
    struct legacy_names names = {0};
    assert_int_equal(hear(&names, 1, 0), LEGACY_TELL);
    unsigned told = 0;
    for (int64_t now = MS_US; now <= 60 * SECOND_US; now += 500 * MS_US) {
        told += hear(&names, 1, now) == LEGACY_TELL;
    }
    assert_int_equal(told, 11);
}

static void new_names_come_at_a_rate(void **state)
{
    (void)state;
    struct legacy_names names = {0};
    unsigned told = 0;
    for (unsigned n = 0; n < LEGACY_NAMES_MAX; n++) {
        told += hear(&names, n, 0) == LEGACY_TELL;
    }
    assert_int_equal(told, LEGACY_NEW_BURST);
    for (unsigned n = 0; n < LEGACY_NAMES_MAX; n++) {
        told += hear(&names, n, SECOND_US) == LEGACY_TELL;
    }
    assert_int_equal(told, LEGACY_NEW_BURST + LEGACY_NEW_PER_SECOND);
    /* Those that are known are not held back by those that are not. */
    assert_int_equal(hear(&names, 0, 6 * SECOND_US), LEGACY_TELL);
}

/* However many are said, no more than the table holds are known; and who is heard keeps its place. */
static void more_names_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    struct legacy_names names = {0};
    int64_t now = 0;
    unsigned told = 0;
    for (unsigned n = 0; n < 10000; n++, now += 50 * MS_US) {
        (void)hear(&names, 0, now);
        told += n > 0 && hear(&names, n, now) == LEGACY_TELL;
    }
    /* 500 s, in each minute of which the table is filled anew. */
    assert_in_range(told, LEGACY_NAMES_MAX - 1, 10 * LEGACY_NAMES_MAX);
    unsigned known = 0;
    for (size_t i = 0; i < LEGACY_NAMES_MAX; i++) {
        known += names.items[i].name.len > 0;
    }
    assert_int_equal(known, LEGACY_NAMES_MAX);
    struct name first = nth(0);
    assert_true(name_same(&names.items[0].name, &first));
}

static void who_was_silent_for_a_minute_is_forgotten(void **state)
{
    (void)state;
    struct legacy_names names = {0};
    unsigned n = 0;
    for (int64_t now = 0; n < LEGACY_NAMES_MAX; now += 50 * MS_US, n++) {
        assert_int_equal(hear(&names, n, now), LEGACY_TELL);
    }
    int64_t last = LEGACY_NAMES_MAX * 50 * MS_US;
    assert_int_equal(hear(&names, n, last), LEGACY_REFUSED);
    assert_int_equal(hear(&names, n, LEGACY_FORGET - 1), LEGACY_REFUSED);
    assert_int_equal(hear(&names, n, LEGACY_FORGET), LEGACY_TELL);
    assert_int_equal(hear(&names, n + 1, LEGACY_FORGET), LEGACY_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_told_at_once_and_then_every_five_seconds),
        cmocka_unit_test(new_names_come_at_a_rate),
        cmocka_unit_test(more_names_than_there_is_room_for_are_refused),
        cmocka_unit_test(who_was_silent_for_a_minute_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
