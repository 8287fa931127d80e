/* The executable itself, driven over pipes as the owner drives it. Loopback only, TTL 0. Nothing here waits
 * for time to pass: each wait is for something to happen, and PATIENCE says when it is taken for never.
 *
 * The executable is looked for beside this one, or is what $GOSSIPD names. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "frame.h"
#include "port_terms.h"
#include "test.h"

#define PATIENCE INT64_C(20000000) /* microseconds */

static char executable[4096]; /* set by main alone */

/* The sidecars that run now, so that none outlives a test that fails and meets those of the next one. */
static pid_t running[16];

static void remember(pid_t was, pid_t is)
{
    size_t i = 0;
    while (i < COUNT(running) && running[i] != was)
        i++;
    assert_true(i < COUNT(running));
    running[i] = is;
}

static int kill_what_is_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(running); i++) {
        if (running[i] != 0) {
            (void)kill(running[i], SIGKILL);
            (void)waitpid(running[i], NULL, 0);
        }
        running[i] = 0;
    }
    return 0;
}

/* ---- a sidecar, and its owner's end of the pipes ---- */

struct sidecar {
    pid_t pid;
    int to, from, errors; /* -1 once closed */
    struct frame_parser parser;
    const uint8_t *frame; /* the last frame read, valid until the next is */
    size_t len;
    char tag[MAXATOMLEN_UTF8];
    char kind[MAXATOMLEN_UTF8]; /* the second element, where that is an atom */
};

static void open_pipe(int fds[2])
{
    assert_int_equal(pipe(fds), 0);
    /* Otherwise the next sidecar would hold the ends of this one, which then would never read end of file. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(fcntl(fds[i], F_SETFD, FD_CLOEXEC), 0);
}

static struct sidecar spawn(const char *argument, int terminal)
{
    struct sidecar s = {.parser = frame_parser_new(FRAME_LIMIT)};
    int in[2], out[2], err[2];
    open_pipe(in);
    open_pipe(out);
    open_pipe(err);
    s.pid = fork();
    assert_true(s.pid >= 0);
    if (s.pid == 0) {
        if (dup2(terminal >= 0 ? terminal : in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
            _exit(126);
        (void)execl(executable, executable, argument, (char *)NULL);
        _exit(127);
    }
    remember(0, s.pid);
    (void)close(in[0]);
    (void)close(out[1]);
    (void)close(err[1]);
    s.to = in[1];
    s.from = out[0];
    s.errors = err[0];
    assert_int_equal(fcntl(s.to, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(s.from, F_SETFL, O_NONBLOCK), 0);
    return s;
}

static struct sidecar start(void)
{
    return spawn("--port", -1);
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Waits for its end and frees what belongs to it: the status as waitpid gives it. */
static int ended(struct sidecar *s)
{
    int status = 0;
    int64_t until = clock_now() + PATIENCE;
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        struct pollfd fd = {.fd = s->from, .events = 0};
        if (clock_now() > until)
            fail_msg("the sidecar did not end");
        (void)poll(&fd, 1, 5); /* its end hangs the pipe up; a few milliseconds between that and the zombie */
    }
    remember(s->pid, 0);
    close_end(&s->to);
    close_end(&s->from);
    close_end(&s->errors);
    frame_parser_free(&s->parser);
    return status;
}

