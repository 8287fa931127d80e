#include "secret_input.h"

#include "clock.h"
#include "command.h"
#include "decimal.h"
#include "primitives.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSPHRASE_LEAST 8                         /* as the option `secret` has it */
#define INPUT_MOST       (PASSPHRASE_MAX + 64)     /* line ends and spaces around it */
#define LINE_MOST        (2 * PASSPHRASE_MAX + 32) /* of the pipe */

static bool is_space(uint8_t c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static int wrong(struct fault *fault, const char *what)
{
    return fault_set(fault, FAULT_BAD_CONFIG, "the secret must be %s", what);
}

static int add(struct keyring *ring, const struct arguments *a, uint8_t kind, const uint8_t *secret,
               size_t len, struct fault *fault)
{
    char scope[SCOPE_MAX];
    size_t scope_len = keyring_scope(scope, &a->udp.group, a->label, strlen(a->label));
    if (ring->count == KEYRING_MAX) {
        return fault_set(fault, FAULT_BAD_CONFIG, "there are at most %d secrets", KEYRING_MAX);
    }
    if (keyring_add(ring, kind, secret, len, scope, scope_len) != 0) {
        return fault_set(fault, FAULT_MEMORY, "a key could not be derived: it takes 19 MiB of memory");
    }
    return 0;
}

static int add_key(struct keyring *ring, const struct arguments *a, const uint8_t *text, size_t len,
                   struct fault *fault)
{
    uint8_t key[KEY_BYTES];
    if (len == KEY_BYTES) {
        return add(ring, a, SECRET_KEY, text, len, fault);
    }
    while (len > 0 && is_space(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && (is_space(text[len - 1]) || text[len - 1] == '=')) {
        len--;
    }
    const char *chars = (const char *)text;
    int result = -1;
    if (primitives_read_hex(key, sizeof key, chars, len) == 0 ||
        primitives_read_base64(key, sizeof key, chars, len) == 0) {
        result = add(ring, a, SECRET_KEY, key, sizeof key, fault);
    } else {
        (void)wrong(fault, "32 bytes, or their Base64 or hexadecimal text (mix gossip.gen.key makes one)");
    }
    primitives_wipe(key, sizeof key);
    return result;
}

int secret_add(struct keyring *ring, const struct arguments *a, uint8_t kind, const uint8_t *text, size_t len,
               struct fault *fault)
{
    if (kind == SECRET_KEY) {
        return add_key(ring, a, text, len, fault);
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' ||
                       (kind == SECRET_COOKIE && is_space(text[len - 1])))) {
        len--;
    }
    if (kind == SECRET_COOKIE && (len == 0 || len > COOKIE_MAX)) {
        return wrong(fault, "an Erlang cookie of 1 to 255 bytes");
    }
    if (kind == SECRET_PASSPHRASE && (len < PASSPHRASE_LEAST || len > PASSPHRASE_MAX)) {
        return wrong(fault, "a passphrase of 8 to 1024 bytes");
    }
    return add(ring, a, kind, text, len, fault);
}

/* A number of four at most, decimal digits; -1: it is none. */
static int read_number(const char *text, size_t len)
{
    uint32_t number;
    return len <= 4 && decimal_parse(text, len, 0, 9999, &number) == 0 ? (int)number : -1;
}

/* "80 24" */
static int read_size(const char *text, size_t len, struct piped_size *size)
{
    const char *space = memchr(text, ' ', len);
    size_t first = space != NULL ? (size_t)(space - text) : len;
    int columns = read_number(text, first);
    int rows = first < len ? read_number(text + first + 1, len - first - 1) : -1;
    if (columns < 0 || rows < 0) {
        return -1;
    }
    *size = (struct piped_size){.columns = (size_t)columns, .rows = (size_t)rows};
    return 0;
}

int secret_line(struct keyring *ring, const struct arguments *a, struct piped_size *size, const char *line,
                size_t len, struct fault *fault)
{
    uint8_t secret[PASSPHRASE_MAX];
    if (len == 0) {
        return ring->count > 0 ? 1 : fault_set(fault, FAULT_BAD_CONFIG, "no secret came by the pipe");
    }
    const char *space = memchr(line, ' ', len);
    size_t word = space != NULL ? (size_t)(space - line) : len;
    const char *rest = space != NULL ? space + 1 : line + len;
    size_t left = len - (size_t)(rest - line);
    uint8_t kind = secret_kind_named(line, word);
    if (word == 4 && memcmp(line, "size", 4) == 0 && read_size(rest, left, size) == 0) {
        return 0;
    }
    bool is_read = kind != 0 && left > 0 && left / 2 <= sizeof secret &&
                   primitives_read_hex(secret, left / 2, rest, left) == 0;
    int result =
        is_read ? secret_add(ring, a, kind, secret, left / 2, fault)
                : fault_set(fault, FAULT_BAD_CONFIG, "a line of the pipe is none of those that --pipe has");
    primitives_wipe(secret, sizeof secret);
    return result;
}

/* As read(2), but not later than that (0: whenever); -1 and ETIMEDOUT. */
static ssize_t read_until(int fd, uint8_t *data, size_t size, int64_t until)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int count = until == 0 ? 1 : 0;
    for (int64_t now = clock_now(); count == 0 && now < until; now = clock_now()) {
        count = wait_for(&ready, 1, until - now);
    }
    if (count == 0) {
        errno = ETIMEDOUT;
    }
    return count > 0 ? read(fd, data, size) : -1;
}

