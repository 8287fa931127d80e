#include "legacy.h"

#include <stdio.h>
#include <string.h>

#include "build.h"
#include "test.h"

static size_t unhex(const char *text, uint8_t *out)
{
    size_t len = 0;
    for (const char *at = text; at[0] != '\0'; at += at[0] == ' ' ? 1 : 2) {
        unsigned byte;
        if (at[0] != ' ') {
            assert_int_equal(sscanf(at, "%2x", &byte), 1);
            out[len++] = (uint8_t)byte;
        }
    }
    return len;
}

/* What libcluster sends on OTP 25 for the node a@h, as it was recorded. */
static const char OTP_25[] = "6865617274626561743A3A 8374 00000001 640004 6E6F6465 640003 614068";
/* And from OTP 26 on. */
static const char OTP_26[] = "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 614068";

static int read_hex(const char *text, struct name *name)
{
    uint8_t bytes[1200];
    return legacy_read(bytes, unhex(text, bytes), name);
}

static void what_libcluster_sends_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *name;
    } rows[] = {
        {OTP_25, "a@h"},
        {OTP_26, "a@h"},
        /* Long atoms of UTF-8, and a mixture of all. */
        {"6865617274626561743A3A 8374 00000001 760004 6E6F6465 760003 614068", "a@h"},
        {"6865617274626561743A3A 8374 00000001 640004 6E6F6465 7703 614068", "a@h"},
        /* OTP 25: Latin-1 where it can, UTF-8 else. */
        {"6865617274626561743A3A 8374 00000001 640004 6E6F6465 640003 E94068", "\xc3\xa9@h"},
        {"6865617274626561743A3A 8374 00000001 640004 6E6F6465 760005 E282AC4068", "\xe2\x82\xac@h"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name = {0};
        struct name wanted = build_name(rows[i].name);
        assert_int_equal(read_hex(rows[i].hex, &name), 0);
        assert_true(name_same(&name, &wanted));
    }
}

static void nothing_else_is_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "6865617274626561743A3A",
        /* another prelude, another version, another map, no map */
        "6865617274626561743A3B 8374 00000001 7704 6E6F6465 7703 614068",
        "6865617274626561743A3A 8274 00000001 7704 6E6F6465 7703 614068",
        "6865617274626561743A3A 8374 00000002 7704 6E6F6465 7703 614068 770161 770162",
        "6865617274626561743A3A 8374 00000000",
        "6865617274626561743A3A 8374 FFFFFFFF 7704 6E6F6465 7703 614068",
        "6865617274626561743A3A 8368 02 7704 6E6F6465 7703 614068",
        /* compressed: never unpacked */
        "6865617274626561743A3A 8350 00000010 789C",
        /* another key, or one that is no atom */
        "6865617274626561743A3A 8374 00000001 7704 6E6F6466 7703 614068",
        "6865617274626561743A3A 8374 00000001 7703 6E6F64 7703 614068",
        "6865617274626561743A3A 8374 00000001 6D00000004 6E6F6465 7703 614068",
        /* the name is a text, a small Latin-1 atom of the distribution's, an atom of its cache, nothing */
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 6D00000003 614068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7303 614068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 5203",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465",
        /* a length that is not there, bytes that are too many */
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7704 614068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 64FFFF 614068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 614068 00",
        /* names that no member could have: none, no host, a space, a quote, a line's end, half a character */
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7700",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 616268",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 204068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 224068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 61400A",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 7703 E94068",
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 640003 A04068",
        /* nonode@nohost */
        "6865617274626561743A3A 8374 00000001 7704 6E6F6465 770D 6E6F6E6F6465406E6F686F7374",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct name name = build_name("x@y");
        if (read_hex(rows[i], &name) != -1) {
            fail_msg("row %lu was read", (unsigned long)i);
        }
    }
}

/* Each beginning of a beat is shorter than it says, also where memory ends behind it (the sanitizer sees
 * that). */
static void a_beat_that_is_cut_is_none(void **state)
{
    (void)state;
    const char *const beats[] = {OTP_25, OTP_26};
    for (size_t i = 0; i < COUNT(beats); i++) {
        uint8_t bytes[64];
        size_t len = unhex(beats[i], bytes);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *exact = test_malloc(cut + 1);
            memcpy(exact + 1, bytes, cut);
            struct name name;
            assert_int_equal(legacy_read(exact + 1, cut, &name), -1);
            test_free(exact);
        }
    }
}

static size_t latin1_beat(uint8_t *out, const char *text, size_t len)
{
    size_t head = unhex("6865617274626561743A3A 8374 00000001 640004 6E6F6465 64", out);
    out[head] = (uint8_t)(len >> 8);
    out[head + 1] = (uint8_t)len;
    memcpy(out + head + 2, text, len);
    return head + 2 + len;
}