static void ends_with(struct sidecar *s, int code)
{
    int status = ended(s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* The polite end: end of file on its stdin. */
static void finish(struct sidecar *s)
{
    close_end(&s->to);
    ends_with(s, 0);
}

static void put_bytes(struct sidecar *s, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        struct pollfd fd = {.fd = s->to, .events = POLLOUT};
        if (poll(&fd, 1, (int)(PATIENCE / 1000)) != 1)
            fail_msg("the sidecar does not read its stdin");
        ssize_t n = write(s->to, at, len);
        if (n < 0 && errno == EPIPE)
            return; /* it has ended, and its frames say why */
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

static void put(struct sidecar *s, const ei_x_buff *x)
{
    size_t len = (size_t)x->index;
    const uint8_t header[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    put_bytes(s, header, sizeof header);
    put_bytes(s, x->buff, len);
}

static void parse_tags(struct sidecar *s)
{
    const char *buffer = (const char *)s->frame;
    int at = 0, version = 0, arity = 0, type = 0, size = 0;
    s->kind[0] = '\0';
    assert_int_equal(ei_decode_version(buffer, &at, &version), 0);
    assert_int_equal(ei_get_type(buffer, &at, &type, &size), 0);
    if (type == ERL_SMALL_TUPLE_EXT)
        assert_int_equal(ei_decode_tuple_header(buffer, &at, &arity), 0);
    assert_int_equal(ei_decode_atom(buffer, &at, s->tag), 0);
    if (arity > 1 && ei_get_type(buffer, &at, &type, &size) == 0 && type == ERL_ATOM_EXT)
        assert_int_equal(ei_decode_atom(buffer, &at, s->kind), 0);
}

/* The next frame: true; the end of its stdout: false. */
static bool next(struct sidecar *s)
{
    int64_t until = clock_now() + PATIENCE;
    for (;;) {
        uint8_t *frame;
        size_t room;
        int got = frame_next(&s->parser, &frame, &s->len);
        assert_true(got >= 0);
        if (got == 1) {
            s->frame = frame;
            parse_tags(s);
            return true;
        }
        uint8_t *at = frame_room(&s->parser, &room);
        assert_non_null(at);
        struct pollfd fd = {.fd = s->from, .events = POLLIN};
        if (poll(&fd, 1, (int)(PATIENCE / 1000)) != 1 || clock_now() > until)
            fail_msg("nothing comes from the sidecar");
        ssize_t n = read(s->from, at, room);
        if (n == 0)
            return false;
        if (n > 0)
            frame_filled(&s->parser, (size_t)n);
    }
}

/* Reads until a frame with this tag; others are passed over, but for errors. */
static void await_frame(struct sidecar *s, const char *tag)
{
    do {
        if (!next(s))
            fail_msg("the sidecar ended before it said %s", tag);
        if (strcmp(s->tag, "error") == 0 && strcmp(tag, "error") != 0)
            fail_msg("error %s instead of %s", s->kind, tag);
    } while (strcmp(s->tag, tag) != 0);
}

static bool mentions(const struct sidecar *s, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= s->len; i++) {
        if (memcmp(s->frame + i, text, len) == 0)
            return true;
    }
    return false;
}

static uint16_t test_port(void)
{
    return (uint16_t)(30000 + getpid() % 10000);
}

static void configure_as(struct sidecar *s, struct port_config c)
{
    ei_x_buff x = {0};
    if (c.port == 0)
        c.port = test_port();
    c.key = 7;
    port_configure(&x, &c);
    put(s, &x);
    (void)ei_x_free(&x);
}

static struct sidecar started(struct port_config c)
{
    struct sidecar s = start();
    configure_as(&s, c);
    await_frame(&s, "snapshot_end");
    return s;
}

static void say_alive(struct sidecar *s, const char *name)
{
    ei_x_buff x = {0};
    port_alive(&x, name, 1);
    put(s, &x);
    (void)ei_x_free(&x);
}

static void say_word(struct sidecar *s, const char *word)
{
    ei_x_buff x = {0};
    port_word(&x, word);
    put(s, &x);
    (void)ei_x_free(&x);
}

/* Asks for the counters, and pulses, as a living BEAM does all the time. */
static void ask_stats(struct sidecar *s, long ref)
{
    ei_x_buff x = {0};
    say_word(s, "pulse");
    port_stats(&x, ref);
    put(s, &x);
    (void)ei_x_free(&x);
}

/* A counter of the {stats, Ref, Map} just read. */
static uint64_t counter(const struct sidecar *s, const char *name)
{
    const char *buffer = (const char *)s->frame;
    int at = 0, version, arity;
    long ref;
    char key[MAXATOMLEN_UTF8];
    assert_int_equal(ei_decode_version(buffer, &at, &version), 0);
    assert_int_equal(ei_decode_tuple_header(buffer, &at, &arity), 0);
    assert_int_equal(ei_decode_atom(buffer, &at, key), 0);
    assert_int_equal(ei_decode_long(buffer, &at, &ref), 0);
    assert_int_equal(ei_decode_map_header(buffer, &at, &arity), 0);
    for (int i = 0; i < arity; i++) {
        EI_ULONGLONG value;
        assert_int_equal(ei_decode_atom(buffer, &at, key), 0);
        if (strcmp(key, name) == 0) {
            assert_int_equal(ei_decode_ulonglong(buffer, &at, &value), 0);
            return value;
        }
        assert_int_equal(ei_skip_term(buffer, &at), 0);
    }
    fail_msg("there is no counter %s", name);
    return 0;
}

static uint64_t stat(struct sidecar *s, const char *name)
{
    ask_stats(s, 1);
    await_frame(s, "stats");
    return counter(s, name);
}

/* Between two looks at a counter that time moves. */
static void breathe(void)
{
    (void)poll(NULL, 0, 10);
}

static void pair_up(struct sidecar *a, struct sidecar *b, struct port_config c)
{
    *a = started(c);
    *b = started(c);
    say_alive(a, "a@host");
    say_alive(b, "b@host");
    await_frame(a, "up");
    assert_true(mentions(a, "b@host"));
    await_frame(b, "up");
    assert_true(mentions(b, "a@host"));
}

/* ---- tests ---- */

static void by_hand_it_explains_itself(void **state)
{
    (void)state;
    const struct {
        const char *argument;
        bool terminal, on_stdout;
        int code;
        const char *says;
    } rows[] = {{NULL, false, false, 2, "not started by hand"},
                {"--port", true, false, 2, "not started by hand"},
                {"--nonsense", false, false, 2, "not started by hand"},
                {"--help", false, true, 0, "not started by hand"},
                {"--version", false, true, 0, "gossipd "}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[4096] = "";
        int terminal = rows[i].terminal ? posix_openpt(O_RDWR | O_NOCTTY) : -1;
        int side = -1;
        if (rows[i].terminal) {
            assert_true(terminal >= 0);
            assert_int_equal(grantpt(terminal), 0);
            assert_int_equal(unlockpt(terminal), 0);
            side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
            assert_true(side >= 0);
        }
        struct sidecar s = spawn(rows[i].argument, side);
        int fd = rows[i].on_stdout ? s.from : s.errors;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, (int)(PATIENCE / 1000)), 1);
        assert_true(read(fd, text, sizeof text - 1) > 0);
        assert_non_null(strstr(text, rows[i].says));
        ends_with(&s, rows[i].code);
        close_end(&side);
        close_end(&terminal);
    }
}

static void end_of_file_before_the_configuration_ends_it(void **state)
{
    (void)state;
    struct sidecar s = start();
    close_end(&s.to);
    assert_false(next(&s));
    ends_with(&s, 0);
}

static void configured_it_is_ready_and_sends_a_snapshot(void **state)
{
    (void)state;
    struct sidecar s = start();
    configure_as(&s, (struct port_config){0});
    await_frame(&s, "ready");
    assert_true(mentions(&s, "127.0.0.1"));
    await_frame(&s, "snapshot");
    assert_string_equal(s.kind, "first");
    assert_true(next(&s));
    assert_string_equal(s.tag, "snapshot_end");
    finish(&s);
}

static void frames_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct sidecar s = start();
    ei_x_buff x = {0};
    port_configure(&x, &(struct port_config){.port = test_port(), .key = 7});
    const uint8_t header[4] = {0, 0, (uint8_t)(x.index >> 8), (uint8_t)x.index};
    for (size_t i = 0; i < sizeof header; i++)
        put_bytes(&s, &header[i], 1);
    for (int i = 0; i < x.index; i++)
        put_bytes(&s, x.buff + i, 1);
    (void)ei_x_free(&x);
    await_frame(&s, "snapshot_end");
    finish(&s);
}

