#include "buf.h"

#include <string.h>

#include "prng.h"
#include "test.h"

static void integers_are_big_endian(void **state)
{
    (void)state;
    uint8_t data[15];
    struct writer w = writer_over(data, sizeof data);
    write_u8(&w, 0x01);
    write_u16(&w, 0x0203);
    write_u32(&w, 0x04050607);
    write_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
    assert_false(w.failed);
    assert_int_equal(w.len, 15);
    for (uint8_t i = 0; i < 15; i++) {
        assert_int_equal(data[i], i + 1);
    }

    struct reader r = reader_over(data, sizeof data);
    assert_int_equal(read_u8(&r), 0x01);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(read_u32(&r), 0x04050607);
    assert_int_equal(reader_left(&r), 8);
    assert_true(read_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.failed);
}

static void a_full_writer_stays_failed(void **state)
{
    (void)state;
    uint8_t data[4] = {9, 9, 9, 9};
    struct writer w = writer_over(data, 3);
    write_u16(&w, 0x0101);
    write_u16(&w, 0x0202); /* one byte too many: nothing of it is written */
    assert_true(w.failed);
    assert_int_equal(w.len, 2);
    write_u8(&w, 3); /* would fit, but comes after a failure */
    write_bytes(&w, "", 0);
    assert_int_equal(w.len, 2);
    assert_memory_equal(data, ((uint8_t[]){1, 1, 9, 9}), 4);
}

static void an_empty_writer_takes_nothing(void **state)
{
    (void)state;
    struct writer w = writer_over(NULL, 0);
    write_bytes(&w, NULL, 0);
    assert_false(w.failed);
    write_u8(&w, 1);
    assert_true(w.failed);
    assert_int_equal(w.len, 0);
}

static void a_reader_past_its_end_stays_failed(void **state)
{
    (void)state;
    const uint8_t data[3] = {1, 2, 3};
    struct reader r = reader_over(data, sizeof data);
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u16(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_u8(&r), 0);
    assert_null(read_bytes(&r, 0));
    assert_int_equal(r.pos, 2);
}

static void lengths_that_overflow_are_refused(void **state)
{
    (void)state;
    uint8_t data[4] = {0};
    struct reader r = reader_over(data, sizeof data);
    (void)read_u8(&r);
    assert_null(read_bytes(&r, SIZE_MAX));
    assert_true(r.failed);
    struct writer w = writer_over(data, sizeof data);
    write_u8(&w, 1);
    write_bytes(&w, data, SIZE_MAX);
    assert_true(w.failed);
    assert_int_equal(w.len, 1);
}

static void a_part_is_a_reader_of_its_own(void **state)
{
    (void)state;
    const uint8_t data[6] = {1, 2, 3, 4, 5, 6};
    struct reader r = reader_over(data, sizeof data);
    (void)read_u8(&r);
    struct reader part = read_part(&r, 3);
    assert_int_equal(reader_left(&r), 2);
    assert_int_equal(reader_left(&part), 3);
    assert_int_equal(read_u8(&part), 2);
    assert_int_equal(read_u32(&part), 0); /* the part ends, though the whole goes on */
    assert_true(part.failed);
    assert_false(r.failed);
    assert_int_equal(read_u8(&r), 5);

    struct reader empty = read_part(&r, 0);
    assert_false(empty.failed);
    assert_int_equal(reader_left(&empty), 0);
    struct reader none = read_part(&r, 2);
    assert_true(none.failed);
    assert_true(r.failed);
    assert_int_equal(read_u8(&none), 0);
}

static void a_reader_over_nothing(void **state)
{
    (void)state;
    struct reader r = reader_over(NULL, 0);
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_u8(&r), 0);
    assert_true(r.failed);
    r = reader_over(NULL, 0);
    assert_non_null(read_bytes(&r, 0));
    struct reader part = read_part(&r, 0);
    assert_int_equal(reader_left(&part), 0);
    assert_int_equal(read_u64(&part), 0);
    assert_true(part.failed);
}

/* Any steps, against sums kept beside: a cursor never moves beyond its end, nor after a failure. */
static void any_steps_stay_in_bounds(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_steps_stay_in_bounds");
    for (int round = 0; round < 20000; round++) {
        uint8_t data[32];
        size_t size = prng_below(&p, sizeof data + 1);
        memset(data, 0xee, sizeof data);
        struct writer w = writer_over(data, size);
        struct reader r = reader_over(data, size);
        size_t written = 0, taken = 0;
        bool write_failed = false, read_failed = false;
        for (int step = 0; step < 8; step++) {
            static const uint8_t some[40];
            size_t len = prng_below(&p, 12);
            write_failed = write_failed || len > size - written;
            written += write_failed ? 0 : len;
            write_bytes(&w, some, len);
            read_failed = read_failed || len > size - taken;
            const uint8_t *at = read_bytes(&r, len);
            assert_true(read_failed ? at == NULL : at == data + taken);
            taken += read_failed ? 0 : len;
        }
        assert_int_equal(w.len, written);
        assert_int_equal(w.failed, write_failed);
        assert_int_equal(r.pos, taken);
        assert_int_equal(r.failed, read_failed);
        for (size_t i = 0; i < sizeof data; i++) {
            assert_int_equal(data[i], i < written ? 0 : 0xee);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(a_full_writer_stays_failed),
        cmocka_unit_test(an_empty_writer_takes_nothing),
        cmocka_unit_test(a_reader_past_its_end_stays_failed),
        cmocka_unit_test(lengths_that_overflow_are_refused),
        cmocka_unit_test(a_part_is_a_reader_of_its_own),
        cmocka_unit_test(a_reader_over_nothing),
        cmocka_unit_test(any_steps_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
