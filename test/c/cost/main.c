/* What a heartbeat of a peer costs, from the datagram to the roster: members on a virtual network that is
 * well, of whom the first gets what the others say to the group from here. Prints how many it were, and the
 * nanoseconds of processor time that each took; bench/beat_cost runs it under callgrind, too, and counts what
 * `steady_beat` takes.
 *
 *   gossip_beat_cost SECONDS [plain]    of the network's time; `plain`: under a seal that is none */
#include "net.h"
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMBERS NET_NODES
#define SEED    7
#define CALM    (10 * SECOND_US)

static bool drop_to_first(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)from;
    (void)s;
    return to == 0;
}

/* Not static, nor inlined: callgrind is told its name. */
void steady_beat(struct gossip *g, struct effects *fx, int64_t now, const struct path *from,
                 const struct sent *s);

__attribute__((noinline)) void steady_beat(struct gossip *g, struct effects *fx, int64_t now,
                                           const struct path *from, const struct sent *s)
{
    gossip_receive(g, fx, now, from, s->data, s->len);
}

static int64_t worked(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 60;
    if (seal_init() != 0 || seconds < 1) {
        return 1;
    }
    struct net *net = net_from(SEED);
    struct gossip_options options = net_options(net);
    if (argc > 2 && strcmp(argv[2], "plain") == 0) {
        options.sealing = &plain_sealing;
    }
    struct effects *fx = calloc(1, sizeof *fx);
    for (size_t i = 0; i < MEMBERS; i++) {
        char name[] = "a@host";
        name[0] = (char)('a' + (int)i);
        net_alive(net, net_add(net, name, 1, &options));
    }
    net_run(net, CALM);
    net->drop = drop_to_first;
    net->log_count = 0;
    struct gossip *first = net->nodes[0]->g;
    size_t before = (size_t)gossip_stats(first).opened[0], beats = 0;
    int64_t taken = 0;
    for (int64_t end = net->now + seconds * SECOND_US; fx != NULL && net->now < end;) {
        net_run(net, SECOND_US / 10);
        int64_t since = worked();
        for (size_t i = 0; i < net->log_count; i++) {
            const struct sent *s = &net->log[i];
            if (s->path.kind == PATH_GROUP && s->from.port != 0 &&
                !addr_same(&s->from, &net->nodes[0]->addr)) {
                struct path from = {.kind = PATH_GROUP, .addr = s->from};
                steady_beat(first, fx, net->now, &from, s);
                beats++;
            }
        }
        taken += worked() - since;
        while (effects_pop(fx) != NULL) {
        }
        net->log_count = 0;
    }
    bool well =
        net_listed(net, 0) == MEMBERS - 1 && gossip_stats(first).opened[0] - before == beats && beats > 0;
    if (well) {
        (void)printf("beats %zu, of %.0f ns\n", beats, (double)taken / (double)beats);
    }
    net_free(net);
    free(fx);
    return well ? 0 : 1;
}
