/* A terminal that keys come from and a picture goes to, and the signals that end, stop or resize it. However
 * it ends, it is as it was: signals are only noted, and whoever loops sees them by poll. One at a time. */
#ifndef GOSSIP_WATCH_TTY_H
#define GOSSIP_WATCH_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct tty {
    int keys;    /* where keys come from; -1: nowhere */
    bool own;    /* `keys` was opened here */
    int signals; /* to be polled */
    bool raw;    /* `saved` is what it was before */
    struct termios saved;
};

/* Has signals noted. `keys` is a descriptor that keys come from, be it a terminal or not; -1: the process's
 * own terminal, where it has one. 0, or -1 and errno. */
int tty_open(struct tty *t, int keys);

/* Restores it, and what signals do. */
void tty_close(struct tty *t);

/* Each key is told at once, unseen; or all is as it was. Signals of keys work all the same. */
void tty_raw(struct tty *t);
void tty_restore(struct tty *t);

/* The signal that was noted first, or 0. SIGWINCH: it has another size. */
int tty_signal(const struct tty *t);

/* Has the process do what it does with that signal by default: stops it until it is continued, or ends it. */
void tty_obey(int signal);

/* The size of a terminal: false where it is none, or does not know. */
bool tty_size(int fd, size_t *columns, size_t *rows);

#endif