static void what_is_malformed_is_a_clear_error_and_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool configured;
        const char *kind;
    } rows[] = {
        {"\xff\xff\xff\xff", 4, false, "bad_frame"},
        {"\0\x10\0\1", 4, false, "bad_frame"}, /* one over 1 MiB */
        {"\0\0\0\0", 4, false, "bad_frame"},   /* no term at all */
        {"\0\0\0\3abc", 7, false, "bad_frame"},
        {"\0\0\0\2\x83j", 6, false, "bad_command"},
        {"\0\0\0\x08\x83w\5pulse", 12, false, "bad_command"}, /* before the configuration */
        {"\0\0\0\x08\x83w\5dance", 12, true, "bad_command"},
        {"\0\0\0\3abc", 7, true, "bad_frame"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sidecar s = rows[i].configured ? started((struct port_config){0}) : start();
        put_bytes(&s, rows[i].bytes, rows[i].len);
        await_frame(&s, "error");
        assert_string_equal(s.kind, rows[i].kind);
        assert_false(next(&s));
        ends_with(&s, 1);
    }
}

static void a_bad_configuration_is_a_clear_error_and_the_end(void **state)
{
    (void)state;
    struct sidecar s = start();
    configure_as(&s, (struct port_config){.without = "port"});
    await_frame(&s, "error");
    assert_string_equal(s.kind, "bad_config");
    assert_true(mentions(&s, "the configuration lacks the key port"));
    assert_false(next(&s));
    ends_with(&s, 1);

    s = started((struct port_config){0});
    configure_as(&s, (struct port_config){0}); /* a second one */
    await_frame(&s, "error");
    assert_string_equal(s.kind, "bad_command");
    ends_with(&s, 1);
}

