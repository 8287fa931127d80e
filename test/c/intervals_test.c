#include "kit/intervals.h"

#include <inttypes.h>

#include "prng.h"
#include "test.h"

static void interval_by_members(void **state)
{
    (void)state;
    /* max(T_min, N * 1800 bit / 1 Mbit/s) */
    const struct {
        int64_t shortest;
        size_t members;
        int64_t interval;
    } rows[] = {
        {SECOND_US, 0, SECOND_US},         {SECOND_US, 1, SECOND_US},
        {SECOND_US, 555, SECOND_US},       {SECOND_US, 556, 1000800},
        {SECOND_US, 1000, 1800 * MS_US},   {SECOND_US, 10000, 18 * SECOND_US},
        {SECOND_US, 36408, 65534400},      {SECOND_US, 36409, 65535 * MS_US},
        {SECOND_US, 65536, 65535 * MS_US}, {100 * MS_US, 55, 100 * MS_US},
        {100 * MS_US, 56, 100800},         {60 * SECOND_US, 10000, 60 * SECOND_US},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t interval = interval_for(rows[i].shortest, rows[i].members);
        if (interval != rows[i].interval) {
            fail_msg("row %zu: %" PRId64, i, interval);
        }
    }
}

/* A steady group stays within its budget: BEAT_BITS already counts that beats come every 0.875 T. */
static void the_group_keeps_its_budget(void **state)
{
    (void)state;
    for (size_t members = 1; members <= 20000; members += 37) {
        double interval = (double)interval_for(SECOND_US, members) / (double)SECOND_US;
        assert_true((double)members * BEAT_BITS * 0.875 / (0.875 * interval) <=
                    GROUP_BITS_PER_SECOND * 1.001);
    }
}

/* T is promised in 16 bits of milliseconds: who beat more seldom than promised was probed by all, for ever.
 */
static void a_group_of_any_size_beats_as_often_as_the_wire_can_promise(void **state)
{
    (void)state;
    const size_t most = 2 * (size_t)65535 + 1; /* the listed and the departed of max_peers, and this member */
    for (size_t members = 1; members <= most; members++) {
        int64_t interval = interval_for(60 * SECOND_US, members);
        assert_true(interval >= 60 * SECOND_US && interval / MS_US <= UINT16_MAX);
        assert_true(interval_for(SECOND_US, members) >= interval_for(SECOND_US, members - 1));
    }
}

/* What makes a beat longer makes it rarer: so the group keeps its budget whatever its members say. */
static void longer_beats_come_as_much_more_seldom(void **state)
{
    (void)state;
    assert_int_equal(interval_longer(SECOND_US, 1000, 0), interval_for(SECOND_US, 1000));
    assert_int_equal(interval_longer(SECOND_US, 1000, 263), (1800 + 263 * 8 * 8 / 7) * MS_US);
    assert_int_equal(interval_longer(SECOND_US, 100, 263), SECOND_US);
    assert_int_equal(interval_longer(SECOND_US, 36408, 263), INTERVAL_MAX);
}

static void jitter(void **state)
{
    (void)state;
    struct prng p = prng_printed("jitter");
    const int64_t intervals[] = {100 * MS_US, SECOND_US, 60 * SECOND_US, 118 * SECOND_US};
    for (size_t i = 0; i < COUNT(intervals); i++) {
        int64_t t = intervals[i];
        double sum = 0;
        assert_true(interval_jittered(t, 0) == t);
        for (int n = 0; n < 20000; n++) {
            int64_t gap = interval_jittered(t, (uint32_t)prng_u64(&p));
            assert_true(gap <= t && gap > t - t / JITTER_PART - 1);
            sum += (double)gap;
        }
        double mean = sum / 20000 / (double)t; /* 0.875, standard error 0.0005 */
        assert_true(mean > 0.870 && mean < 0.880);
    }
}

