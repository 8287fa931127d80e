#include "kit/window.h"

#include <stdlib.h>
#include <string.h>

#include "prng.h"
#include "test.h"

static void each_number_once(void **state)
{
    (void)state;
    const struct {
        uint64_t sequence;
        enum window_verdict verdict;
    } rows[] = {
        {0, WINDOW_REPLAY},
        {1, WINDOW_NEWEST},
        {1, WINDOW_REPLAY},
        {2, WINDOW_NEWEST},
        {5, WINDOW_NEWEST},
        {3, WINDOW_OLDER},
        {3, WINDOW_REPLAY},
        {4, WINDOW_OLDER},
        {5, WINDOW_REPLAY},
        {2, WINDOW_REPLAY},
        {0, WINDOW_REPLAY},
        {132, WINDOW_NEWEST}, /* 5 is now the last of the window */
        {5, WINDOW_REPLAY},
        {6, WINDOW_OLDER},
        {4, WINDOW_REPLAY},
        {133, WINDOW_NEWEST}, /* 5 falls out, 6 is the last, and was heard */
        {6, WINDOW_REPLAY},
        {5, WINDOW_REPLAY},
        {7, WINDOW_OLDER},
        {UINT64_MAX, WINDOW_NEWEST},
        {133, WINDOW_REPLAY},
        {UINT64_MAX, WINDOW_REPLAY},
        {UINT64_MAX - 127, WINDOW_OLDER},
        {UINT64_MAX - 128, WINDOW_REPLAY},
    };
    struct window w = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (window_accept(&w, rows[i].sequence) != rows[i].verdict) {
            fail_msg("row %zu", i);
        }
    }
}

static void a_sender_may_begin_anywhere(void **state)
{
    (void)state;
    const uint64_t firsts[] = {1, 64, 65, 127, 128, 129, 1000, UINT64_MAX};
    for (size_t i = 0; i < COUNT(firsts); i++) {
        struct window w = {0};
        assert_int_equal(window_accept(&w, firsts[i]), WINDOW_NEWEST);
        assert_int_equal(window_accept(&w, firsts[i]), WINDOW_REPLAY);
        if (firsts[i] > 1) {
            assert_int_equal(window_accept(&w, firsts[i] - 1), WINDOW_OLDER);
        }
    }
}

/* What was vouched for up to a number has been heard up to there, by somebody. */
static void a_window_that_begins_above_a_number(void **state)
{
    (void)state;
    const uint64_t firsts[] = {0, 1, 100, 1000, UINT64_MAX - 1};
    for (size_t i = 0; i < COUNT(firsts); i++) {
        struct window w;
        memset(&w, 0x55, sizeof w);
        window_start(&w, firsts[i]);
        for (uint64_t back = 0; back <= firsts[i] && back < 2 * WINDOW_BITS; back++) {
            assert_int_equal(window_accept(&w, firsts[i] - back), WINDOW_REPLAY);
        }
        assert_int_equal(window_accept(&w, firsts[i] + 1), WINDOW_NEWEST);
        assert_int_equal(window_accept(&w, firsts[i] + 1), WINDOW_REPLAY);
        assert_int_equal(window_accept(&w, firsts[i]), WINDOW_REPLAY);
    }
}

/* The model remembers everything that was ever accepted. */
struct model {
    uint64_t top;
    uint8_t heard[200000];
};

static enum window_verdict model_accept(struct model *m, uint64_t sequence)
{
    if (sequence == 0 || m->heard[sequence] || (m->top >= WINDOW_BITS && sequence <= m->top - WINDOW_BITS)) {
        return WINDOW_REPLAY;
    }
    m->heard[sequence] = 1;
    if (sequence > m->top) {
        m->top = sequence;
        return WINDOW_NEWEST;
    }
    return WINDOW_OLDER;
}

static void any_sequence_against_a_model(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_sequence_against_a_model");
    struct model *m = test_malloc(sizeof *m);
    size_t verdicts[3] = {0};
    for (int round = 0; round < 40; round++) {
        struct window w = {0};
        memset(m, 0, sizeof *m);
        uint32_t reach = 1 + prng_below(&p, 200); /* how far numbers stray */
        for (int step = 0; step < 2000; step++) {
            uint64_t sequence = m->top + prng_below(&p, reach / 4 + 1);
            if (prng_chance(&p, 50)) {
                uint64_t back = prng_below(&p, reach);
                sequence = back > m->top ? 0 : m->top - back;
            } else if (prng_chance(&p, 1)) {
                sequence += prng_below(&p, 1000);
            }
            enum window_verdict expected = model_accept(m, sequence);
            assert_int_equal(window_accept(&w, sequence), expected);
            assert_true(w.top == m->top);
            verdicts[expected]++;
        }
    }
    assert_true(verdicts[WINDOW_REPLAY] > 0 && verdicts[WINDOW_OLDER] > 0 && verdicts[WINDOW_NEWEST] > 0);
    test_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_once),
        cmocka_unit_test(a_sender_may_begin_anywhere),
        cmocka_unit_test(a_window_that_begins_above_a_number),
        cmocka_unit_test(any_sequence_against_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
