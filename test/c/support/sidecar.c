#include "sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "ports.h"

static char executable[4096]; /* set by main alone */

/* The sidecars that run now, so that none outlives a test that fails and meets those of the next one. */
static pid_t running[16];

static void remember(pid_t was, pid_t is)
{
    size_t i = 0;
    while (i < COUNT(running) && running[i] != was) {
        i++;
    }
    assert_true(i < COUNT(running));
    running[i] = is;
}

int sidecar_kill_all(void **state)
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

static void open_pipe(int fds[2])
{
    assert_int_equal(pipe(fds), 0);
    /* Otherwise the next sidecar would hold the ends of this one, which then would never read end of file. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fcntl(fds[i], F_SETFD, FD_CLOEXEC), 0);
    }
}

/* Another user gets what was opened before: it need not reach the directory. */
static void become(uid_t user, int fd, const char *argument)
{
#if defined(__linux__)
    char *arguments[] = {executable, (char *)(uintptr_t)argument, NULL};
    if (user != 0 && setgid((gid_t)user) == 0 && setuid(user) == 0) {
        (void)fexecve(fd, arguments, environ);
    }
#else
    (void)fd;
#endif
    if (user == 0) {
        (void)execl(executable, executable, argument, (char *)NULL);
    }
    _exit(127);
}

static struct sidecar spawn_as(uid_t user, const char *argument, int terminal)
{
    struct sidecar s = {.parser = frame_parser_new(FRAME_LIMIT)};
    int in[2], out[2], err[2];
    open_pipe(in);
    open_pipe(out);
    open_pipe(err);
    int fd = open(executable, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    s.pid = fork();
    assert_true(s.pid >= 0);
    if (s.pid == 0) {
        if (dup2(terminal >= 0 ? terminal : in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0) {
            _exit(126);
        }
        become(user, fd, argument);
    }
    remember(0, s.pid);
    (void)close(fd);
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

struct sidecar sidecar_spawn(const char *argument, int terminal)
{
    return spawn_as(0, argument, terminal);
}

struct sidecar sidecar_start(void)
{
    return spawn_as(0, "--port", -1);
}

struct sidecar sidecar_start_as(uid_t user)
{
    return spawn_as(user, "--port", -1);
}

void sidecar_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

/* Waits for its end and frees what belongs to it: the status as waitpid gives it. */
int sidecar_ended(struct sidecar *s)
{
    int status = 0;
    int64_t until = clock_now() + SIDECAR_PATIENCE;
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        struct pollfd fd = {.fd = s->from, .events = 0};
        if (clock_now() > until) {
            fail_msg("the sidecar did not end");
        }
        (void)poll(&fd, 1, 5); /* its end hangs the pipe up; a few milliseconds between that and the zombie */
    }
    remember(s->pid, 0);
    sidecar_close(&s->to);
    sidecar_close(&s->from);
    sidecar_close(&s->errors);
    frame_parser_free(&s->parser);
    return status;
}

void sidecar_ends_with(struct sidecar *s, int code)
{
    int status = sidecar_ended(s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* Without goodbye it would wait for its owner to come back. */
void sidecar_finish(struct sidecar *s)
{
    if (s->alive && s->to >= 0) {
        ei_x_buff x = {0};
        port_leave(&x, "left");
        sidecar_put(s, &x);
        (void)ei_x_free(&x);
    }
    sidecar_close(&s->to);
    sidecar_ends_with(s, 0);
}

void sidecar_put_bytes(struct sidecar *s, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        struct pollfd fd = {.fd = s->to, .events = POLLOUT};
        if (poll(&fd, 1, (int)(SIDECAR_PATIENCE / 1000)) != 1) {
            fail_msg("the sidecar does not read its stdin");
        }
        ssize_t n = write(s->to, at, len);
        if (n < 0 && errno == EPIPE) {
            return; /* it has ended, and its frames say why */
        }
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

void sidecar_put(struct sidecar *s, const ei_x_buff *x)
{
    size_t len = (size_t)x->index;
    const uint8_t header[4] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    sidecar_put_bytes(s, header, sizeof header);
    sidecar_put_bytes(s, x->buff, len);
}

static void parse_tags(struct sidecar *s)
{
    const char *buffer = (const char *)s->frame;
    int at = 0, version = 0, arity = 0, type = 0, size = 0;
    s->kind[0] = '\0';
    assert_int_equal(ei_decode_version(buffer, &at, &version), 0);
    assert_int_equal(ei_get_type(buffer, &at, &type, &size), 0);
    if (type == ERL_SMALL_TUPLE_EXT) {
        assert_int_equal(ei_decode_tuple_header(buffer, &at, &arity), 0);
    }
    assert_int_equal(ei_decode_atom(buffer, &at, s->tag), 0);
    if (arity > 1 && ei_get_type(buffer, &at, &type, &size) == 0 && type == ERL_ATOM_EXT) {
        assert_int_equal(ei_decode_atom(buffer, &at, s->kind), 0);
    }
}

/* The next frame: true; the end of its stdout: false. */
bool sidecar_next(struct sidecar *s)
{
    int64_t until = clock_now() + SIDECAR_PATIENCE;
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
        if (poll(&fd, 1, (int)(SIDECAR_PATIENCE / 1000)) != 1 || clock_now() > until) {
            fail_msg("nothing comes from the sidecar");
        }
        ssize_t n = read(s->from, at, room);
        if (n == 0) {
            return false;
        }
        if (n > 0) {
            frame_filled(&s->parser, (size_t)n);
        }
    }
}

/* Reads until a frame with this tag; others are passed over, but for errors. */
void sidecar_await(struct sidecar *s, const char *tag)
{
    do {
        if (!sidecar_next(s)) {
            fail_msg("the sidecar ended before it said %s", tag);
        }
        if (strcmp(s->tag, "error") == 0 && strcmp(tag, "error") != 0) {
            fail_msg("error %s instead of %s", s->kind, tag);
        }
    } while (strcmp(s->tag, tag) != 0);
}

bool sidecar_mentions(const struct sidecar *s, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= s->len; i++) {
        if (memcmp(s->frame + i, text, len) == 0) {
            return true;
        }
    }
    return false;
}

uint16_t sidecar_port(void)
{
    return ports_first();
}

void sidecar_configure(struct sidecar *s, struct port_config c)
{
    ei_x_buff x = {0};
    if (c.port == 0) {
        c.port = sidecar_port();
    }
    c.key = 7;
    port_configure(&x, &c);
    sidecar_put(s, &x);
    (void)ei_x_free(&x);
}

struct sidecar sidecar_started(struct port_config c)
{
    struct sidecar s = sidecar_start();
    sidecar_configure(&s, c);
    sidecar_await(&s, "snapshot_end");
    return s;
}

void sidecar_alive(struct sidecar *s, const char *name)
{
    ei_x_buff x = {0};
    port_alive(&x, name, 1);
    sidecar_put(s, &x);
    (void)ei_x_free(&x);
    s->alive = true;
}

void sidecar_word(struct sidecar *s, const char *word)
{
    ei_x_buff x = {0};
    port_word(&x, word);
    sidecar_put(s, &x);
    (void)ei_x_free(&x);
}

/* Asks for the counters, and pulses, as a living BEAM does all the time. */
void sidecar_ask_stats(struct sidecar *s, long ref)
{
    ei_x_buff x = {0};
    sidecar_word(s, "pulse");
    port_stats(&x, ref);
    sidecar_put(s, &x);
    (void)ei_x_free(&x);
}

/* A counter of the {stats, Ref, Map} just read. */
uint64_t sidecar_counter(const struct sidecar *s, const char *name)
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

uint64_t sidecar_stat(struct sidecar *s, const char *name)
{
    sidecar_ask_stats(s, 1);
    sidecar_await(s, "stats");
    return sidecar_counter(s, name);
}

/* Between two looks at a counter that time moves. */
void sidecar_breathe(void)
{
    (void)poll(NULL, 0, 10);
}

void sidecar_pair(struct sidecar *a, struct sidecar *b, struct port_config c)
{
    *a = sidecar_started(c);
    *b = sidecar_started(c);
    sidecar_alive(a, "a@host");
    sidecar_alive(b, "b@host");
    sidecar_await(a, "up");
    assert_true(sidecar_mentions(a, "b@host"));
    sidecar_await(b, "up");
    assert_true(sidecar_mentions(b, "a@host"));
}

int sidecar_find(int argc, char **argv)
{
    const char *named = getenv("GOSSIPD");
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (named != NULL) {
        (void)snprintf(executable, sizeof executable, "%s", named);
    } else if (slash != NULL) {
        (void)snprintf(executable, sizeof executable, "%.*sgossipd", (int)(slash - argv[0]) + 1, argv[0]);
    } else {
        (void)snprintf(executable, sizeof executable, "./gossipd");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (access(executable, X_OK) == 0) {
        return term_init();
    }
    (void)fprintf(stderr, "%s: %s. It is built beside this test; or name it in GOSSIPD\n", executable,
                  strerror(errno));
    return -1;
}