/* Questions stand 20 ms apart, eleven of them; then further and further, up to T. */
static void questions(void **state)
{
    (void)state;
    const int64_t at_ms[] = {20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 240, 320, 480, 800, 1440};
    int64_t at = 0;
    for (uint8_t k = 1; k <= COUNT(at_ms); k++) {
        at += question_gap(k, 10 * SECOND_US);
        assert_int_equal(at, at_ms[k - 1] * MS_US);
    }
    for (unsigned k = 0; k < 256; k++) {
        int64_t gap = question_gap((uint8_t)k, SECOND_US);
        int64_t next = question_gap((uint8_t)(k + 1 < 256 ? k + 1 : k), SECOND_US);
        assert_true(gap >= QUESTION_GAP && gap <= SECOND_US && next >= gap);
        assert_true(k < 16 || gap == SECOND_US);
    }
}

static void silences(void **state)
{
    (void)state;
    const struct {
        int64_t interval, probe, stalled, look; /* 1.25 T, max(2 T, 2 s), max(T / 32, 25 ms) */
    } rows[] = {
        {100 * MS_US, 125 * MS_US, 2 * SECOND_US, 25 * MS_US},
        {SECOND_US, 1250 * MS_US, 2 * SECOND_US, 31250},
        {1800 * MS_US, 2250 * MS_US, 3600 * MS_US, 56250},
        {60 * SECOND_US, 75 * SECOND_US, 120 * SECOND_US, 1875 * MS_US},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(silence_to_probe(rows[i].interval), rows[i].probe);
        assert_int_equal(pulse_stalled(rows[i].interval), rows[i].stalled);
        assert_int_equal(look_gap(rows[i].interval), rows[i].look);
    }
}

static void promises_are_believed_within_bounds(void **state)
{
    (void)state;
    const int64_t intervals[][2] = {{0, 100 * MS_US},   {99, 100 * MS_US}, {100, 100 * MS_US},
                                    {101, 101 * MS_US}, {1800, 1800000},   {65535, 65535000}};
    for (size_t i = 0; i < COUNT(intervals); i++) {
        assert_int_equal(promised_interval((uint16_t)intervals[i][0]), intervals[i][1]);
    }
    const uint8_t misses[][2] = {{0, 2}, {1, 2}, {2, 2}, {6, 6}, {30, 30}, {31, 30}, {255, 30}};
    for (size_t i = 0; i < COUNT(misses); i++) {
        assert_int_equal(promised_miss(misses[i][0]), misses[i][1]);
    }
}

/* "a tenth of it and 10 each second" */
static void crowds(void **state)
{
    (void)state;
    const uint32_t rows[][2] = {{1, 10}, {9, 10}, {10, 11}, {128, 22}, {4096, 419}, {65535, 6563}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(crowd_rate(rows[i][0]), rows[i][1]);
    }
}

/* 20, 40, 80, 160 ms where nobody knows how far it is; else always the same, within these. */
static void pages_are_waited_for(void **state)
{
    (void)state;
    const int64_t rows[][3] = {{0, 0, 20000},
                               {0, 1, 40000},
                               {0, 2, 80000},
                               {0, 3, 160000},
                               {0, 200, 160000},
                               {1, 3, 20000},
                               {19999, 0, 20000},
                               {20001, 0, 20001},
                               {20001, 3, 20001},
                               {159999, 0, 159999},
                               {INT64_C(5000000), 0, 160000}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(page_retry(rows[i][0], (unsigned)rows[i][1]), rows[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_by_members),
        cmocka_unit_test(the_group_keeps_its_budget),
        cmocka_unit_test(a_group_of_any_size_beats_as_often_as_the_wire_can_promise),
        cmocka_unit_test(longer_beats_come_as_much_more_seldom),
        cmocka_unit_test(jitter),
        cmocka_unit_test(questions),
        cmocka_unit_test(silences),
        cmocka_unit_test(promises_are_believed_within_bounds),
        cmocka_unit_test(crowds),
        cmocka_unit_test(pages_are_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
