#include "bucket.h"

#include <stdlib.h>

#include "build.h"
#include "gossip.h"
#include "prng.h"
#include "test.h"

static void a_scripted_clock(void **state)
{
    (void)state;
    /* Three at once, two a second: a token is back every 500 ms. */
    const struct {
        int64_t at_ms;
        bool taken;
    } rows[] = {
        {0, true},     {0, true},     {0, true},      {0, false},     {499, false},  {500, true},
        {500, false},  {999, false},  {1000, true},   {1500, true},   {1999, false}, {2000, true},
        {60000, true}, /* full */
        {60000, true}, {60000, true}, {60000, false}, {60499, false}, {60500, true}, {60501, false},
    };
    struct bucket b = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (bucket_take(&b, rows[i].at_ms * MS_US, 3, 2) != rows[i].taken) {
            fail_msg("row %zu", i);
        }
    }
}

/* In any stretch of time at most burst + rate * seconds; and who comes at the rate is never refused. */
static void never_more_than_burst_and_rate(void **state)
{
    (void)state;
    struct prng p = prng_printed("never_more_than_burst_and_rate");
    for (int round = 0; round < 200; round++) {
        uint32_t burst = 1 + prng_below(&p, 50);
        uint32_t rate = 1 + prng_below(&p, 5000);
        int64_t start = (int64_t)(prng_u64(&p) >> 10);
        int64_t now = start;
        struct bucket b = {0};
        uint64_t taken = 0;
        for (int step = 0; step < 3000; step++) {
            now += prng_below(&p, (uint32_t)(SECOND_US / rate));
            taken += bucket_take(&b, now, burst, rate);
            /* a token's time is rounded down to whole microseconds */
            assert_true(taken <= burst + (uint64_t)((now - start) / (SECOND_US / rate)) + 1);
        }
        now += SECOND_US * burst;
        for (int step = 0; step < 1000; step++) {
            now += SECOND_US / rate;
            assert_true(bucket_take(&b, now, burst, rate));
        }
    }
}

static void a_refusal_takes_nothing(void **state)
{
    (void)state;
    struct bucket b = {0};
    assert_true(bucket_take(&b, 0, 1, 1));
    for (int i = 0; i < 1000; i++) {
        assert_false(bucket_take(&b, i * 900, 1, 1));
    }
    assert_true(bucket_take(&b, SECOND_US, 1, 1));
}

static void a_source_is_an_address_whatever_its_port(void **state)
{
    (void)state;
    struct sources s = {0};
    struct addr a = build_addr(1, 1000);
    struct addr b = build_addr(1, 2000);
    assert_ptr_equal(sources_bucket(&s, &a, 7), sources_bucket(&s, &b, 7));
}

/* With a salt of its own, a member's slots cannot be aimed at: the same addresses meet elsewhere. */
static void slots_are_spread_and_salted(void **state)
{
    (void)state;
    struct sources s = {0};
    size_t used[SOURCES] = {0};
    size_t moved = 0;
    for (unsigned i = 0; i < 250; i++) {
        struct addr a = build_addr((uint8_t)i, 1);
        struct bucket *slot = sources_bucket(&s, &a, 7);
        assert_true(slot >= s.slot && slot < s.slot + SOURCES);
        used[slot - s.slot]++;
        moved += sources_bucket(&s, &a, 8) != slot;
    }
    size_t slots = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        slots += used[i] > 0;
        assert_true(used[i] <= 16);
    }
    assert_true(slots > SOURCES / 2);
    assert_true(moved > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scripted_clock),
        cmocka_unit_test(never_more_than_burst_and_rate),
        cmocka_unit_test(a_refusal_takes_nothing),
        cmocka_unit_test(a_source_is_an_address_whatever_its_port),
        cmocka_unit_test(slots_are_spread_and_salted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
