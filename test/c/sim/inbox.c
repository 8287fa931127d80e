/* What reaches a process, and what becomes of it while the process is stopped: it waits in the sockets. */
#include <stdlib.h>

#include "cluster.h"
#include "crowd.h"
#include "memory.h"

#define DRAIN_BATCH  32   /* datagrams read from one socket before the other gets its turn */
#define CHARGE_SMALL 832  /* what the kernel charges a socket for a datagram of up to 400 bytes, */
#define CHARGE_LARGE 2304 /* and for a larger one */

static void empty_inbox(struct cluster *c, struct inbox *in)
{
    for (size_t i = 0; i < in->count; i++) {
        packets_drop(&c->packets, in->packets[i]);
    }
    free(in->packets);
    *in = (struct inbox){0};
}

void cluster_forget_inbox(struct cluster *c, uint32_t node)
{
    empty_inbox(c, &c->nodes[node].inbox[0]);
    empty_inbox(c, &c->nodes[node].inbox[1]);
}

static void keep(struct cluster *c, struct inbox *in, uint32_t number)
{
    const struct packet *p = packets_at(&c->packets, number);
    size_t charge = p->len <= 400 ? CHARGE_SMALL : CHARGE_LARGE;
    if (in->bytes + charge > SOCKET_BUFFER) {
        c->tally.overflowed++;
        packets_drop(&c->packets, number);
        return;
    }
    if (in->count == in->size) {
        in->size = in->size == 0 ? 64 : 2 * in->size;
        in->packets = memory_grow(in->packets, in->size, sizeof *in->packets);
    }
    in->packets[in->count++] = number;
    in->bytes += charge;
}

void cluster_receive(struct cluster *c, uint32_t node, uint32_t number)
{
    struct node *n = &c->nodes[node];
    const struct packet *p = packets_at(&c->packets, number);
    c->traffic.deliveries++;
    if (crowd_has(c, node)) {
        crowd_receive(c, node, p);
    } else if (n->g != NULL && n->paused) {
        keep(c, &n->inbox[p->from.kind == PATH_UNICAST], number);
        return;
    } else if (n->g != NULL) {
        int64_t before = lives_before(c, node, p);
        gossip_receive(n->g, c->fx, cluster_clock(c, node), &p->from, p->data, p->len);
        lives_after(c, node, p, before);
        cluster_called(c, node);
    }
    packets_drop(&c->packets, number);
}

void cluster_pause(struct cluster *c, uint32_t node, int64_t length)
{
    struct node *n = &c->nodes[node];
    n->paused = true;
    n->pause = length;
    n->tick_at = NEVER;
    lives_paused(c, node);
}

void cluster_wake(struct cluster *c, uint32_t node)
{
    struct node *n = &c->nodes[node];
    struct inbox waiting[2] = {n->inbox[0], n->inbox[1]};
    n->inbox[0] = n->inbox[1] = (struct inbox){0};
    n->paused = false;
    lives_woke(c, node);
    if (n->pause > LONG_PAUSE) {
        n->long_pause_end = cluster_now(c);
    }
    size_t read[2] = {0, 0};
    while (read[0] < waiting[0].count || read[1] < waiting[1].count) {
        for (int socket = 0; socket < 2; socket++) {
            for (int i = 0; i < DRAIN_BATCH && read[socket] < waiting[socket].count; i++) {
                cluster_receive(c, node, waiting[socket].packets[read[socket]++]);
            }
        }
    }
    free(waiting[0].packets);
    free(waiting[1].packets);
    if (n->g != NULL && !n->stalled) { /* what the owner wrote meanwhile is in the pipe */
        cluster_command(c, node, &(struct command){.type = COMMAND_PULSE});
    } else if (n->g != NULL) {
        cluster_called(c, node);
    }
}
