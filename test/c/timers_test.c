#include "kit/timers.h"

#include <stdlib.h>
#include <string.h>

#include "prng.h"
#include "test.h"

static void empty(void **state)
{
    (void)state;
    struct timers t;
    struct timer out;
    timers_init(&t, 4);
    assert_true(timers_next(&t) == INT64_MAX);
    assert_false(timers_take(&t, INT64_MAX, &out));
    timers_free(&t);
    assert_true(timers_next(&t) == INT64_MAX);
}

static void taken_when_due_and_not_before(void **state)
{
    (void)state;
    struct timers t;
    struct timer out;
    timers_init(&t, 4);
    assert_true(timers_add(&t, 100, 3, 77, 9));
    assert_true(timers_next(&t) == 100);
    assert_false(timers_take(&t, 99, &out));
    assert_true(timers_take(&t, 100, &out));
    assert_true(out.due == 100 && out.kind == 3 && out.boot == 77 && out.step == 9);
    assert_false(timers_take(&t, 100, &out));
    timers_free(&t);
}

static void no_more_than_the_limit(void **state)
{
    (void)state;
    const size_t limits[] = {0, 1, 15, 16, 17, 33};
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct timers t;
        struct timer out;
        timers_init(&t, limits[i]);
        for (size_t n = 0; n < limits[i]; n++) {
            assert_true(timers_add(&t, 5, 1, n, 0));
        }
        assert_false(timers_add(&t, 1, 1, 0, 0));
        assert_int_equal(t.count, limits[i]);
        if (limits[i] > 0) {
            assert_true(timers_take(&t, 5, &out)); /* room again */
            assert_true(timers_add(&t, 6, 1, 0, 0));
        }
        timers_free(&t);
    }
}

#define MODEL_MAX 600

struct model {
    size_t count;
    struct timer timers[MODEL_MAX];
};

static size_t model_earliest(const struct model *m)
{
    size_t at = 0;
    for (size_t i = 1; i < m->count; i++) {
        at = m->timers[i].due < m->timers[at].due ? i : at;
    }
    return at;
}

/* Timers of equal time come in no promised order: the model looks whether it has the very one. */
static bool model_remove(struct model *m, const struct timer *t)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct timer *u = &m->timers[i];
        if (u->due == t->due && u->boot == t->boot && u->kind == t->kind && u->step == t->step) {
            m->timers[i] = m->timers[--m->count];
            return true;
        }
    }
    return false;
}

/* What keeps a member alive finds room in a heap that is full, and where there is no memory. */
static void kept_kinds_need_no_room(void **state)
{
    (void)state;
    struct timers t;
    struct timer out;
    timers_init(&t, 0);
    assert_false(timers_add(&t, 5, 1, 77, 0));
    assert_true(timers_add(&t, 30, TIMERS_KEPT, 77, 1));
    assert_true(timers_add(&t, 20, TIMERS_KEPT + TIMERS_KEPT_COUNT - 1, 78, 2));
    assert_true(timers_next(&t) == 20);
    assert_true(timers_add(&t, 10, TIMERS_KEPT, 79, 3)); /* in the place of the last of its kind */
    assert_true(timers_take(&t, 100, &out));
    assert_true(out.due == 10 && out.boot == 79 && out.kind == TIMERS_KEPT && out.step == 3);
    assert_true(timers_take(&t, 100, &out));
    assert_true(out.due == 20 && out.boot == 78 && out.step == 2);
    assert_false(timers_take(&t, INT64_MAX, &out));
    assert_true(timers_next(&t) == INT64_MAX);
    timers_free(&t);
}

static void any_steps_against_a_model(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_steps_against_a_model");
    struct model *m = test_malloc(sizeof *m);
    for (int round = 0; round < 20; round++) {
        struct timers t;
        timers_init(&t, MODEL_MAX - prng_below(&p, 300));
        m->count = 0;
        uint32_t spread = prng_chance(&p, 50) ? 10 : 100000;
        int64_t now = (int64_t)prng_below(&p, 1000) - 500;
        for (int step = 0; step < 4000; step++) {
            if (prng_chance(&p, 55)) {
                struct timer add = {.due = now + (int64_t)prng_below(&p, spread) - 5,
                                    .boot = prng_u64(&p),
                                    .kind = (uint8_t)prng_below(&p, TIMERS_KEPT),
                                    .step = (uint8_t)prng_u64(&p)};
                bool room = m->count < t.limit;
                assert_int_equal(timers_add(&t, add.due, add.kind, add.boot, add.step), room);
                if (room) {
                    m->timers[m->count++] = add;
                }
            } else {
                now += prng_below(&p, spread / 4 + 1);
                int64_t earliest = m->count == 0 ? INT64_MAX : m->timers[model_earliest(m)].due;
                assert_true(timers_next(&t) == earliest);
                struct timer out;
                bool due = m->count > 0 && earliest <= now;
                assert_int_equal(timers_take(&t, now, &out), due);
                if (due) {
                    assert_true(out.due == earliest);
                    assert_true(model_remove(m, &out));
                }
            }
            assert_int_equal(t.count, m->count);
        }
        timers_free(&t);
    }
    test_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(taken_when_due_and_not_before),
        cmocka_unit_test(no_more_than_the_limit),
        cmocka_unit_test(kept_kinds_need_no_room),
        cmocka_unit_test(any_steps_against_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
