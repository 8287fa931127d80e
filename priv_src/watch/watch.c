/* The loop of the listener: what comes goes into it, and once a second a picture of it comes out. The sockets
 * are those of the sidecar, so that it hears on the same interfaces, and steps out of the group and in again
 * with the members of its host, whom a switch would forget otherwise. Nothing is ever given to links_send. */
#include "watch.h"

#include "clock.h"
#include "keys.h"
#include "links.h"
#include "random.h"
#include "refusal.h"
#include "sandbox.h"
#include "secret_input.h"
#include "tty.h"
#include "view.h"
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAW_EVERY   (1 * SECOND_US)
#define DRAW_SOON    (100 * MS_US) /* after something has happened */
#define ONCE_LEAST   (3 * SECOND_US)
#define ONCE_MOST    (60 * SECOND_US)
#define ONCE_BEATS   3
#define WIDTH        100 /* without a terminal: as wide as most */
#define KEYS_AT_ONCE 64

/* The alternate screen, without a cursor; and back. */
#define SCREEN_BEGIN "\033[?1049h\033[?25l\033[2J"
#define SCREEN_END   "\033[?25h\033[?1049l"
#define SCREEN_HOME  "\033[H"
#define LINE_END     "\033[K\n"
#define SCREEN_REST  "\033[J"

enum slot { SLOT_SIGNALS, SLOT_KEYS, SLOT_LINKS, SLOT_SOCKETS, SLOTS = SLOT_SOCKETS + UDP_SOCKETS_MAX };

struct watch {
    struct arguments arguments;
    struct fault fault;
    struct log log;
    struct links links;
    struct listener *listener;
    struct tty tty;
    struct keys keys;
    bool piped;  /* the terminal is at the other end, and its size is that of `keys` */
    bool screen; /* the alternate screen is on */
    bool ended;
    int signal; /* that ends it; 0: none */
    uint8_t order;
    int64_t now, started, draw_at;
    size_t event_count;
    char events[VIEW_EVENTS][EVENT_TEXT + 16]; /* the oldest first */
    struct text lines, out;
};

/* A line below the table, with the time of day. */
static void happened(struct watch *w, const char *text)
{
    char clock[16] = "";
    struct tm parts;
    time_t now = time(NULL);
    if (localtime_r(&now, &parts) != NULL) {
        (void)strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    }
    if (w->event_count == VIEW_EVENTS) {
        memmove(w->events[0], w->events[1], sizeof w->events - sizeof w->events[0]);
        w->event_count--;
    }
    (void)snprintf(w->events[w->event_count++], sizeof w->events[0], "%s  %s", clock, text);
    w->draw_at = w->draw_at < w->now + DRAW_SOON ? w->draw_at : w->now + DRAW_SOON;
}

/* What the sockets say of the network: live below the table, else for a person who reads what goes wrong. */
static void logged(void *context, uint8_t level, const char *text)
{
    struct watch *w = context;
    if (!w->arguments.once && !w->arguments.json) {
        happened(w, text);
    } else if (level >= LEVEL_WARNING) {
        (void)fprintf(stderr, "gossipd watch: %s\n", text);
    }
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return -1;
        }
        if (written < 0 && errno == EAGAIN) {
            struct pollfd full = {.fd = fd, .events = POLLOUT};
            (void)wait_for(&full, 1, DRAW_EVERY);
        }
        bytes += written > 0 ? written : 0;
        len -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* Whoever reads may be gone: that is an end. */
static void say(struct watch *w, const struct text *text)
{
    if (text->failed) {
        (void)fault_set(&w->fault, FAULT_MEMORY, "memory is short");
        w->ended = true;
    } else if (write_all(STDOUT_FILENO, text->data, text->len) != 0) {
        if (errno != EPIPE && errno != EIO) {
            (void)fault_set(&w->fault, FAULT_NETWORK, "what is shown cannot be written: %s", strerror(errno));
        }
        w->ended = true;
    }
}

static void say_text(struct watch *w, const char *text)
{
    if (write_all(STDOUT_FILENO, text, strlen(text)) != 0) {
        w->ended = true;
    }
}

static bool terminal_size(const struct watch *w, size_t *columns, size_t *rows)
{
    if (w->piped) {
        *columns = w->keys.columns;
        *rows = w->keys.rows;
        return *columns > 0 && *rows > 0;
    }
    return tty_size(STDOUT_FILENO, columns, rows);
}

