/* Which datagrams are late. */
#include "kit/freshness.h"
#include "test.h"

#define S INT64_C(1000000)

static void late_is_what_is_later_than_the_quickest(void **state)
{
    (void)state;
    struct freshness f = {0};
    assert_true(freshness_check(&f, 1000, 500 * S, 2 * S)); /* the first, whenever it comes */
    assert_true(freshness_check(&f, 1000 + 1 * S, 502 * S, 2 * S));
    assert_false(freshness_check(&f, 1000 + 1 * S, 504 * S, 2 * S));
    assert_true(freshness_check(&f, 1000 + 1 * S, 504 * S, 3 * S));  /* more is allowed after a pause */
    assert_true(freshness_check(&f, 1000 + 5 * S, 504 * S, 2 * S));  /* a quicker one is the new measure, */
    assert_false(freshness_check(&f, 1000 + 4 * S, 506 * S, 2 * S)); /* by a second */
    assert_true(freshness_check(&f, 1000 + 4 * S, 505 * S, 2 * S));
}

/* Clocks may run apart by a millionth in a thousand; a slow one is followed. */
static void the_measure_rises(void **state)
{
    (void)state;
    struct freshness f = {0};
    int64_t now = 0;
    uint64_t theirs = 0;
    freshness_measure(&f, theirs, now);
    for (int i = 0; i < 24 * 3600; i++) {
        now += S;
        theirs += S - S / 1000;
        assert_true(freshness_check(&f, theirs, now, S / 10));
    }
    assert_false(freshness_check(&f, theirs - S, now, S / 10));
    assert_in_range(freshness_clock(&f, now), theirs - S / 1000, theirs + S / 1000);
}

/* Whatever a holder of the key says its clock shows, nothing breaks, and an answer puts it right. */
static void any_clock(void **state)
{
    (void)state;
    const uint64_t clocks[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX, UINT64_MAX - 5};
    for (size_t i = 0; i < COUNT(clocks); i++) {
        for (size_t k = 0; k < COUNT(clocks); k++) {
            struct freshness f = {0};
            freshness_measure(&f, clocks[i], 5 * S);
            (void)freshness_check(&f, clocks[k], 6 * S, 2 * S);
            freshness_measure(&f, 7 * S, 7 * S);
            assert_true(freshness_check(&f, 7 * S, 8 * S, 2 * S));
            assert_false(freshness_check(&f, 7 * S, 10 * S, 2 * S));
        }
    }
    struct freshness none = {0};
    assert_int_equal(freshness_clock(&none, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_is_what_is_later_than_the_quickest),
        cmocka_unit_test(the_measure_rises),
        cmocka_unit_test(any_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