static void a_port_that_is_taken_is_named(void **state)
{
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(test_port())};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char number[8];
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
    struct sidecar s = start();
    configure_as(&s, (struct port_config){0});
    await_frame(&s, "error");
    assert_string_equal(s.kind, "port_taken");
    (void)snprintf(number, sizeof number, "%u", (unsigned)test_port());
    assert_true(mentions(&s, number));
    ends_with(&s, 1);
    (void)close(fd);
}

static void a_missing_interface_is_a_warning(void **state)
{
    (void)state;
    struct sidecar s = start();
    configure_as(&s, (struct port_config){.interface = "ghost9"});
    await_frame(&s, "log");
    assert_string_equal(s.kind, "warning");
    assert_true(mentions(&s, "ghost9"));
    await_frame(&s, "snapshot_end");
    finish(&s);
}

static void two_find_each_other_and_part(void **state)
{
    (void)state;
    struct sidecar a, b;
    pair_up(&a, &b, (struct port_config){0});
    say_word(&a, "snapshot");
    await_frame(&a, "snapshot");
    assert_true(mentions(&a, "b@host"));
    await_frame(&a, "snapshot_end");

    finish(&b); /* its BEAM is gone */
    await_frame(&a, "down");
    assert_true(mentions(&a, "b@host"));
    assert_true(mentions(&a, "beam_exit"));

    b = started((struct port_config){0});
    say_alive(&b, "b@host");
    await_frame(&a, "up");
    ei_x_buff x = {0};
    port_leave(&x, "left");
    put(&b, &x);
    (void)ei_x_free(&x);
    await_frame(&b, "left");
    await_frame(&a, "down");
    assert_true(mentions(&a, "b@host"));
    assert_false(mentions(&a, "beam_exit"));
    finish(&a);
    finish(&b);
}

static void another_key_is_another_world(void **state)
{
    (void)state;
    struct sidecar a, b, c = started((struct port_config){.secret = "another"});
    say_alive(&c, "c@host");
    pair_up(&a, &b, (struct port_config){0});
    while (stat(&c, "foreign") < 4) { /* it has heard them */
        assert_int_equal(counter(&c, "opened_1"), counter(&c, "own"));
        breathe();
    }
    say_word(&a, "snapshot");
    await_frame(&a, "snapshot");
    assert_true(mentions(&a, "b@host"));
    assert_false(mentions(&a, "c@host"));

    /* The ring is changed at run time, and the worlds meet. */
    ei_x_buff x = {0};
    port_keys(&x, "another", 1);
    put(&a, &x);
    (void)ei_x_free(&x);
    await_frame(&a, "keys_changed");
    await_frame(&a, "up");
    assert_true(mentions(&a, "c@host"));
    await_frame(&c, "up");
    assert_true(mentions(&c, "a@host"));
    finish(&a);
    finish(&b);
    finish(&c);
}

/* The owner of a running cluster hears nothing of heartbeats, unless it has asked. */
static void the_steady_state_is_silent(void **state)
{
    (void)state;
    struct sidecar a, b;
    pair_up(&a, &b, (struct port_config){.interval = 200});
    while (stat(&a, "received") < 20) {
        say_word(&b, "pulse");
        breathe();
    }
    uint64_t before = counter(&a, "received");
    do {
        breathe();
        say_word(&b, "pulse");
        ask_stats(&a, 2);
        assert_true(next(&a));
        assert_string_equal(a.tag, "stats"); /* and nothing else */
    } while (counter(&a, "received") < before + 20);
    finish(&a);
    finish(&b);

    pair_up(&a, &b, (struct port_config){.interval = 200, .heartbeats = true});
    await_frame(&a, "heartbeat");
    assert_true(mentions(&a, "b@host"));
    finish(&a);
    finish(&b);
}

/* An owner that does not read costs bounded memory and no peer anything; when it reads again it gets a whole
 * picture. */
static void an_owner_that_does_not_read_gets_a_fresh_snapshot(void **state)
{
    (void)state;
    struct sidecar a, b;
    size_t answers = 0;
    /* All but the 64 KiB that the pipe holds are answered before the first answer is read. */
    const size_t asked = 20000;
    pair_up(&a, &b, (struct port_config){0});
    for (size_t i = 0; i < asked; i++)
        ask_stats(&a, (long)i);
    bool listed = false;
    do {
        assert_true(next(&a));
        answers += strcmp(a.tag, "stats") == 0;
        listed = listed || (strcmp(a.tag, "snapshot") == 0 && mentions(&a, "b@host"));
    } while (strcmp(a.tag, "health") != 0);
    assert_true(listed);
    assert_true(answers > 0 && answers < asked);
    await_frame(&a, "log");
    assert_string_equal(a.kind, "warning");
    assert_true(stat(&a, "frames_dropped") >= 1);
    ask_stats(&b, 1);
    do { /* b has not missed a thing */
        assert_true(next(&b));
        assert_string_not_equal(b.tag, "down");
    } while (strcmp(b.tag, "stats") != 0);
    finish(&a);
    finish(&b);
}

