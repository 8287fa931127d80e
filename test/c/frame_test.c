#include "frame.h"

#include <stdlib.h>
#include <string.h>

#include "prng.h"
#include "test.h"

static void append(uint8_t *stream, size_t *len, const void *frame, size_t frame_len)
{
    stream[(*len)++] = (uint8_t)(frame_len >> 24);
    stream[(*len)++] = (uint8_t)(frame_len >> 16);
    stream[(*len)++] = (uint8_t)(frame_len >> 8);
    stream[(*len)++] = (uint8_t)frame_len;
    if (frame_len > 0) {
        memcpy(stream + *len, frame, frame_len);
    }
    *len += frame_len;
}

/* Puts bytes in as the parser's room allows, taking frames when it is full, as a reader does. */
static void feed(struct frame_parser *p, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t room;
        uint8_t *at = frame_room(p, &room);
        assert_non_null(at);
        assert_true(room > 0);
        size_t n = len < room ? len : room;
        memcpy(at, bytes, n);
        frame_filled(p, n);
        bytes += n;
        len -= n;
    }
}

static void expect_frame(struct frame_parser *p, const char *wanted)
{
    uint8_t *frame = NULL;
    size_t len = 0;
    assert_int_equal(frame_next(p, &frame, &len), 1);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(frame, wanted, len);
}

static void expect_none(struct frame_parser *p)
{
    uint8_t *frame = NULL;
    size_t len = 0;
    assert_int_equal(frame_next(p, &frame, &len), 0);
}

static const char *const FRAMES[] = {"first", "", "a somewhat longer one", "x", ""};

static size_t stream_of_frames(uint8_t *stream)
{
    size_t len = 0;
    for (size_t i = 0; i < COUNT(FRAMES); i++) {
        append(stream, &len, FRAMES[i], strlen(FRAMES[i]));
    }
    return len;
}

static void frames_survive_a_cut_at_every_pair_of_bytes(void **state)
{
    (void)state;
    uint8_t stream[128];
    size_t len = stream_of_frames(stream);
    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            struct frame_parser p = frame_parser_new(64);
            const size_t cuts[] = {0, a, b, len};
            size_t next = 0;
            for (size_t i = 0; i + 1 < COUNT(cuts); i++) {
                uint8_t *frame;
                size_t got;
                feed(&p, stream + cuts[i], cuts[i + 1] - cuts[i]);
                while (frame_next(&p, &frame, &got) == 1) {
                    assert_true(next < COUNT(FRAMES));
                    assert_int_equal(got, strlen(FRAMES[next]));
                    assert_memory_equal(frame, FRAMES[next], got);
                    next++;
                }
            }
            assert_int_equal(next, COUNT(FRAMES));
            frame_parser_free(&p);
        }
    }
}

static void frames_come_byte_by_byte_and_joined(void **state)
{
    (void)state;
    uint8_t stream[128];
    size_t len = stream_of_frames(stream);
    struct frame_parser p = frame_parser_new(64);
    size_t next = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t *frame;
        size_t got;
        feed(&p, stream + i, 1);
        if (frame_next(&p, &frame, &got) == 1) {
            assert_memory_equal(frame, FRAMES[next++], got);
        }
        expect_none(&p);
    }
    assert_int_equal(next, COUNT(FRAMES));
    feed(&p, stream, len);
    for (size_t i = 0; i < COUNT(FRAMES); i++) {
        expect_frame(&p, FRAMES[i]);
    }
    expect_none(&p);
    frame_parser_free(&p);
}

static void the_limit_is_exact_and_the_error_stays(void **state)
{
    (void)state;
    uint8_t stream[64];
    uint8_t payload[17] = {0};
    uint8_t *frame;
    size_t got;
    size_t len = 0;
    struct frame_parser p = frame_parser_new(16);
    append(stream, &len, payload, 16);
    feed(&p, stream, len);
    assert_int_equal(frame_next(&p, &frame, &got), 1);
    assert_int_equal(got, 16);
    len = 0;
    append(stream, &len, payload, 17);
    feed(&p, stream, 4); /* the header alone is enough to know */
    assert_int_equal(frame_next(&p, &frame, &got), -1);
    assert_int_equal(frame_next(&p, &frame, &got), -1);
    size_t room;
    assert_null(frame_room(&p, &room));
    frame_parser_free(&p);
}

static void a_header_of_all_ones_is_an_error(void **state)
{
    (void)state;
    const uint8_t header[4] = {0xff, 0xff, 0xff, 0xff};
    uint8_t *frame;
    size_t got;
    struct frame_parser p = frame_parser_new(FRAME_LIMIT);
    feed(&p, header, sizeof header);
    assert_int_equal(frame_next(&p, &frame, &got), -1);
    frame_parser_free(&p);
}