/* 127 characters of Latin-1 beyond ASCII have 254 bytes in UTF-8. */
static void a_name_that_grows_has_its_bound(void **state)
{
    (void)state;
    char text[300];
    uint8_t beat[400];
    struct name name;
    memset(text, 0xe9, sizeof text);
    text[126] = '@';
    assert_int_equal(legacy_read(beat, latin1_beat(beat, text, 128), &name), 0);
    assert_int_equal(name.len, 255);
    assert_int_equal(legacy_read(beat, latin1_beat(beat, text, 129), &name), -1);
    memset(text, 'a', sizeof text);
    text[1] = '@';
    assert_int_equal(legacy_read(beat, latin1_beat(beat, text, 255), &name), 0);
    assert_int_equal(legacy_read(beat, latin1_beat(beat, text, 256), &name), -1);
}

static void what_is_written_is_what_otp_26_writes(void **state)
{
    (void)state;
    uint8_t wanted[64], written[LEGACY_BEAT_MAX];
    size_t len = unhex(OTP_26, wanted);
    struct name name = build_name("a@h");
    assert_int_equal(legacy_write(&name, written), len);
    assert_memory_equal(written, wanted, len);
}

static void every_name_comes_back(void **state)
{
    (void)state;
    struct prng p = prng_from(11);
    for (int i = 0; i < 2000; i++) {
        uint8_t beat[LEGACY_BEAT_MAX];
        struct name name = build_random_name(&p);
        struct name back = {0};
        size_t len = legacy_write(&name, beat);
        assert_int_equal(legacy_read(beat, len, &back), 0);
        assert_true(name_same(&name, &back));
        size_t padded = legacy_pad(beat, len);
        assert_true(padded > len && padded <= len + LEGACY_BLOCK && padded % LEGACY_BLOCK == 0);
        assert_true(padded <= LEGACY_BEAT_MAX);
        assert_int_equal(legacy_unpad(beat, padded), len);
        assert_true(legacy_plain_likely(beat, len));
    }
}

static void padding_is_whole_or_none(void **state)
{
    (void)state;
    uint8_t beat[32];
    memset(beat, 'x', sizeof beat);
    assert_int_equal(legacy_unpad(beat, 0), 0);
    assert_int_equal(legacy_unpad(beat, 32), 0); /* 'x' is more than a block */
    beat[31] = 0;
    assert_int_equal(legacy_unpad(beat, 32), 0);
    beat[31] = 1;
    assert_int_equal(legacy_unpad(beat, 32), 31);
    beat[31] = 2;
    assert_int_equal(legacy_unpad(beat, 32), 0);
    beat[30] = 2;
    assert_int_equal(legacy_unpad(beat, 32), 30);
    memset(beat + 16, 16, 16);
    assert_int_equal(legacy_unpad(beat, 32), 16);
    assert_int_equal(legacy_unpad(beat + 24, 8), 0); /* more padding than bytes */
}

static void what_may_be_one_is_seen_by_its_first_bytes(void **state)
{
    (void)state;
    uint8_t bytes[LEGACY_DATAGRAM_MAX + LEGACY_BLOCK] = {0};
    assert_false(legacy_plain_likely(bytes, sizeof bytes));
    assert_false(legacy_sealed_likely(bytes, 16)); /* an IV alone */
    assert_true(legacy_sealed_likely(bytes, 32));
    assert_false(legacy_sealed_likely(bytes, 33));
    assert_false(legacy_sealed_likely(bytes, 47));
    assert_true(legacy_sealed_likely(bytes, LEGACY_DATAGRAM_MAX / 16 * 16));
    assert_false(legacy_sealed_likely(bytes, LEGACY_DATAGRAM_MAX / 16 * 16 + 16));
    memcpy(bytes, "GSC\1", 4);
    assert_false(legacy_sealed_likely(bytes, 48)); /* one of ours, on the same port */
    (void)unhex(OTP_25, bytes);
    assert_true(legacy_plain_likely(bytes, 30));
    assert_true(legacy_plain_likely(bytes, 11));
    assert_false(legacy_plain_likely(bytes, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_libcluster_sends_is_read),
        cmocka_unit_test(nothing_else_is_read),
        cmocka_unit_test(a_beat_that_is_cut_is_none),
        cmocka_unit_test(a_name_that_grows_has_its_bound),
        cmocka_unit_test(what_is_written_is_what_otp_26_writes),
        cmocka_unit_test(every_name_comes_back),
        cmocka_unit_test(padding_is_whole_or_none),
        cmocka_unit_test(what_may_be_one_is_seen_by_its_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
