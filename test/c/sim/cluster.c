#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "crowd.h"
#include "events.h"
#include "memory.h"
#include "sealing.h"

#define FIRST_NET 10     /* 10.0.0.0/8 is the first link, 11.0.0.0/8 the next */
#define IMPATIENT 100000 /* ticks in one moment after which the core is surely going round in circles */

int64_t cluster_now(const struct cluster *c)
{
    return c->queue.now;
}

bool cluster_complete(const struct cluster *c)
{
    return observer_complete(&c->observer);
}

/* The member's own clock, which never goes back. */
static int64_t clock_of(const struct node *n, int64_t now)
{
    return now + n->clock + now * n->drift / 1000000;
}

int64_t cluster_clock(const struct cluster *c, uint32_t node)
{
    return clock_of(&c->nodes[node], cluster_now(c));
}

/* The first moment from `now` on at which the member's clock shows `local` or more. */
static int64_t moment_of(const struct node *n, int64_t local, int64_t now)
{
    int64_t at = local - n->clock;
    if (n->drift != 0) {
        at -= at * n->drift / 1000000;
    }
    at = at < now ? now : at;
    while (clock_of(n, at) < local) {
        at++;
    }
    return at;
}

struct addr cluster_address_on(const struct cluster *c, uint32_t node, uint8_t link)
{
    uint32_t host = node + 1;
    uint8_t ip[4] = {(uint8_t)(FIRST_NET + link), (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host};
    return addr_ipv4(ip, c->nodes[node].port, 1u + link);
}

struct addr cluster_address(const struct cluster *c, uint32_t node)
{
    return cluster_address_on(c, node, 0);
}

uint8_t cluster_link(const struct addr *a)
{
    return (uint8_t)(a->ip[0] - FIRST_NET);
}

bool cluster_owner(const struct cluster *c, const struct addr *a, uint32_t *node)
{
    uint32_t host = (uint32_t)a->ip[1] << 16 | (uint32_t)a->ip[2] << 8 | a->ip[3];
    *node = host - 1;
    return a->family == ADDR_IPV4 && cluster_link(a) < c->network.links && host > 0 && host <= c->size;
}

struct name cluster_name(uint32_t node)
{
    char text[64];
    struct name name = {0};
    uint32_t host = node + 1;
    int len = snprintf(text, sizeof text, "node%04u@10.%u.%u.%u", host, host >> 16 & 255, host >> 8 & 255,
                       host & 255);
    (void)name_set(&name, text, (size_t)len);
    return name;
}

void cluster_init(struct cluster *c, const struct options *options, const struct keyring *keys, uint64_t seed,
                  struct report *report)
{
    *c = (struct cluster){
        .options = options, .report = report, .keys = *keys, .size = options->nodes, .cut_at = NEVER};
    c->sealing = options->no_seal ? &sealing_none : &gossip_sealed;
    queue_init(&c->queue);
    packets_init(&c->packets);
    network_init(&c->network, options, seed);
    observer_init(&c->observer, c->size);
    lives_watch(c);
    rng_seed(&c->rng, seed, UINT64_C(2) << 40);
    c->fx = memory_new(1, sizeof *c->fx);
    c->nodes = memory_new(c->size, sizeof *c->nodes);
    for (uint32_t i = 0; i < c->size; i++) {
        struct node *n = &c->nodes[i];
        rng_seed(&n->rng, seed, i);
        n->clock = rng_between(&c->rng, 0, 1000000 * SECOND_US);
        n->tick_at = n->page_at = NEVER;
        n->long_pause_end = INT64_MIN;
    }
}

/* Ends its process. */
static void stop(struct cluster *c, uint32_t node)
{
    struct node *n = &c->nodes[node];
    if (n->g == NULL) {
        return;
    }
    struct gossip_stats stats = gossip_stats(n->g);
    tally_stats(&c->tally, &stats);
    gossip_free(n->g);
    n->g = NULL;
    n->tick_at = NEVER;
    n->paused = n->stalled = n->isolated = n->leaving = n->left = false;
    cluster_forget_inbox(c, node);
    observer_stopped(&c->observer, cluster_now(c), node);
}

void cluster_free(struct cluster *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        stop(c, i);
    }
    c->tally.lost_effects += (int64_t)c->fx->refused;
    tally_report(&c->tally, c->report);
    traffic_report(&c->traffic, c->report);
    crowd_free(c);
    queue_free(&c->queue);
    packets_free(&c->packets);
    network_free(&c->network);
    observer_free(&c->observer);
    lives_free(c);
    free(c->nodes);
    free(c->fx);
}

void cluster_called(struct cluster *c, uint32_t node)
{
    struct node *n = &c->nodes[node];
    const struct effect *e;
    while ((e = effects_pop(c->fx)) != NULL) {
        if (e->type == EFFECT_SEND) {
            cluster_send(c, node, &e->as.send.path, e->as.send.data, e->as.send.len);
        } else if (e->type == EFFECT_EVENT) {
            events_take(c, node, &e->as.event);
        }
    }
    c->fx->head = 0; /* the ring begins anew where the processor's cache still has it */
    if (n->left) {
        stop(c, node);
        return;
    }
    int64_t local = gossip_deadline(n->g);
    if (local == NEVER || n->paused) {
        return;
    }
    int64_t due = moment_of(n, local, cluster_now(c));
    if (due < n->tick_at) {
        n->tick_at = due;
        queue_add(&c->queue, due, (struct queue_event){.kind = CLUSTER_TICK, .node = node});
    }
}

void cluster_command(struct cluster *c, uint32_t node, const struct command *cmd)
{
    struct node *n = &c->nodes[node];
    gossip_command(n->g, c->fx, cluster_clock(c, node), cmd);
    cluster_called(c, node);
}