/* Stopped for longer than the silence that ends a peer, it must hear what waits in its sockets before it
 * judges. */
static void a_paused_sidecar_buries_nobody(void **state)
{
    (void)state;
    struct sidecar a, b;
    pair_up(&a, &b, (struct port_config){.interval = 200});
    assert_int_equal(kill(a.pid, SIGSTOP), 0);
    await_frame(&b, "down");
    assert_true(mentions(&b, "silent"));
    assert_int_equal(kill(a.pid, SIGCONT), 0);
    await_frame(&b, "up");
    uint64_t heard = stat(&a, "received");
    do {
        breathe();
        ask_stats(&a, 3);
        do {
            assert_true(next(&a));
            assert_string_not_equal(a.tag, "down");
        } while (strcmp(a.tag, "stats") != 0);
    } while (counter(&a, "received") < heard + 20);
    finish(&a);
    finish(&b);
}

/* A service manager signals the BEAM and its sidecar at once; the BEAM then still needs it to say goodbye. */
static void the_first_sigterm_leaves_time_for_goodbye(void **state)
{
    (void)state;
    struct sidecar a, b;
    pair_up(&a, &b, (struct port_config){0});
    assert_int_equal(kill(a.pid, SIGTERM), 0);
    assert_true(stat(&a, "listed") == 1);
    ei_x_buff x = {0};
    port_leave(&x, "left");
    put(&a, &x);
    (void)ei_x_free(&x);
    await_frame(&a, "left");
    await_frame(&b, "down");
    finish(&a);
    assert_int_equal(kill(b.pid, SIGTERM), 0);
    assert_true(stat(&b, "listed") == 0); /* the first one has been handled */
    assert_int_equal(kill(b.pid, SIGTERM), 0);
    int status = ended(&b);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void a_reader_that_goes_away_ends_it(void **state)
{
    (void)state;
    struct sidecar a, b;
    pair_up(&a, &b, (struct port_config){0});
    close_end(&a.from);
    await_frame(&b, "down");
    assert_true(mentions(&b, "beam_exit"));
    ends_with(&a, 0);
    finish(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(by_hand_it_explains_itself, kill_what_is_left),
        cmocka_unit_test_teardown(end_of_file_before_the_configuration_ends_it, kill_what_is_left),
        cmocka_unit_test_teardown(configured_it_is_ready_and_sends_a_snapshot, kill_what_is_left),
        cmocka_unit_test_teardown(frames_may_come_byte_by_byte, kill_what_is_left),
        cmocka_unit_test_teardown(what_is_malformed_is_a_clear_error_and_the_end, kill_what_is_left),
        cmocka_unit_test_teardown(a_bad_configuration_is_a_clear_error_and_the_end, kill_what_is_left),
        cmocka_unit_test_teardown(a_port_that_is_taken_is_named, kill_what_is_left),
        cmocka_unit_test_teardown(a_missing_interface_is_a_warning, kill_what_is_left),
        cmocka_unit_test_teardown(two_find_each_other_and_part, kill_what_is_left),
        cmocka_unit_test_teardown(another_key_is_another_world, kill_what_is_left),
        cmocka_unit_test_teardown(the_steady_state_is_silent, kill_what_is_left),
        cmocka_unit_test_teardown(an_owner_that_does_not_read_gets_a_fresh_snapshot, kill_what_is_left),
        cmocka_unit_test_teardown(a_paused_sidecar_buries_nobody, kill_what_is_left),
        cmocka_unit_test_teardown(the_first_sigterm_leaves_time_for_goodbye, kill_what_is_left),
        cmocka_unit_test_teardown(a_reader_that_goes_away_ends_it, kill_what_is_left),
    };
    const char *named = getenv("GOSSIPD");
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (named != NULL)
        (void)snprintf(executable, sizeof executable, "%s", named);
    else
        (void)snprintf(executable, sizeof executable, "%.*sgossipd",
                       slash != NULL ? (int)(slash - argv[0]) + 1 : 0, argv[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    if (access(executable, X_OK) != 0) {
        (void)fprintf(stderr, "%s: %s. It is built beside this test; or name it in GOSSIPD\n", executable,
                      strerror(errno));
        return 1;
    }
    return term_init() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
