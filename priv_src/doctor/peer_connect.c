/* TCP to another node's distribution: begun everywhere at once, and waited for together. */
#include "peer_ask.h"

#include "clock.h"
#include "reach.h"
#include "units.h"
#include "wait.h"

#include <errno.h>
#include <unistd.h>

#define CONNECT_US (2 * SECOND_US)
#define EPMD_PORT  4369
#define ALL        (UNICAST_PORTS * TRIED_MAX)

static void add(struct peer_door *d, const struct addr *a)
{
    struct addr one = *a;
    one.port = d->answer.id.dist_port;
    if (d->count < TRIED_MAX && !addr_among(&one, d->tried, d->count)) {
        d->result[d->count] = TCP_UNTRIED;
        d->tried[d->count++] = one;
    }
}

static bool is_here(const struct addr *a, const struct subnets *own)
{
    size_t i = 0;
    while (own != NULL && i < own->count && !addr_same_host(&own->items[i].addr, a)) {
        i++;
    }
    return addr_is_loopback(a) || (own != NULL && i < own->count);
}

/* Of what it says of itself nothing may lead back to this host, or to a link that it cannot know. (172.17.0.1
 * is on every machine that has Docker.) */
void peer_choose(struct peer_door *d, const struct addr *at, const struct subnets *own)
{
    struct addr all[HOST_ADDRS];
    uint8_t family = (d->answer.id.flags & IDENTITY_IPV6_DIST) != 0 ? ADDR_IPV6 : ADDR_IPV4;
    const struct host *host = &d->answer.host;
    size_t count = host_addresses(host, d->answer.id.dist_port, all);
    bool first_alone = host->len > 0 && host->bytes[0] == 1 && count > 0;
    d->count = 0;
    if (d->answer.id.dist_port == 0) {
        return;
    }
    if (!first_alone && at->family == family && !addr_is_scoped(at)) {
        add(d, at);
    }
    for (size_t i = 0; i < (first_alone ? 1 : count); i++) {
        bool back = is_here(&all[i], own) && !is_here(at, own);
        if (all[i].family == family && addr_is_endpoint(&all[i]) && !addr_is_link_local(&all[i]) && !back) {
            add(d, &all[i]);
        }
    }
}

struct attempt {
    int fd;      /* -1: it is known what became of it */
    int *result; /* TCP_UNTRIED: it is not */
};

static void begin(struct attempt *a, const struct addr *to, int *result)
{
    *a = (struct attempt){.fd = reach_tcp(to), .result = result};
    *result = a->fd < 0 ? errno : TCP_UNTRIED;
}

static void end(struct attempt *a, int result)
{
    *a->result = result;
    (void)close(a->fd);
    a->fd = -1;
}

/* Until all are known, or the time is over. */
static void await(struct attempt *all, size_t count)
{
    int64_t until = clock_now() + CONNECT_US;
    for (int64_t left = CONNECT_US; left > 0; left = until - clock_now()) {
        struct pollfd fds[ALL];
        size_t open = 0;
        for (size_t i = 0; i < count; i++) {
            fds[i] = (struct pollfd){.fd = all[i].fd, .events = POLLOUT};
            open += all[i].fd >= 0 ? 1 : 0;
        }
        if (open == 0 || wait_for(fds, count, left) < 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (all[i].fd >= 0 && fds[i].revents != 0) {
                end(&all[i], reach_result(all[i].fd));
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (all[i].fd >= 0) {
            end(&all[i], ETIMEDOUT);
        }
    }
}

void peer_connect(struct peer_facts *p)
{
    struct attempt all[ALL];
    size_t count = 0;
    bool answered = false;
    for (size_t i = 0; i < p->count; i++) {
        struct peer_door *d = &p->doors[i];
        if (d->answered) {
            answered = true;
            peer_choose(d, &p->at, p->own);
        }
        for (size_t k = 0; k < d->count; k++) {
            begin(&all[count++], &d->tried[k], &d->result[k]);
        }
    }
    if (!answered && !addr_is_scoped(&p->at)) {
        struct addr epmd = p->at;
        epmd.port = EPMD_PORT;
        begin(&all[count++], &epmd, &p->epmd);
    }
    await(all, count);
}
