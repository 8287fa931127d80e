#include "kit/index.h"

#include <stdlib.h>

#include "prng.h"
#include "test.h"

#define BOOTS   400
#define INVERSE UINT64_C(0xf1de83e19937733d) /* of the multiplier that finds a home, modulo 2^64 */

static int values[BOOTS + 1];

static void an_empty_index(void **state)
{
    (void)state;
    struct index x = {0};
    assert_null(index_find(&x, 0));
    assert_null(index_find(&x, 7));
    assert_null(index_place(&x, 7));
    index_free(&x);
    index_free(&x);
}

static void what_was_added_is_found(void **state)
{
    (void)state;
    struct index x = {.salt = 5};
    assert_true(index_add(&x, 0, &values[0])); /* no boot id is special, nor is the greatest */
    assert_true(index_add(&x, UINT64_MAX, &values[1]));
    assert_ptr_equal(index_find(&x, 0), &values[0]);
    assert_ptr_equal(index_find(&x, UINT64_MAX), &values[1]);
    assert_null(index_find(&x, 1));
    assert_true(*(const uint64_t *)index_place(&x, UINT64_MAX) ==
                UINT64_MAX); /* alone there, or it would be behind */
    index_remove(&x, 0);
    assert_null(index_find(&x, 0));
    assert_ptr_equal(index_find(&x, UINT64_MAX), &values[1]);
    assert_int_equal(x.count, 1);
    index_free(&x);
    assert_null(index_find(&x, UINT64_MAX));
    assert_true(x.salt == 5);
}

/* Boot ids that are random, in a row, or all of one home: what is removed is gone, and nobody behind it is
 * lost. */
static void any_steps_against_a_model(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_steps_against_a_model");
    for (int round = 0; round < 30; round++) {
        uint64_t boots[BOOTS];
        bool there[BOOTS] = {false};
        struct index x = {.salt = prng_u64(&p)};
        size_t count = 0;
        for (uint64_t i = 0; i < BOOTS; i++) {
            uint64_t product = (i & 1) << 32 | i; /* of two homes, side by side */
            boots[i] = round % 3 == 0 ? prng_u64(&p) : round % 3 == 1 ? i : (product * INVERSE) ^ x.salt;
        }
        for (int step = 0; step < 3000; step++) {
            size_t i = prng_below(&p, step / 500 % 2 == 0 ? BOOTS : BOOTS / 8);
            if (!there[i]) {
                assert_true(index_add(&x, boots[i], &values[i]));
                count++;
            } else {
                index_remove(&x, boots[i]);
                count--;
            }
            there[i] = !there[i];
            assert_int_equal(x.count, count);
            size_t k = prng_below(&p, BOOTS);
            assert_ptr_equal(index_find(&x, boots[k]), there[k] ? &values[k] : NULL);
        }
        for (size_t k = 0; k < BOOTS; k++) {
            assert_ptr_equal(index_find(&x, boots[k]), there[k] ? &values[k] : NULL);
        }
        assert_true(x.size >= 2 * x.count && (x.size & (x.size - 1)) == 0);
        index_free(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_index),
        cmocka_unit_test(what_was_added_is_found),
        cmocka_unit_test(any_steps_against_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
