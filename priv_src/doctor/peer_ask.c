#include "peer_ask.h"

#include "clock.h"
#include "random.h"
#include "reach.h"
#include "udp_system.h"
#include "units.h"
#include "wait.h"

#include <errno.h>
#include <unistd.h>

#define ROUND_US  (250 * MS_US) /* a datagram may be lost: each is sent again */
#define ROUNDS    9
#define POKE_LAST 2             /* in the first round and in this one a port is poked */
#define UNASKED   4             /* rounds without a key */
#define OTHERS_US (500 * MS_US) /* so long after the first answer others may come */

struct asking {
    struct peer_facts *p;
    const struct keyring *ring;
    int fd;
    int pokes[POKED_MAX];
    int64_t answered_at; /* 0: nobody has */
};

void peer_trouble(struct peer_facts *p, int error, bool own)
{
    if (error != 0 && error != EAGAIN && error != EWOULDBLOCK && error != ENOBUFS && error != EINTR) {
        p->trouble = error;
        p->barred = own && (error == EPERM || error == EACCES);
    }
}

/* `own`: it was said as it was to be sent. */
static void note_poke(struct asking *a, size_t i, int error, bool own)
{
    if (error == ECONNREFUSED) {
        a->p->closed[i] = true;
    } else {
        peer_trouble(a->p, error, own);
    }
}

static void poke(struct asking *a)
{
    for (size_t i = 0; i < a->p->poked; i++) {
        if (!a->p->closed[i] && reach_poke(a->pokes[i]) != 0) {
            note_poke(a, i, errno, true);
        }
    }
}

static void question(struct asking *a)
{
    for (size_t i = 0; i < a->p->count; i++) {
        struct peer_door *d = &a->p->doors[i];
        uint8_t data[DATAGRAM_MAX];
        if (d->answered) {
            continue;
        }
        size_t len = knock_ask(&d->knock, a->ring, random_fill, NULL, data);
        if (udp_system_unicast(a->fd, &d->knock.to, addr_is_scoped(&d->knock.to), data, len) != 0) {
            peer_trouble(a->p, errno, true);
        }
    }
}

/* Whether somebody was asked who now has answered. */
static void take(struct asking *a)
{
    uint8_t data[DATAGRAM_MAX + 1]; /* what is longer is none of ours */
    struct udp_arrival arrival = {0};
    for (size_t most = UNICAST_PORTS; most > 0; most--) {
        int len = udp_system_receive(a->fd, false, data, sizeof data, &arrival);
        if (len < 0) {
            return;
        }
        for (size_t i = 0; i < a->p->count; i++) {
            struct peer_door *d = &a->p->doors[i];
            if (!d->answered && knock_answers(&d->knock, a->ring, data, (size_t)len, &d->answer)) {
                d->answered = true;
                a->answered_at = a->answered_at != 0 ? a->answered_at : clock_now();
            }
        }
    }
}

static bool found(const struct peer_facts *p)
{
    size_t i = 0;
    while (i < p->count &&
           (!p->doors[i].answered ||
            (p->target.name.len > 0 && !name_same(&p->target.name, &p->doors[i].answer.id.name)))) {
        i++;
    }
    return i < p->count;
}

/* When nothing more is waited for: nobody who is not asked under a key says anything but that nobody is
 * there. */
static bool is_done(const struct asking *a, int64_t now)
{
    const struct peer_facts *p = a->p;
    size_t closed = 0;
    for (size_t i = 0; i < p->poked; i++) {
        closed += p->closed[i] ? 1 : 0;
    }
    bool nobody = a->fd < 0 || p->count == p->poked;
    return (nobody && closed == p->poked) || (found(p) && now >= a->answered_at + OTHERS_US);
}

static void await(struct asking *a, int64_t until)
{
    for (int64_t now = clock_now(); now < until && !is_done(a, now); now = clock_now()) {
        struct pollfd fds[1 + POKED_MAX] = {{.fd = a->fd, .events = POLLIN}};
        for (size_t i = 0; i < POKED_MAX; i++) { /* poll(2) passes over -1 */
            bool open = i < a->p->poked && !a->p->closed[i];
            fds[1 + i] = (struct pollfd){.fd = open ? a->pokes[i] : -1, .events = POLLIN};
        }
        if (wait_for(fds, 1 + POKED_MAX, until - now) < 0) {
            return;
        }
        if (fds[0].revents != 0) {
            take(a);
        }
        for (size_t i = 0; i < a->p->poked; i++) {
            if (fds[1 + i].revents != 0) {
                note_poke(a, i, reach_heard(a->pokes[i]), false);
            }
        }
    }
}

static void open_pokes(struct asking *a)
{
    struct peer_facts *p = a->p;
    for (size_t i = 0; i < POKED_MAX && i < p->count; i++) {
        int fd = reach_udp(&p->doors[i].knock.to);
        if (fd < 0) {
            peer_trouble(p, errno, true);
            return;
        }
        a->pokes[p->poked++] = fd;
    }
}

/* The empty ones go first: those of closed ports use up what a system tells in a second. */
void peer_ask(struct peer_facts *p, const struct keyring *ring, int fd)
{
    struct asking a = {.p = p, .ring = ring, .fd = p->asked_under_key ? fd : -1};
    for (size_t i = 0; i < p->count; i++) {
        struct addr to = p->at;
        to.port = p->doors[i].port;
        p->doors[i].knock = knock_start(&to, random_fill, NULL);
    }
    open_pokes(&a);
    int64_t due = clock_now();
    for (size_t round = 0; round < (a.fd >= 0 ? ROUNDS : UNASKED) && !is_done(&a, due); round++) {
        if (round == 0 || round == POKE_LAST) {
            poke(&a);
        }
        if (round > 0 && a.fd >= 0) {
            question(&a);
        }
        due += ROUND_US;
        await(&a, due);
    }
    for (size_t i = 0; i < p->poked; i++) {
        (void)close(a.pokes[i]);
    }
}
