#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const int noted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
#define NOTED (sizeof noted / sizeof noted[0])

/* A handler has no other way to its process. Written by tty_open, before it is set. */
static int pipe_ends[2] = {-1, -1};

static void note(int signal)
{
    int before = errno;
    unsigned char byte = (unsigned char)signal;
    ssize_t written = write(pipe_ends[1], &byte, 1); /* a full pipe holds enough */
    (void)written;
    errno = before;
}

static int make_pipe(void)
{
    if (pipe(pipe_ends) != 0) {
        return -1;
    }
    for (size_t i = 0; i < 2; i++) {
        if (fcntl(pipe_ends[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(pipe_ends[i], F_SETFD, FD_CLOEXEC) != 0) {
            (void)close(pipe_ends[0]);
            (void)close(pipe_ends[1]);
            return -1;
        }
    }
    return 0;
}

int tty_open(struct tty *t, int keys)
{
    *t = (struct tty){.keys = keys, .signals = -1};
    if (make_pipe() != 0) {
        return -1;
    }
    t->signals = pipe_ends[0];
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < NOTED; i++) {
        (void)sigaction(noted[i], &action, NULL); /* cannot fail with these */
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    if (keys < 0) {
        t->keys = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        t->own = t->keys >= 0;
    }
    return 0;
}

void tty_close(struct tty *t)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    tty_restore(t);
    for (size_t i = 0; i < NOTED; i++) {
        (void)sigaction(noted[i], &action, NULL);
    }
    if (t->own) {
        (void)close(t->keys);
    }
    if (t->signals >= 0) {
        (void)close(pipe_ends[0]);
        (void)close(pipe_ends[1]);
        pipe_ends[0] = pipe_ends[1] = -1;
    }
    *t = (struct tty){.keys = -1, .signals = -1};
}

void tty_raw(struct tty *t)
{
    if (t->raw || t->keys < 0 || tcgetattr(t->keys, &t->saved) != 0) {
        return;
    }
    struct termios raw = t->saved;
    raw.c_lflag &= (tcflag_t) ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    t->raw = tcsetattr(t->keys, TCSADRAIN, &raw) == 0;
}

void tty_restore(struct tty *t)
{
    if (t->raw) {
        (void)tcsetattr(t->keys, TCSADRAIN, &t->saved);
        t->raw = false;
    }
}

int tty_signal(const struct tty *t)
{
    unsigned char byte = 0;
    return t->signals >= 0 && read(t->signals, &byte, 1) == 1 ? byte : 0;
}

void tty_obey(int signal)
{
    if (signal == SIGTSTP) {
        (void)raise(SIGSTOP);
        return;
    }
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)sigaction(signal, &action, NULL);
    (void)raise(signal);
}

bool tty_size(int fd, size_t *columns, size_t *rows)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return false;
    }
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}
