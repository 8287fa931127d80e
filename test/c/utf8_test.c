#include "utf8.h"

#include <stdbool.h>
#include <stdint.h>

#include "test.h"

static size_t encode(uint32_t code, unsigned char out[4])
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i > 1; i--) {
        out[i - 1] = (unsigned char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (unsigned char)((0xf00u >> len & 0xff) | code);
    return len;
}

/* Also beyond the last: what four bytes can hold. */
static void every_character(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x200000; code++) {
        unsigned char text[4];
        size_t len = encode(code, text);
        bool well = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        if (utf8_length(text, len) != (well ? len : 0) || utf8_length(text, len - 1) != 0) {
            fail_msg("U+%X", (unsigned)code);
        }
    }
}

static void every_pair_of_bytes(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const unsigned char text[2] = {(unsigned char)(pair >> 8), (unsigned char)pair};
        bool two = text[0] >= 0xc2 && text[0] <= 0xdf && text[1] >= 0x80 && text[1] <= 0xbf;
        assert_int_equal(utf8_length(text, 2), text[0] < 0x80 ? 1 : two ? 2 : 0);
    }
}

static void overlong_and_broken(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"\xe0\x9f\xbf", 3},     {"\xf0\x8f\xbf\xbf", 4},     {"\xe2\x82\x41", 3},
        {"\xf0\x90\x80\x41", 4}, {"\xf8\x88\x80\x80\x80", 5},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(utf8_length(rows[i].text, rows[i].len), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character),
        cmocka_unit_test(every_pair_of_bytes),
        cmocka_unit_test(overlong_and_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