/* As no-color.org has it: whatever it is set to. */
static bool colours(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

static void enter_screen(struct watch *w)
{
    size_t columns, rows;
    if (!w->screen && !w->arguments.once && !w->arguments.json && terminal_size(w, &columns, &rows)) {
        tty_raw(&w->tty);
        say_text(w, SCREEN_BEGIN);
        w->screen = true;
    }
}

static void leave_screen(struct watch *w)
{
    if (w->screen) {
        (void)write_all(STDOUT_FILENO, SCREEN_END, strlen(SCREEN_END));
        w->screen = false;
    }
    tty_restore(&w->tty);
}

/* Each line takes the place of the one that stood there, so that nothing flickers. What a screen of a few
 * lines has no room for is left out. */
static void put_on_screen(struct watch *w, size_t height)
{
    const struct text *lines = &w->lines;
    text_add(&w->out, SCREEN_HOME, strlen(SCREEN_HOME));
    for (size_t at = 0, count = 1; at < lines->len && count <= height; count++) {
        const char *line = lines->data + at, *end = memchr(line, '\n', lines->len - at);
        size_t len = end != NULL ? (size_t)(end - line) : lines->len - at;
        text_add(&w->out, line, len);
        at += len + 1;
        /* Behind the last line of the screen it would scroll. */
        text_add(&w->out, LINE_END, strlen(LINE_END) - (at < lines->len && count < height ? 0 : 1));
    }
    text_add(&w->out, SCREEN_REST, strlen(SCREEN_REST));
    w->out.failed = w->out.failed || lines->failed;
}

static void draw_lines(struct watch *w, const struct view *view)
{
    struct style style = {.width = WIDTH};
    bool terminal = terminal_size(w, &style.width, &style.height);
    style.width = terminal ? style.width : WIDTH;
    style.height = terminal && w->screen ? style.height : 0;
    style.colour = terminal && colours();
    view_lines(&w->lines, &style, view);
    if (w->screen) {
        put_on_screen(w, style.height);
        say(w, &w->out);
    } else {
        text_add(&w->lines, "\n", w->arguments.once ? 0 : 1);
        say(w, &w->lines);
    }
}

static void draw(struct watch *w)
{
    size_t count;
    const struct interface *interfaces = udp_interfaces(w->links.udp, &count);
    struct picture picture;
    char help[64];
    (void)snprintf(help, sizeof help, "q ends, s sorts (by %s)", rows_order_name(w->order));
    struct view view = {.picture = &picture,
                        .arguments = &w->arguments,
                        .listened = w->now - w->started,
                        .at = (int64_t)time(NULL),
                        .help = w->screen ? help : NULL};
    for (size_t i = 0; i < w->event_count && !w->arguments.once; i++) {
        view.events[view.event_count++] = w->events[i];
    }
    w->draw_at = w->now + DRAW_EVERY;
    if (rows_take(&picture, w->listener, interfaces, count, w->order) != 0) {
        w->ended = fault_set(&w->fault, FAULT_MEMORY, "memory is short") != 0;
        return;
    }
    text_clear(&w->lines);
    text_clear(&w->out);
    if (w->arguments.json) {
        view_json(&w->lines, &view);
        say(w, &w->lines);
    } else {
        draw_lines(w, &view);
    }
    rows_free(&picture);
}

/* When enough was heard: three beats of the slowest. */
static int64_t once_until(struct watch *w)
{
    if (w->arguments.listen_us > 0) {
        return w->started + w->arguments.listen_us;
    }
    int64_t beats = ONCE_BEATS * listener_summary(w->listener).interval_max;
    beats = beats > ONCE_LEAST ? beats : ONCE_LEAST;
    return w->started + (beats < ONCE_MOST ? beats : ONCE_MOST);
}

static void receive(struct watch *w, const struct pollfd *fds, size_t sockets)
{
    int64_t slept = clock_slept();
    for (size_t i = 0; i < sockets; i++) {
        int got = fds[i].revents != 0 ? udp_take(w->links.udp, i, UDP_BATCH) : 0;
        for (int n = 0; n < got; n++) {
            const uint8_t *datagram;
            struct path from;
            size_t len;
            if (udp_taken(w->links.udp, (size_t)n, &from, &datagram, &len)) {
                listener_receive(w->listener, w->now, slept, &from, datagram, len);
            }
        }
    }
}

static void press(struct watch *w, int key)
{
    if (key == KEY_QUIT) {
        w->ended = true;
    } else if (key == KEY_SORT) {
        w->order = (uint8_t)((w->order + 1) % ORDERS);
        w->draw_at = w->now;
    } else if (key == KEY_SIZE && w->piped) {
        enter_screen(w);
        w->draw_at = w->now;
    }
}

/* The end of a pipe is the end of who reads: so it ends with what has started it. */
static void read_keys(struct watch *w)
{
    uint8_t bytes[KEYS_AT_ONCE];
    ssize_t got = read(w->tty.keys, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
        w->ended = true;
    }
    for (ssize_t i = 0; i < got; i++) {
        press(w, keys_take(&w->keys, bytes[i]));
    }
}

static void heed_signals(struct watch *w)
{
    for (int signal = tty_signal(&w->tty); signal != 0; signal = tty_signal(&w->tty)) {
        if (signal == SIGTSTP) {
            leave_screen(w);
            tty_obey(SIGTSTP);
        }
        if (signal == SIGTSTP || signal == SIGCONT || signal == SIGWINCH) {
            enter_screen(w);
            w->draw_at = w->now;
        } else {
            w->signal = w->signal != 0 ? w->signal : signal;
            w->ended = true;
        }
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void turn(struct watch *w)
{
    struct pollfd fds[SLOTS] = {{0}};
    bool reads_keys = w->piped || w->tty.raw;
    fds[SLOT_SIGNALS] = (struct pollfd){.fd = w->tty.signals, .events = POLLIN};
    fds[SLOT_KEYS] = (struct pollfd){.fd = reads_keys ? w->tty.keys : -1, .events = POLLIN};
    fds[SLOT_LINKS] = (struct pollfd){.fd = links_watch(&w->links), .events = POLLIN};
    size_t sockets = links_descriptors(&w->links, fds + SLOT_SOCKETS);
    int64_t due = earlier(links_deadline(&w->links), w->now + LISTENER_TICK);
    due = earlier(due, w->draw_at);
    if (wait_for(fds, SLOT_SOCKETS + sockets, due > w->now ? due - w->now : 0) < 0) {
        w->ended = fault_set(&w->fault, FAULT_NETWORK, "poll fails: %s", strerror(errno)) != 0;
        return;
    }
    w->now = clock_now();
    log_time(&w->log, w->now);
    receive(w, fds + SLOT_SOCKETS, sockets);
    listener_tick(w->listener, w->now);
    if (fds[SLOT_LINKS].revents != 0) {
        links_changed(&w->links, w->now);
    }
    if (w->now >= links_deadline(&w->links)) {
        (void)links_look(&w->links, w->now);
    }
    heed_signals(w);
    if (fds[SLOT_KEYS].revents != 0) {
        read_keys(w);
    }
}

static void tell_events(struct watch *w)
{
    struct listener_event e;
    while (listener_event(w->listener, &e)) {
        char text[EVENT_TEXT];
        view_event(text, &e);
        happened(w, text);
    }
}

static void loop(struct watch *w)
{
    enter_screen(w);
    while (!w->ended) {
        turn(w);
        tell_events(w);
        w->draw_at = w->arguments.once ? once_until(w) : w->draw_at;
        if (w->now >= w->draw_at && !w->ended) {
            draw(w);
            w->ended = w->ended || w->arguments.once;
        }
    }
}

/* All that it opens is open by then; but for sockets on interfaces that come. Not the sandbox's list of
 * calls, which has none of a terminal's, nor its limits: what is written may be a file. What is missing is
 * not told, since what is shown is a table. */
static void confine_watch(void)
{
    char missing[SANDBOX_TEXT];
    struct sandbox_options walls = {.walls = SANDBOX_PRIVILEGES | SANDBOX_CAPABILITIES | SANDBOX_FILES};
    (void)sandbox_raise(&walls, missing);
}

/* The sockets are opened before keys are derived, so that what is said meanwhile waits in their buffers. */
static int start(struct watch *w)
{
    struct listener_options options = {.max_rows = WATCH_ROWS, .random = random_fill};
    struct piped_size size;
    if (seal_init() != 0) {
        return fault_set(&w->fault, FAULT_MEMORY, "libsodium cannot be made ready");
    }
    if (links_open(&w->links, &w->arguments.udp, &w->arguments.filter, &w->log, &w->fault) != 0) {
        return -1;
    }
    int result = secret_input(&w->arguments, &options.keys, &size, &w->fault);
    w->now = w->started = w->draw_at = clock_now();
    w->listener = result == 0 ? listener_new(&options, w->now) : NULL;
    keyring_wipe(&options.keys);
    if (result != 0) {
        w->signal = result > 0 ? result : 0;
        return -1;
    }
    w->piped = w->arguments.pipe;
    w->keys.columns = size.columns;
    w->keys.rows = size.rows;
    /* Where the secret came by stdin, keys come from the terminal itself. */
    bool typed = w->piped || isatty(STDIN_FILENO) != 0;
    if (w->listener == NULL || tty_open(&w->tty, typed ? STDIN_FILENO : -1) != 0) {
        return fault_set(&w->fault, FAULT_MEMORY, "memory, or descriptors, are short");
    }
    (void)links_look(&w->links, w->now);
    confine_watch();
    return 0;
}

static int status(const struct watch *w, bool started)
{
    if (!started || w->fault.kind != FAULT_NONE) {
        return WATCH_FAILED;
    }
    return w->arguments.once && listener_summary(w->listener).heard == 0 ? WATCH_NOBODY : WATCH_OK;
}

int watch_run(int argc, char **argv)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w == NULL) {
        (void)fputs("gossipd watch: memory is short\n", stderr);
        return WATCH_FAILED;
    }
    text_locale();
    w->log = log_new(logged, w);
    w->tty.keys = w->tty.signals = -1;
    bool started = arguments_read(&w->arguments, ASKS_WATCH, argc, argv, &w->fault) == 0 && start(w) == 0;
    w->order = w->arguments.order;
    if (started) {
        loop(w);
        leave_screen(w);
    }
    if (w->fault.kind != FAULT_NONE) {
        refusal_say("gossipd watch", w->arguments.json, &w->fault);
    }
    int result = status(w, started), signal = w->signal;
    tty_close(&w->tty);
    links_close(&w->links);
    listener_free(w->listener);
    text_free(&w->lines);
    text_free(&w->out);
    free(w);
    if (signal != 0) {
        tty_obey(signal);
    }
    return result;
}
