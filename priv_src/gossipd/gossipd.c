#include "gossipd.h"

#include "clock.h"
#include "parts.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PAUSE (50 * MS_US) /* a wake-up so long after its deadline means that this process was stopped */
/* Who is woken more than WAKES a second by the network lets datagrams gather: a wake-up costs many times what
 * a datagram does. It is below what an answer may take, and what timers and the owner wait for. */
#define GATHER      (4 * MS_US)
#define WAKES       100
#define WAKES_BURST 256             /* so that a crowd that joins is answered at once */
#define FAREWELL    (50 * MS_US)    /* three goodbyes take 20 ms */
#define LINGER      (2 * SECOND_US) /* an owner that crashes twice waits 1 s before it starts a sidecar */
#define PARENT      (5 * MS_US)     /* how often the parent is looked at meanwhile */

/* What poll looks at, by place. */
enum slot {
    SLOT_IN,
    SLOT_OUT,
    SLOT_WATCH,
    SLOT_BRIDGE,
    SLOT_SOCKETS,
    SLOTS = SLOT_SOCKETS + UDP_SOCKETS_MAX
};

static int nonblocking(struct gossipd *d, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
        return 0;
    }
    return fault_set(&d->fault, FAULT_NETWORK, "descriptor %d cannot be made non-blocking: %s", fd,
                     strerror(errno));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t deadline(const struct gossipd *d)
{
    int64_t due = earlier(engine_deadline(&d->engine), links_deadline(&d->links));
    return earlier(due, bridge_deadline(&d->bridge));
}

static int64_t timeout_until(int64_t due)
{
    int64_t left = due - clock_now();
    return due == NEVER ? -1 : left < 0 ? 0 : left;
}

/* Waits for the next thing to do. While datagrams gather, the sockets are looked at when that time is over,
 * or a timer is due: who is judged then is heard before. */
static int sleep_until(struct gossipd *d, int64_t due, struct pollfd fds[static SLOTS])
{
    fds[SLOT_IN] = (struct pollfd){.fd = d->in, .events = POLLIN};
    fds[SLOT_OUT] = (struct pollfd){.fd = d->uplink.out, .events = uplink_waits(&d->uplink) ? POLLOUT : 0};
    fds[SLOT_WATCH] = (struct pollfd){.fd = links_watch(&d->links), .events = POLLIN};
    fds[SLOT_BRIDGE] = (struct pollfd){.fd = bridge_descriptor(&d->bridge), .events = POLLIN};
    size_t count = SLOT_SOCKETS + links_descriptors(&d->links, fds + SLOT_SOCKETS);
    int ready;
    if (d->gather_until > clock_now()) {
        int64_t until = earlier(due, d->gather_until);
        ready = wait_for(fds, SLOT_SOCKETS, timeout_until(until));
        if (ready > 0 && clock_now() < until) {
            return 0;
        }
        ready = wait_for(fds, count, 0);
    } else {
        ready = wait_for(fds, count, timeout_until(due));
    }
    if (ready < 0) {
        return fault_set(&d->fault, FAULT_NETWORK, "poll fails: %s", strerror(errno));
    }
    return 0;
}

static void look(struct gossipd *d)
{
    engine_look(&d->engine, d->now);
    size_t count;
    const struct interface *interfaces = udp_interfaces(d->links.udp, &count);
    bridge_look(&d->bridge, interfaces, count, d->now);
}

/* Time has passed. */
static void tick(struct gossipd *d)
{
    d->now = clock_now();
    engine_tick(&d->engine, d->now);
    bridge_tick(&d->bridge, d->now);
    if (links_due(&d->links, d->now)) {
        look(d);
    }
}

/* Nobody reads any more. But what the owner said last may wait: it left while keys were derived, and halted.
 */
static int last_words(struct gossipd *d)
{
    int result = d->ended ? 0 : commands_read(d);
    d->ended = true;
    return result;
}

