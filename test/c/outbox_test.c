#include "outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "prng.h"
#include "test.h"

/* A pipe that takes little at once and never blocks. */
static void open_pipe(int fds[2])
{
    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    }
#if defined(F_SETPIPE_SZ)
    assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);
#endif
}

static void close_pipe(int fds[2])
{
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Reads what is in the pipe into the parser, and hands out the next frame: 1, or 0 when there is none. */
static int next_frame(int fd, struct frame_parser *p, uint8_t **frame, size_t *len)
{
    int got = frame_next(p, frame, len);
    if (got != 0) {
        return got;
    }
    size_t room;
    uint8_t *at = frame_room(p, &room);
    assert_non_null(at);
    ssize_t n = read(fd, at, room);
    if (n <= 0) {
        return 0;
    }
    frame_filled(p, (size_t)n);
    return next_frame(fd, p, frame, len);
}

static void frames_go_out_in_order_through_a_narrow_pipe(void **state)
{
    (void)state;
    struct prng r = prng_printed("outbox_test");
    struct outbox o = outbox_new(OUTBOX_LIMIT);
    struct frame_parser p = frame_parser_new(FRAME_LIMIT);
    int fds[2];
    uint32_t sent = 0, received = 0;
    open_pipe(fds);
    while (received < 3000) {
        uint8_t *frame;
        size_t len;
        if (sent < 3000 && prng_chance(&r, 70)) {
            uint8_t payload[2000];
            size_t size = sizeof sent + prng_below(&r, (uint32_t)(sizeof payload - sizeof sent));
            memset(payload, (int)(sent & 0xff), sizeof payload);
            memcpy(payload, &sent, sizeof sent);
            assert_int_equal(outbox_push(&o, payload, size), 0);
            sent++;
        }
        assert_int_equal(outbox_write(&o, fds[1]), 0);
        for (uint32_t n = prng_below(&r, 4); n > 0 && next_frame(fds[0], &p, &frame, &len) == 1; n--) {
            uint32_t number;
            memcpy(&number, frame, sizeof number);
            assert_int_equal(number, received);
            assert_int_equal(frame[len - 1] == (uint8_t)number || len == sizeof number, 1);
            received++;
        }
    }
    assert_true(outbox_empty(&o));
    assert_false(outbox_take_overflow(&o));
    assert_int_equal(o.dropped, 0);
    outbox_free(&o);
    frame_parser_free(&p);
    close_pipe(fds);
}

/* The reader stops; what is partly written must come out whole, all else is dropped, and what comes later
 * follows at once. */
static void overflow_keeps_the_partial_frame_only(void **state)
{
    (void)state;
    struct outbox o = outbox_new(20000);
    struct frame_parser p = frame_parser_new(FRAME_LIMIT);
    uint8_t big[9000];
    uint8_t *frame;
    size_t len;
    int fds[2];
    open_pipe(fds);
    memset(big, 'A', sizeof big);
    assert_int_equal(outbox_push(&o, big, sizeof big), 0);
    assert_int_equal(outbox_write(&o, fds[1]), 0);
    assert_false(outbox_empty(&o)); /* the pipe took a part */
    assert_true(o.partial > 0);
    memset(big, 'B', sizeof big);
    assert_int_equal(outbox_push(&o, big, sizeof big), 0);
    assert_int_equal(outbox_push(&o, "c", 1), 0);
    assert_int_equal(outbox_push(&o, big, sizeof big), -1);
    assert_true(outbox_take_overflow(&o));
    assert_false(outbox_take_overflow(&o));
    assert_int_equal(o.dropped, 3);
    assert_int_equal(outbox_push(&o, "after", 5), 0);

    assert_int_equal(next_frame(fds[0], &p, &frame, &len), 0);
    while (!outbox_empty(&o)) {
        assert_int_equal(outbox_write(&o, fds[1]), 0);
        if (next_frame(fds[0], &p, &frame, &len) == 1) {
            break;
        }
    }
    assert_int_equal(len, sizeof big);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(frame[i], 'A');
    }
    assert_int_equal(outbox_write(&o, fds[1]), 0);
    assert_int_equal(next_frame(fds[0], &p, &frame, &len), 1);
    assert_int_equal(len, 5);
    assert_memory_equal(frame, "after", 5);
    assert_true(outbox_empty(&o));
    outbox_free(&o);
    frame_parser_free(&p);
    close_pipe(fds);
}