static void pulse(struct cluster *c, uint32_t node, uint32_t life)
{
    struct node *n = &c->nodes[node];
    if (n->g == NULL || n->life != life) {
        return;
    }
    if (!n->paused && !n->stalled && !n->leaving) {
        cluster_command(c, node, &(struct command){.type = COMMAND_PULSE});
    }
    queue_add(&c->queue, cluster_now(c) + c->options->interval_ms * MS_US / 2,
              (struct queue_event){.kind = CLUSTER_PULSE, .node = node, .packet = life});
}

void cluster_start_named(struct cluster *c, uint32_t node, uint32_t named, uint32_t creation)
{
    struct node *n = &c->nodes[node];
    stop(c, node);
    n->life++;
    n->creation = creation;
    n->conflicts = 0;
    n->port = (uint16_t)(40000 + (n->life - 1) % 20000);
    n->page_at = NEVER;
    n->long_pause_end = INT64_MIN;
    struct gossip_options options = {.interval_ms = c->options->interval_ms,
                                     .max_peers = c->size < 4096 ? 4096 : 65535,
                                     .keys = c->keys,
                                     .random = rng_fill,
                                     .random_context = &n->rng,
                                     .sealing = c->sealing};
    n->g = gossip_new(&options, cluster_clock(c, node));
    if (n->g == NULL) {
        fputs("gossip_sim: out of memory\n", stderr);
        exit(2);
    }
    struct addr own[NETWORK_LINKS];
    for (uint8_t link = 0; link < c->network.links; link++) {
        own[link] = cluster_address_on(c, node, link);
    }
    gossip_addresses(n->g, own, c->network.links);
    observer_started(&c->observer, cluster_now(c), node, gossip_boot(n->g), named);
    lives_started(c, node);
    struct command *alive = memory_new(1, sizeof *alive);
    alive->type = COMMAND_ALIVE;
    alive->as.alive.self.name = cluster_name(named);
    alive->as.alive.self.creation = creation;
    alive->as.alive.self.dist_port = (uint16_t)(20000 + node % 20000);
    alive->as.alive.self.flags = IDENTITY_LONG_NAMES;
    cluster_command(c, node, alive);
    free(alive);
    queue_add(&c->queue, cluster_now(c) + rng_between(&c->rng, 0, c->options->interval_ms * MS_US / 2),
              (struct queue_event){.kind = CLUSTER_PULSE, .node = node, .packet = n->life});
}

void cluster_start(struct cluster *c, uint32_t node, uint32_t creation)
{
    cluster_start_named(c, node, node, creation);
}

void cluster_seed(struct cluster *c, uint32_t node, uint32_t seed)
{
    struct seed s = {.addr = cluster_address(c, seed), .ports = 1};
    s.addr.ifindex = 0;
    gossip_seeds(c->nodes[node].g, cluster_clock(c, node), &s, 1);
    cluster_called(c, node);
}

void cluster_seedless(struct cluster *c, uint32_t node)
{
    gossip_seeds(c->nodes[node].g, cluster_clock(c, node), NULL, 0);
    cluster_called(c, node);
}

void cluster_crash(struct cluster *c, uint32_t node)
{
    stop(c, node);
}

void cluster_leave(struct cluster *c, uint32_t node, uint8_t reason)
{
    observer_stopped(&c->observer, cluster_now(c), node);
    c->nodes[node].leaving = true;
    cluster_command(c, node, &(struct command){.type = COMMAND_LEAVE, .as.reason = reason});
}

void cluster_stall(struct cluster *c, uint32_t node, bool stalled)
{
    c->nodes[node].stalled = stalled;
}

static void tick(struct cluster *c, uint32_t node)
{
    struct node *n = &c->nodes[node];
    int64_t now = cluster_now(c);
    if (n->g == NULL || n->tick_at != now) {
        return; /* it was put off, or put forward and done */
    }
    n->tick_at = NEVER;
    int64_t local = cluster_clock(c, node);
    if (gossip_deadline(n->g) <= local) {
        gossip_tick(n->g, c->fx, local);
        bool full = c->fx->count > EFFECTS_MAX / 2; /* then it may have stopped early */
        if (!full && gossip_deadline(n->g) <= local) {
            c->tally.late_deadlines++;
            if (c->tally.late_deadlines > IMPATIENT) {
                fprintf(stderr, "gossip_sim: node%04u wants to be called again and again\n", node + 1);
                exit(2);
            }
        }
    }
    cluster_called(c, node);
}

static void happen(struct cluster *c, const struct queue_event *e)
{
    switch (e->kind) {
    case CLUSTER_DELIVER:
        cluster_receive(c, e->node, e->packet);
        break;
    case CLUSTER_TICK:
        tick(c, e->node);
        break;
    case CLUSTER_PULSE:
        pulse(c, e->node, e->packet);
        break;
    case CLUSTER_BEAT:
        crowd_beat(c, e->node);
        break;
    default:
        lives_look(c);
        break;
    }
}

/* The next event, if it is due by `until`. */
static bool take(struct cluster *c, int64_t until, struct queue_event *e)
{
    if (c->taken++ % AHEAD == 0) {
        ahead_look(c);
    }
    return queue_take(&c->queue, until, e);
}

void cluster_run(struct cluster *c, int64_t until)
{
    struct queue_event e;
    while (take(c, until, &e)) {
        happen(c, &e);
    }
}

bool cluster_run_until(struct cluster *c, int64_t until, bool (*done)(const struct cluster *c))
{
    struct queue_event e;
    uint64_t events = c->events;
    if (done(c)) {
        return true;
    }
    while (take(c, until, &e)) {
        happen(c, &e);
        if (c->events != events) {
            events = c->events;
            if (done(c)) {
                return true;
            }
        }
    }
    return false;
}