/* Gives the core what has come, or after a pause all that waits. */
static void hear(struct gossipd *d, bool paused, const struct pollfd *fds)
{
    if (paused) {
        engine_drain(&d->engine, d->now);
        return;
    }
    enum engine_turn turn = engine_receive(&d->engine, d->now, fds);
    if (turn == TURN_WHOLE && !bucket_take(&d->wakes, d->now, WAKES_BURST, WAKES)) {
        d->gather_until = d->now + GATHER;
    } else if (turn == TURN_CUT) {
        d->gather_until = 0;
    }
}

/* The datagrams come first: after a pause nobody may be judged before his words, which wait in the sockets,
 * are heard. */
static int once(struct gossipd *d)
{
    struct pollfd fds[SLOTS] = {{0}};
    int64_t due = deadline(d);
    if (sleep_until(d, due, fds) != 0) {
        return -1;
    }
    d->now = clock_now();
    uplink_time(&d->uplink, d->now);
    if (d->engine.core != NULL) {
        hear(d, due != NEVER && d->now - due > PAUSE, fds + SLOT_SOCKETS);
    }
    if (fds[SLOT_BRIDGE].revents != 0) {
        bridge_receive(&d->bridge, &d->uplink, d->now);
    }
    if (fds[SLOT_WATCH].revents != 0) {
        links_changed(&d->links, d->now);
        bridge_links_changed(&d->bridge);
    }
    if (fds[SLOT_IN].revents != 0 && commands_read(d) != 0) {
        return -1;
    }
    if (d->engine.core != NULL) {
        tick(d);
    }
    uplink_flush(&d->uplink, d->engine.core);
    if (d->uplink.broken || (fds[SLOT_OUT].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        return last_words(d);
    }
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
    while (d->engine.announced && d->now < until && beam_lives(d)) {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = links_descriptors(&d->links, fds);
        int64_t due = earlier(deadline(d), d->now + PARENT);
        (void)wait_for(fds, count, timeout_until(due));
        d->now = clock_now();
        (void)engine_receive(&d->engine, d->now, fds);
        tick(d);
    }
}

/* Says goodbye to everybody, for the BEAM that is gone, or for its cluster that is no more. */
static void farewell(struct gossipd *d)
{
    if (d->engine.core == NULL) {
        return;
    }
    struct command leave = {.type = COMMAND_LEAVE, .as.reason = beam_lives(d) ? DOWN_LEFT : DOWN_BEAM_EXIT};
    d->now = clock_now();
    int64_t until = d->now + FAREWELL;
    engine_command(&d->engine, d->now, &leave);
    while (!d->engine.left && d->now < until) {
        (void)wait_for(NULL, 0, timeout_until(earlier(engine_deadline(&d->engine), until)));
        d->now = clock_now();
        engine_tick(&d->engine, d->now);
    }
}

static int start(struct gossipd *d, int out)
{
    if (uplink_init(&d->uplink, out) != 0) {
        return fault_set(&d->fault, FAULT_MEMORY, "memory is short");
    }
    if (seal_init() != 0 || term_init() != 0) {
        return fault_set(&d->fault, FAULT_MEMORY, "libsodium or libei cannot be made ready");
    }
    return nonblocking(d, d->in) != 0 || nonblocking(d, out) != 0 ? -1 : 0;
}

static void release(struct gossipd *d)
{
    bridge_close(&d->bridge);
    engine_free(&d->engine);
    links_close(&d->links);
    frame_parser_free(&d->parser);
    uplink_free(&d->uplink);
}

int gossipd_run(int in, int out, bool sandbox)
{
    struct gossipd d = {.in = in,
                        .sandbox = sandbox,
                        .parent = getppid(),
                        .now = clock_now(),
                        .parser = frame_parser_new(FRAME_LIMIT)};
    int result = start(&d, out);
    while (result == 0 && !d.ended) {
        result = once(&d);
    }
    if (result == 0) {
        linger(&d);
        farewell(&d);
    } else {
        uplink_fault(&d.uplink, &d.fault);
        uplink_part(in);
    }
    release(&d);
    return result == 0 ? EXIT_ENDED : EXIT_FATAL;
}
