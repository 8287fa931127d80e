/* Numbers as people write them: digits, and within bounds. */
#include "decimal.h"

#include <string.h>

#include "test.h"

static void digits_within_the_bounds_are_a_number(void **state)
{
    (void)state;
    const struct {
        const char *text;
        uint32_t least, most;
        int64_t number; /* -1: it is none */
    } rows[] = {
        {"0", 0, 9, 0},
        {"7", 1, 9, 7},
        {"0080", 1, 65535, 80},
        {"65535", 1, 65535, 65535},
        {"4294967295", 0, UINT32_MAX, UINT32_MAX},
        {"", 0, 9, -1},
        {"0", 1, 9, -1},
        {"10", 0, 9, -1},
        {"65536", 1, 65535, -1},
        {"4294967296", 0, UINT32_MAX, -1},
        {"18446744073709551617", 0, UINT32_MAX, -1}, /* 2^64 + 1 */
        {"-1", 0, 9, -1},
        {"+1", 0, 9, -1},
        {" 1", 0, 9, -1},
        {"1 ", 0, 9, -1},
        {"1x", 0, 9, -1},
        {"0x1", 0, 9, -1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t number = 4711;
        print_message("\"%s\"\n", rows[i].text);
        int result = decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].least, rows[i].most, &number);
        assert_int_equal(result, rows[i].number < 0 ? -1 : 0);
        assert_int_equal(number, rows[i].number < 0 ? 4711 : rows[i].number);
    }
    uint32_t number = 0;
    assert_int_equal(decimal_parse("123", 2, 0, 99, &number), 0); /* no byte behind its length is read */
    assert_int_equal(number, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_within_the_bounds_are_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
