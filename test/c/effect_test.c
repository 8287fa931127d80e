#include "effect.h"

#include <stdio.h>
#include <string.h>

#include "prng.h"
#include "test.h"

static int setup(void **state)
{
    *state = test_calloc(1, sizeof(struct effects));
    return *state == NULL;
}

static int teardown(void **state)
{
    test_free(*state);
    return 0;
}

/* Any order of pushes, unpushes and pops, against a plain queue of numbers. */
static void a_queue_of_bounded_length(void **state)
{
    struct effects *fx = *state;
    struct prng p = prng_printed("a_queue_of_bounded_length");
    static uint16_t model[100000];
    size_t first = 0, last = 0;
    uint64_t refused = 0;
    for (uint16_t round = 1; round < 60000; round++) {
        uint32_t what = prng_below(&p, 10);
        if (what < (round / 2000 % 2 == 0 ? 6u : 3u)) {
            struct effect *e = effects_push(fx, EFFECT_SEND);
            if (last - first == EFFECTS_MAX) {
                assert_null(e);
                refused++;
            } else {
                assert_non_null(e);
                assert_int_equal(e->type, EFFECT_SEND);
                assert_int_equal(e->as.send.len, 0);
                e->as.send.len = model[last++] = round;
            }
        } else {
            const struct effect *e = effects_pop(fx);
            if (first == last) {
                assert_null(e);
            } else {
                assert_non_null(e);
                assert_int_equal(e->as.send.len, model[first++]);
            }
        }
        assert_int_equal(fx->count, last - first);
        assert_int_equal(effects_room(fx), EFFECTS_MAX - (last - first));
        assert_true(fx->refused == refused);
    }
    assert_true(refused > 0);
}

/* What was in the slot before must not be told to the owner. */
static void an_event_begins_empty(void **state)
{
    struct effects *fx = *state;
    memset(fx->ring, 0xff, sizeof fx->ring);
    struct effect *e = effects_push(fx, EFFECT_EVENT);
    assert_non_null(e);
    static const struct event none;
    assert_memory_equal(&e->as.event, &none, sizeof none);
}

/* Who has few effects at a time uses the memory of few. */
static void an_empty_queue_begins_in_front(void **state)
{
    struct effects *fx = *state;
    const struct effect *first = effects_push(fx, EFFECT_SEND);
    const struct effect *second = effects_push(fx, EFFECT_SEND);
    assert_ptr_equal(effects_pop(fx), first);
    assert_ptr_not_equal(effects_push(fx, EFFECT_SEND), first);
    assert_ptr_equal(effects_pop(fx), second);
    assert_non_null(effects_pop(fx));
    assert_ptr_equal(effects_push(fx, EFFECT_SEND), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_queue_of_bounded_length, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_begins_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_queue_begins_in_front, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
