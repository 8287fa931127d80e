/* How well a peer is reached: what is measured, and what is no loss. */
#include "kit/quality.h"
#include "test.h"

#define T INT64_C(1000000)

/* A sender's beats, each 7/8 of T after the one before, each with so many numbers that went elsewhere. */
struct sender {
    uint64_t sequence, clock;
};

static void beat(struct sender *s, uint64_t elsewhere)
{
    s->sequence += 1 + elsewhere;
    s->clock += (uint64_t)T * 7 / 8;
}

static void heard(struct quality *q, const struct sender *s)
{
    quality_beat(q, s->sequence, s->clock, T, true);
}

static void a_round_trip_is_smoothed(void **state)
{
    (void)state;
    struct quality q = {0};
    quality_answered(&q, 800);
    assert_int_equal(q.round_trip, 800); /* the first is the measure */
    quality_answered(&q, 1600);
    assert_int_equal(q.round_trip, 900); /* of the others an eighth counts */
    quality_answered(&q, 100);
    assert_int_equal(q.round_trip, 800);
    for (int i = 0; i < 100; i++) {
        quality_answered(&q, 5000);
    }
    assert_in_range(q.round_trip, 4990, 5000);
    struct quality quick = {0};
    quality_answered(&quick, 0); /* both at one reading of the clock: that is measured, too */
    assert_int_equal(quick.round_trip, 1);
}

static void few_beats_tell_nothing(void **state)
{
    (void)state;
    struct quality q = {0};
    struct sender s = {.sequence = 70, .clock = 5};
    for (int i = 1; i < QUALITY_LEAST; i++) {
        beat(&s, 0);
        heard(&q, &s);
        assert_int_equal(quality_loss(&q), -1);
    }
    beat(&s, 0);
    heard(&q, &s);
    assert_int_equal(quality_loss(&q), 0);
}

static struct quality well(struct sender *s, int beats)
{
    struct quality q = {0};
    for (int i = 0; i < beats; i++) {
        beat(s, 0);
        heard(&q, s);
    }
    assert_int_equal(quality_loss(&q), 0);
    return q;
}

/* The same numbers serve all receivers: what went to others is missing here, and is not lost. */
static void what_went_to_others_is_not_lost(void **state)
{
    (void)state;
    struct sender s = {0};
    struct quality q = well(&s, 20);
    for (int i = 0; i < 40; i++) {
        beat(&s, 1000);
        heard(&q, &s);
    }
    assert_int_equal(quality_loss(&q), 0);
}

/* Nor is what a stopped sender did not say. */
static void a_sender_that_was_stopped_has_lost_nothing(void **state)
{
    (void)state;
    struct sender s = {0};
    struct quality q = well(&s, 20);
    s.clock += 60 * T;
    beat(&s, 0);
    heard(&q, &s);
    assert_int_equal(quality_loss(&q), 0);
}

/* One that is put off by a fifth of T, and then late, is one; two are 3/2 T apart at least. */
static void a_beat_that_is_late_is_not_two(void **state)
{
    (void)state;
    struct sender s = {0};
    struct quality q = well(&s, 20);
    s.clock += (uint64_t)T * 3 / 2 - 1;
    s.sequence += 7;
    heard(&q, &s);
    assert_int_equal(quality_loss(&q), 0);
    s.clock += (uint64_t)T * 3 / 2;
    s.sequence += 7;
    heard(&q, &s);
    assert_int_equal(quality_loss(&q), 1000 / 23);
}

static void a_beat_that_is_missing_is_lost(void **state)
{
    (void)state;
    struct sender s = {0};
    struct quality q = well(&s, 16);
    for (int i = 0; i < 4; i++) { /* of 32 at the end: 4 single ones, */
        beat(&s, 3);
        beat(&s, 3);
        heard(&q, &s);
        beat(&s, 3);
        heard(&q, &s);
    }
    assert_int_equal(q.count, 28);
    assert_int_equal(quality_loss(&q), 4 * 1000 / 28);
    beat(&s, 0);
    beat(&s, 0);
    beat(&s, 0);
    beat(&s, 0);
    heard(&q, &s); /* and three in a row */
    assert_int_equal(quality_loss(&q), 7 * 1000 / 32);
}