/* When it has been waited for long enough. */
static int64_t deadline(const struct arguments *a)
{
    return a->secret_patience > 0 ? clock_now() + a->secret_patience : 0;
}

/* By single bytes, since what follows the lines is somebody else's. */
static int read_pipe(const struct arguments *a, struct keyring *out, struct piped_size *size,
                     struct fault *fault)
{
    char line[LINE_MOST];
    size_t len = 0;
    int result = 0;
    int64_t until = deadline(a);
    while (result == 0) {
        uint8_t c;
        ssize_t got = read_until(STDIN_FILENO, &c, 1, until);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got != 1 || len == sizeof line) {
            result =
                fault_set(fault, FAULT_BAD_CONFIG, "the pipe ends within the secrets, or a line is too long");
        } else if (c == '\n') {
            result = secret_line(out, a, size, line, len, fault);
            len = 0;
        } else {
            line[len++] = (char)c;
        }
    }
    primitives_wipe(line, sizeof line);
    return result < 0 ? -1 : 0;
}

static int read_all(const struct arguments *a, int fd, struct keyring *out, struct fault *fault)
{
    uint8_t data[INPUT_MOST];
    size_t len = 0;
    ssize_t got = 1;
    bool is_stdin = a->secret_file == NULL;
    int64_t until = deadline(a);
    while (got > 0 && len < sizeof data) {
        do {
            got = read_until(fd, data + len, sizeof data - len, until);
        } while (got < 0 && (errno == EINTR || errno == EAGAIN));
        len += got > 0 ? (size_t)got : 0;
    }
    int result = 0;
    if (got < 0 && errno == ETIMEDOUT) {
        result = fault_set(fault, FAULT_BAD_CONFIG, "the secret has not come to its end in time");
    } else if (got < 0) {
        result = fault_set(fault, FAULT_BAD_CONFIG, "the secret cannot be read: %s", strerror(errno));
    } else if (len > 0 || !is_stdin || !a->secret_optional) {
        result = secret_add(out, a, a->kind, data, len, fault);
    }
    primitives_wipe(data, sizeof data);
    return result;
}

/* It may be a FIFO, as what a shell makes of <(...), which is opened without waiting for who writes to it. */
static int read_file(const struct arguments *a, struct keyring *out, struct fault *fault)
{
    int fd = open(a->secret_file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return fault_set(fault, FAULT_BAD_CONFIG, "the secret's file %s cannot be opened: %s", a->secret_file,
                         strerror(errno));
    }
    int result = read_all(a, fd, out, fault);
    (void)close(fd);
    return result;
}

#define KEY_END       4 /* Ctrl-D */
#define KEY_BACKSPACE 8
#define KEY_DELETE    127

/* A key of a person who types a secret: whether it was the last. */
static bool typed(uint8_t c, uint8_t *data, size_t most, size_t *len)
{
    if (c == KEY_BACKSPACE || c == KEY_DELETE) {
        *len -= *len > 0;
    } else if (c != '\n' && c != '\r' && c != KEY_END && *len < most) {
        data[(*len)++] = c;
    }
    return c == '\n' || c == '\r' || c == KEY_END;
}

/* Unseen. A signal ends it, with the terminal as it was. */
static int ask(const struct arguments *a, struct keyring *out, struct fault *fault)
{
    uint8_t data[PASSPHRASE_MAX];
    size_t len = 0;
    struct tty tty;
    int signal = 0;
    bool done = false;
    if (tty_open(&tty, STDIN_FILENO) != 0) {
        return fault_set(fault, FAULT_NETWORK, "a pipe cannot be made: %s", strerror(errno));
    }
    (void)fputs("Secret: ", stderr);
    tty_raw(&tty);
    while (!done && signal == 0) {
        struct pollfd fds[] = {{.fd = tty.keys, .events = POLLIN}, {.fd = tty.signals, .events = POLLIN}};
        uint8_t c;
        if (poll(fds, 2, -1) < 0) {
            done = errno != EINTR;
        } else if (fds[1].revents != 0) {
            signal = tty_signal(&tty);
            signal = signal == SIGWINCH || signal == SIGCONT || signal == SIGTSTP ? 0 : signal;
        } else if (fds[0].revents != 0) {
            done = read(tty.keys, &c, 1) != 1 || typed(c, data, sizeof data, &len);
        }
    }
    tty_close(&tty);
    (void)fputs("\n", stderr);
    int result = signal;
    if (signal == 0 && (len > 0 || !a->secret_optional)) {
        result = secret_add(out, a, a->kind, data, len, fault);
    }
    primitives_wipe(data, sizeof data);
    return result;
}

int secret_input(const struct arguments *a, struct keyring *out, struct piped_size *size, struct fault *fault)
{
    *out = (struct keyring){0};
    *size = (struct piped_size){0};
    if (a->pipe) {
        return read_pipe(a, out, size, fault);
    }
    if (a->secret_file != NULL) {
        return read_file(a, out, fault);
    }
    return isatty(STDIN_FILENO) != 0 ? ask(a, out, fault) : read_all(a, STDIN_FILENO, out, fault);
}