/* What a header claims costs nothing until the bytes come. */
static void memory_grows_with_what_came_not_with_what_is_claimed(void **state)
{
    (void)state;
    const uint8_t header[4] = {0x00, 0x10, 0x00, 0x00};
    uint8_t *big = calloc(1, FRAME_LIMIT);
    uint8_t *frame;
    size_t got;
    struct frame_parser p = frame_parser_new(FRAME_LIMIT);
    assert_non_null(big);
    feed(&p, header, sizeof header);
    expect_none(&p);
    assert_true(p.size < 8192);
    memset(big, 'b', FRAME_LIMIT);
    for (size_t at = 0; at < FRAME_LIMIT; at += 65536) {
        feed(&p, big + at, 65536);
        assert_true(p.size <= FRAME_LIMIT + FRAME_HEADER);
        assert_true(p.size <= 4 * (at + 65536 + FRAME_HEADER));
    }
    assert_int_equal(frame_next(&p, &frame, &got), 1);
    assert_int_equal(got, FRAME_LIMIT);
    assert_memory_equal(frame, big, got);
    free(big);
    frame_parser_free(&p);
}

/* `written`: so many bytes of the buffer have been, at most; what is behind them is no secret of ours. */
static bool holds(const struct frame_parser *p, const char *secret, size_t written)
{
    size_t len = strlen(secret);
    assert_true(written <= p->size);
    for (size_t i = 0; i + len <= written; i++) {
        if (memcmp(p->data + i, secret, len) == 0) {
            return true;
        }
    }
    return false;
}

/* A secret is gone from the buffer as soon as its frame was used, however the frames behind it were moved. */
static void used_frames_are_wiped(void **state)
{
    (void)state;
    uint8_t stream[6000];
    uint8_t filler[4000] = {0};
    size_t len = 0;
    struct frame_parser p = frame_parser_new(8192);
    append(stream, &len, "hush-hush-secret", 16);
    append(stream, &len, "second-secret", 13);
    append(stream, &len, filler, sizeof filler);
    feed(&p, stream, len - 100); /* the last one is cut, so that the buffer has to move and to grow */
    const uint8_t *buffer = p.data;
    size_t written = p.end;
    expect_frame(&p, "hush-hush-secret");
    assert_true(holds(&p, "hush-hush-secret", written));
    expect_frame(&p, "second-secret");
    assert_false(holds(&p, "hush-hush-secret", written));
    expect_none(&p);
    assert_false(holds(&p, "second-secret", written));
    feed(&p, stream + len - 100, 100);
    written = p.data == buffer && written > p.end ? written : p.end;
    uint8_t *frame;
    size_t got;
    assert_int_equal(frame_next(&p, &frame, &got), 1);
    assert_int_equal(got, sizeof filler);
    assert_false(holds(&p, "secret", written));
    frame_parser_free(&p);
}

static void random_streams_come_out_whole(void **state)
{
    (void)state;
    struct prng r = prng_printed("frame_test");
    uint8_t stream[8192];
    for (int round = 0; round < 500; round++) {
        struct frame_parser p = frame_parser_new(1024);
        size_t starts[64], lens[64], count = 0, len = 0, next = 0;
        while (count < 64 && len + 1024 + FRAME_HEADER <= sizeof stream) {
            uint8_t payload[1024];
            lens[count] = prng_chance(&r, 20) ? 0 : prng_below(&r, prng_chance(&r, 50) ? 8 : 1025);
            prng_fill(&r, payload, lens[count]);
            starts[count] = len + FRAME_HEADER;
            append(stream, &len, payload, lens[count]);
            count++;
        }
        for (size_t at = 0; at < len;) {
            uint8_t *frame;
            size_t got, room;
            uint8_t *to = frame_room(&p, &room);
            assert_non_null(to);
            size_t n = 1 + prng_below(&r, (uint32_t)(len - at < room ? len - at : room));
            memcpy(to, stream + at, n);
            frame_filled(&p, n);
            at += n;
            while (frame_next(&p, &frame, &got) == 1) {
                assert_int_equal(got, lens[next]);
                assert_memory_equal(frame, stream + starts[next], got);
                next++;
            }
        }
        assert_int_equal(next, count);
        frame_parser_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_survive_a_cut_at_every_pair_of_bytes),
        cmocka_unit_test(frames_come_byte_by_byte_and_joined),
        cmocka_unit_test(the_limit_is_exact_and_the_error_stays),
        cmocka_unit_test(a_header_of_all_ones_is_an_error),
        cmocka_unit_test(memory_grows_with_what_came_not_with_what_is_claimed),
        cmocka_unit_test(used_frames_are_wiped),
        cmocka_unit_test(random_streams_come_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