static void the_window_forgets(void **state)
{
    (void)state;
    struct sender s = {0};
    struct quality q = well(&s, 10);
    for (int i = 0; i < 30; i++) {
        beat(&s, 0);
    }
    heard(&q, &s);
    assert_in_range(quality_loss(&q), 600, 800);
    for (int i = 0; i < QUALITY_WINDOW; i++) {
        beat(&s, 0);
        heard(&q, &s);
    }
    assert_int_equal(quality_loss(&q), 0);
    for (int i = 0; i < 1000000; i += 1000) { /* an hour without a word is all that the window holds */
        s.sequence += 1000;
        s.clock += (uint64_t)T * 1000;
    }
    heard(&q, &s);
    assert_in_range(quality_loss(&q), 900, 1000);
}

/* One that was overtaken is not lost; one that was never missed changes nothing. */
static void one_that_comes_late_has_come(void **state)
{
    (void)state;
    struct sender s = {0};
    struct quality q = well(&s, 15);
    beat(&s, 0);
    struct sender late = s;
    beat(&s, 0);
    heard(&q, &s);
    assert_int_equal(quality_loss(&q), 1000 / 17);
    quality_beat(&q, late.sequence, late.clock, T, false);
    assert_int_equal(quality_loss(&q), 0);
    quality_beat(&q, late.sequence, late.clock, T, false); /* the gap is filled */
    assert_int_equal(quality_loss(&q), 0);

    beat(&s, 0);
    beat(&s, 0);
    heard(&q, &s);
    int lost = quality_loss(&q);
    quality_beat(&q, late.sequence, late.clock, T, false); /* one before that gap */
    assert_int_equal(quality_loss(&q), lost);
    s.sequence += 2; /* a beat out of turn, and an overtaken one: nothing was missed */
    s.clock += 2;
    heard(&q, &s);
    quality_beat(&q, s.sequence - 1, s.clock - 1, T, false);
    assert_int_equal(q.missing, 1);
    assert_int_equal(quality_loss(&q), 1 * 1000 / 20);
}

/* A virtual machine that was set back counts from a lower number. */
static void one_that_was_set_back_begins_anew(void **state)
{
    (void)state;
    struct sender s = {.sequence = 5000, .clock = 5000 * (uint64_t)T};
    struct quality q = well(&s, 20);
    struct sender back = {.sequence = 30, .clock = 7 * (uint64_t)T};
    for (int i = 0; i < 20; i++) {
        heard(&q, &back);
        beat(&back, 0);
    }
    assert_int_equal(quality_loss(&q), 0);
    quality_beat(&q, UINT64_MAX, UINT64_MAX, 0, true); /* whatever it says */
    assert_in_range(quality_loss(&q), 600, 1000);
}

static void a_probe_without_an_answer_is_lost(void **state)
{
    (void)state;
    struct quality q = {0};
    for (int i = 0; i < 20; i++) {
        quality_probe(&q);
        if (i % 4 != 3) {
            quality_life(&q);
            quality_life(&q); /* an answer counts once */
        }
    }
    assert_int_equal(q.count, 19); /* the last may still be answered */
    assert_int_equal(quality_loss(&q), 4 * 1000 / 19);
    quality_rest(&q);
    quality_probe(&q);
    assert_int_equal(q.count, 19); /* nobody waited for that one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_trip_is_smoothed),
        cmocka_unit_test(few_beats_tell_nothing),
        cmocka_unit_test(what_went_to_others_is_not_lost),
        cmocka_unit_test(a_sender_that_was_stopped_has_lost_nothing),
        cmocka_unit_test(a_beat_that_is_late_is_not_two),
        cmocka_unit_test(a_beat_that_is_missing_is_lost),
        cmocka_unit_test(the_window_forgets),
        cmocka_unit_test(one_that_comes_late_has_come),
        cmocka_unit_test(one_that_was_set_back_begins_anew),
        cmocka_unit_test(a_probe_without_an_answer_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