static void overflow_at_a_frame_boundary_drops_all(void **state)
{
    (void)state;
    struct outbox o = outbox_new(100);
    uint8_t payload[46] = {0};
    assert_int_equal(outbox_push(&o, payload, sizeof payload), 0);
    assert_int_equal(outbox_push(&o, payload, sizeof payload), 0); /* exactly 100 */
    assert_int_equal(outbox_push(&o, payload, 0), -1);
    assert_int_equal(o.dropped, 3);
    assert_true(outbox_empty(&o));
    assert_int_equal(outbox_push(&o, payload, 97), -1); /* larger than the limit by itself */
    assert_int_equal(outbox_push(&o, payload, 0), 0);
    outbox_free(&o);
}

/* A snapshot larger than the limit neither overflows itself nor makes the events behind it overflow. */
static void what_goes_beyond_does_not_count(void **state)
{
    (void)state;
    struct outbox o = outbox_new(1000);
    struct frame_parser p = frame_parser_new(FRAME_LIMIT);
    uint8_t page[2000] = {0};
    uint8_t *frame;
    size_t len, frames = 0;
    int fds[2];
    open_pipe(fds);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(outbox_push_beyond(&o, page, sizeof page), 0);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(outbox_push(&o, page, 96), 0);
    }
    assert_int_equal(outbox_push(&o, page, 96), -1);
    assert_int_equal(o.dropped, 21);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(outbox_push_beyond(&o, page, sizeof page), 0);
    }
    while (!outbox_empty(&o)) {
        assert_int_equal(outbox_write(&o, fds[1]), 0);
        while (next_frame(fds[0], &p, &frame, &len) == 1) {
            frames++;
        }
    }
    assert_int_equal(frames, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(outbox_push(&o, page, 96), 0);
    }
    assert_int_equal(outbox_push(&o, page, 96), -1); /* empty again, so the limit is the limit again */
    outbox_free(&o);
    frame_parser_free(&p);
    close_pipe(fds);
}

static void a_broken_pipe_is_an_error(void **state)
{
    (void)state;
    struct outbox o = outbox_new(1000);
    int fds[2];
    open_pipe(fds);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)close(fds[0]);
    assert_int_equal(outbox_push(&o, "x", 1), 0);
    assert_int_equal(outbox_write(&o, fds[1]), -1);
    assert_int_equal(errno, EPIPE);
    (void)close(fds[1]);
    outbox_free(&o);
}

static void a_large_buffer_is_given_back(void **state)
{
    (void)state;
    struct outbox o = outbox_new(OUTBOX_LIMIT);
    uint8_t *page = calloc(1, 65536);
    int fd = open("/dev/null", O_WRONLY);
    assert_non_null(page);
    assert_true(fd >= 0);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(outbox_push(&o, page, 65536), 0);
    }
    assert_true(o.size >= (size_t)12 * 65536);
    assert_int_equal(outbox_write(&o, fd), 0);
    assert_true(o.size <= (size_t)256 * 1024);
    (void)close(fd);
    free(page);
    outbox_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_out_in_order_through_a_narrow_pipe),
        cmocka_unit_test(overflow_keeps_the_partial_frame_only),
        cmocka_unit_test(overflow_at_a_frame_boundary_drops_all),
        cmocka_unit_test(what_goes_beyond_does_not_count),
        cmocka_unit_test(a_broken_pipe_is_an_error),
        cmocka_unit_test(a_large_buffer_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
