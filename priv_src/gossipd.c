#include "gossipd.h"

#include "clock.h"
#include "gossipd_state.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LATE     (50 * MS_US) /* a wake-up so long after its deadline means that this process was stopped */
#define FAREWELL (50 * MS_US) /* three goodbyes take 20 ms */
#define LINGER   (2 * SECOND_US) /* an owner that crashes twice waits 1 s before it starts a sidecar */
#define PARENT   (5 * MS_US)     /* how often the parent is looked at meanwhile */

static int nonblocking(struct gossipd *d, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
        return 0;
    }
    return fault_set(&d->fault, FAULT_NETWORK, "descriptor %d cannot be made non-blocking: %s", fd,
                     strerror(errno));
}

static int64_t deadline(const struct gossipd *d)
{
    int64_t core = d->core == NULL ? NEVER : gossip_deadline(d->core);

    return d->core != NULL && d->look_again < core ? d->look_again : core;
}

/* Waits for the next thing to do. `fds` are stdin, stdout, and the sockets. */
static int sleep_until(struct gossipd *d, int64_t due, struct pollfd *fds)
{
    size_t count = 2;
    int64_t timeout = -1;

    if (due != NEVER) {
        timeout = due - clock_now();
        timeout = timeout < 0 ? 0 : timeout;
    }
    fds[0] = (struct pollfd){.fd = d->in, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = d->out, .events = outbox_empty(&d->outbox) ? 0 : POLLOUT};
    if (d->udp != NULL) {
        count += udp_descriptors(d->udp, fds + 2);
    }
    if (wait_for(fds, count, timeout) < 0) {
        return fault_set(&d->fault, FAULT_NETWORK, "poll fails: %s", strerror(errno));
    }
    return 0;
}

/* Time has passed. */
static void tick(struct gossipd *d)
{
    if (d->core == NULL) {
        return;
    }
    d->now = clock_now();
    if (d->now >= gossip_deadline(d->core)) {
        gossip_tick(d->core, d->fx, d->now);
        gossipd_run_effects(d);
    }
    if (d->now >= d->look_again) {
        gossipd_look(d);
    }
}

/* The datagrams come first: after a pause nobody may be judged before his words, which wait in the sockets,
 * are heard. */
static int once(struct gossipd *d)
{
    struct pollfd fds[2 + UDP_SOCKETS_MAX] = {{0}};
    int64_t due = deadline(d);

    if (sleep_until(d, due, fds) != 0) {
        return -1;
    }
    d->now = clock_now();
    log_time(&d->log, d->now);
    if (d->core != NULL) {
        gossipd_receive(d, due != NEVER && d->now - due > LATE ? NULL : fds + 2);
    }
    if (fds[0].revents != 0 && gossipd_read(d) != 0) {
        return -1;
    }
    if ((fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        d->ended = true;
    }
    tick(d);
    gossipd_flush(d);
    return 0;
}

static bool beam_lives(const struct gossipd *d)
{
    return getppid() == d->parent;
}

/* The port is closed, and the BEAM lives: it was the owner that crashed, and its successor's sidecar takes
 * the name over, of which the others see no more than an update. So this one goes on in the meantime. */
static void linger(struct gossipd *d)
{
    int64_t until = d->now + LINGER;

    while (d->announced && d->now < until && beam_lives(d)) {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = udp_descriptors(d->udp, fds);
        int64_t due = deadline(d);

        if (due > d->now + PARENT) {
            due = d->now + PARENT;
        }
        (void)wait_for(fds, count, due < d->now ? 0 : due - d->now);
        d->now = clock_now();
        gossipd_receive(d, fds);
        tick(d);
    }
}

/* Says goodbye to everybody, for the BEAM that is gone, or for its cluster that is no more. */
static void farewell(struct gossipd *d)
{
    struct command leave = {.type = COMMAND_LEAVE};
    int64_t until;

    if (d->core == NULL) {
        return;
    }
    leave.as.reason = beam_lives(d) ? DOWN_LEFT : DOWN_BEAM_EXIT;
    d->left = false;
    d->now = clock_now();
    until = d->now + FAREWELL;
    gossip_command(d->core, d->fx, d->now, &leave);
    gossipd_run_effects(d);
    while (!d->left && d->now < until) {
        int64_t due = gossip_deadline(d->core);
        int64_t timeout = (due < until ? due : until) - d->now;

        (void)wait_for(NULL, 0, timeout < 0 ? 0 : timeout);
        d->now = clock_now();
        gossip_tick(d->core, d->fx, d->now);
        gossipd_run_effects(d);
    }
}

static int start(struct gossipd *d)
{
    d->term = term_new();
    if (d->term == NULL || seal_init() != 0 || term_init() != 0) {
        return fault_set(&d->fault, FAULT_MEMORY,
                         "memory is short, or libsodium or libei cannot be made ready");
    }
    return nonblocking(d, d->in) != 0 || nonblocking(d, d->out) != 0 ? -1 : 0;
}

static void release(struct gossipd *d)
{
    gossip_free(d->core);
    udp_close(d->udp);
    free(d->fx);
    frame_parser_free(&d->parser);
    outbox_free(&d->outbox);
    term_free(d->term);
}

int gossipd_run(int in, int out)
{
    struct gossipd d = {
        .in = in, .out = out, .parser = frame_parser_new(FRAME_LIMIT), .outbox = outbox_new(OUTBOX_LIMIT)};
    int result;

    d.parent = getppid();
    d.now = clock_now();
    d.log = log_new(gossipd_tell_log, &d);
    result = start(&d);
    while (result == 0 && !d.ended) {
        result = once(&d);
    }
    if (result == 0) {
        linger(&d);
        farewell(&d);
    } else {
        gossipd_tell_fault(&d);
    }
    release(&d);
    return result == 0 ? EXIT_ENDED : EXIT_FATAL;
}
