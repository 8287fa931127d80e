#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

struct flight {
    int64_t due;
    size_t to, sent; /* node, place in the log */
};

static void *checked(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* What is large is kept for the next network: a fuzzer makes thousands a second, and the sanitizers map and
 * unmap it each time. */
static struct {
    struct node *nodes[NET_NODES];
    size_t count;
    struct effects *fx;
    struct sent *log;
    size_t log_size;
} spare;

static struct node *new_node(void)
{
    return spare.count > 0 ? spare.nodes[--spare.count] : checked(malloc(sizeof(struct node)));
}

static void keep_node(struct node *n)
{
    if (spare.count < NET_NODES) {
        spare.nodes[spare.count++] = n;
    } else {
        free(n);
    }
}

static void keep_rest(struct net *net)
{
    free(spare.fx);
    free(spare.log);
    spare.fx = net->fx;
    spare.log = net->log;
    spare.log_size = net->log_size;
}

struct net *net_from(uint64_t seed)
{
    struct net *net = checked(calloc(1, sizeof *net));
    net->fx = spare.fx != NULL ? spare.fx : checked(malloc(sizeof *net->fx));
    net->log = spare.log;
    net->log_size = spare.log != NULL ? spare.log_size : 0;
    spare.fx = NULL;
    spare.log = NULL;
    net->fx->head = net->fx->count = net->fx->refused = 0;
    net->now = SECOND_US;
    net->delay = 100;
    net->prng = prng_from(seed);
    return net;
}

struct net *net_new(const char *test)
{
    return net_next(test, 0);
}

struct net *net_next(const char *test, uint64_t further)
{
    struct net *net = net_from(0);
    net->prng = prng_printed_next(test, further);
    return net;
}

void net_free(struct net *net)
{
    for (size_t i = 0; i < net->count; i++) {
        gossip_free(net->nodes[i]->g);
        free(net->nodes[i]->events);
        keep_node(net->nodes[i]);
    }
    keep_rest(net);
    truth_free(&net->truth);
    free(net->flights);
    free(net);
}

struct gossip_options net_options(struct net *net)
{
    return (struct gossip_options){.interval_ms = 1000,
                                   .max_peers = 100,
                                   .keys = build_ring("k"),
                                   .random = prng_fill,
                                   .random_context = &net->prng,
                                   .sealing = &gossip_sealed};
}

static void inside(const struct net *net, bool begins)
{
    if (net->inside != NULL) {
        net->inside(begins);
    }
}

static void look(const struct net *net, struct node *n)
{
    witness_clock(&n->witness, net->now, net->now + net->slept);
}

static void start(struct net *net, struct node *n, const struct gossip_options *options)
{
    n->g = checked(gossip_new(options, net->now));
    gossip_addresses(n->g, &n->addr, 1);
    gossip_slept(n->g, net->slept);
    witness_start(&n->witness, n->g, options, n->self.name.text);
}

size_t net_add(struct net *net, const char *name, uint32_t creation, const struct gossip_options *options)
{
    size_t i = net->count++;
    if (i >= NET_NODES) {
        abort();
    }
    struct node *n = net->nodes[i] = new_node();
    memset(n, 0, offsetof(struct node, witness)); /* the rest is large, and the witness starts by itself */
    n->addr = build_addr((uint8_t)(1 + i), 40000);
    n->self = build_identity(0, name, creation);
    start(net, n, options);
    return i;
}

size_t net_member(struct net *net, const char *name, uint32_t creation)
{
    struct gossip_options options = net_options(net);
    size_t i = net_add(net, name, creation, &options);
    net_alive(net, i);
    return i;
}

void net_members(struct net *net, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[] = "a@host";
        name[0] = (char)('a' + net->count);
        (void)net_member(net, name, 1);
    }
}

static void record(struct net *net, const struct node *n, const struct effect *e)
{
    if (net->log_count == net->log_size) {
        net->log_size = net->log_size * 2 + 64;
        net->log = checked(realloc(net->log, net->log_size * sizeof *net->log));
    }
    struct sent *s = &net->log[net->log_count++];
    s->at = net->now;
    s->from = n->addr;
    s->path = e->as.send.path;
    s->len = e->as.send.len;
    memcpy(s->data, e->as.send.data, s->len);
    struct origin origin = {.said = net->now + net->slept, .kind = s->path.kind, .to = s->path.addr};
    (void)truth_note(&net->truth, s->data, s->len, &origin);
}

static void fly(struct net *net, size_t from)
{
    const struct sent *s = &net->log[net->log_count - 1];
    for (size_t to = 0; to < net->count; to++) {
        bool meant = s->path.kind == PATH_GROUP || addr_same(&s->path.addr, &net->nodes[to]->addr);
        if (!meant || net->nodes[to]->g == NULL ||
            (net->drop != NULL && from != to && net->drop(net, from, to, s))) {
            continue;
        }
        if (net->flight_count == net->flight_size) {
            net->flight_size = net->flight_size * 2 + 64;
            net->flights = checked(realloc(net->flights, net->flight_size * sizeof *net->flights));
        }
        net->flights[net->flight_count++] =
            (struct flight){.due = net->now + net->delay, .to = to, .sent = net->log_count - 1};
    }
}

static void drain(struct net *net, size_t i, bool ticked)
{
    struct node *n = net->nodes[i];
    bool room = net->fx->count < EFFECTS_MAX / 2;
    const struct effect *e;
    while ((e = effects_pop(net->fx)) != NULL) {
        witness_effect(&n->witness, net->now + net->slept, e);
        if (e->type == EFFECT_SEND) {
            record(net, n, e);
            fly(net, i);
        } else if (e->type == EFFECT_EVENT && e->as.event.type == EVENT_HEARTBEAT) {
            n->heartbeats++;
        } else if (e->type == EFFECT_EVENT && !net->forgetful) {
            if (n->event_count == n->event_size) {
                n->event_size = n->event_size * 2 + 16;
                n->events = checked(realloc(n->events, n->event_size * sizeof *n->events));
            }
            n->events[n->event_count++] = e->as.event;
        }
    }
    witness_after(&n->witness, net->fx, net->now, ticked && room);
}

static void command(struct net *net, size_t i, const struct command *c)
{
    struct node *n = net->nodes[i];
    look(net, n);
    witness_command(&n->witness, c);
    inside(net, true);
    gossip_command(n->g, net->fx, net->now, c);
    inside(net, false);
    drain(net, i, false);
}

void net_alive(struct net *net, size_t i)
{
    struct command c = {.type = COMMAND_ALIVE};
    c.as.alive.self = net->nodes[i]->self;
    c.as.alive.host = net->nodes[i]->host;
    c.as.alive.tags = net->nodes[i]->tags;
    c.as.alive.cookie_len = 6;
    memcpy(c.as.alive.cookie, "cookie", 6);
    command(net, i, &c);
}

void net_command(struct net *net, size_t i, uint8_t type)
{
    command(net, i, &(struct command){.type = type});
}

void net_leave(struct net *net, size_t i, uint8_t reason)
{
    command(net, i, &(struct command){.type = COMMAND_LEAVE, .as.reason = reason});
}

void net_disconnected(struct net *net, size_t i, uint64_t boot)
{
    command(net, i, &(struct command){.type = COMMAND_DISCONNECTED, .as.boot = boot});
}

void net_seed(struct net *net, size_t i, size_t at, uint16_t port, uint8_t ports)
{
    struct seed seed = {.addr = net->nodes[at]->addr, .ports = ports};
    seed.addr.port = port;
    gossip_seeds(net->nodes[i]->g, net->now, &seed, 1);
}

void net_keys(struct net *net, size_t i, const char *bytes)
{
    command(net, i, &(struct command){.type = COMMAND_KEYS, .as.keys = build_ring(bytes)});
}

void net_sleep(struct net *net, int64_t duration)
{
    net->slept += duration;
    for (size_t i = 0; i < net->count; i++) {
        if (net->nodes[i]->g != NULL) {
            gossip_slept(net->nodes[i]->g, net->slept);
        }
    }
}

void net_kill(struct net *net, size_t i)
{
    gossip_free(net->nodes[i]->g);
    net->nodes[i]->g = NULL;
}

void net_restart(struct net *net, size_t i)
{
    struct node *n = net->nodes[i];
    net_kill(net, i);
    struct gossip_options options = n->witness.options;
    start(net, n, &options);
}

void net_inject(struct net *net, size_t i, const struct addr *from, uint8_t path_kind, const uint8_t *data,
                size_t len)
{
    struct path path = {.kind = path_kind, .addr = *from, .local = net->nodes[i]->addr};
    net_inject_path(net, i, &path, data, len);
}

void net_inject_path(struct net *net, size_t i, const struct path *path, const uint8_t *data, size_t len)
{
    struct node *n = net->nodes[i];
    struct origin forged = {
        .said = net->now + net->slept, .kind = path->kind, .to = path->local, .forged = true};
    const struct origin *origin = truth_note(&net->truth, data, len, &forged);
    look(net, n);
    witness_receive(&n->witness, net->now + net->slept, path, origin, data, len);
    inside(net, true);
    gossip_receive(n->g, net->fx, net->now, path, data, len);
    inside(net, false);
    drain(net, i, false);
}

void net_say(struct net *net, size_t i, struct forged *f, uint8_t path_kind, const struct wire_message *m)
{
    static struct wire_message copy;
    uint8_t data[DATAGRAM_MAX];
    copy = *m;
    f->clock = (uint64_t)(net->now + net->slept);
    copy.sent_at = copy.sent_at == 0 ? f->clock : copy.sent_at;
    if (path_kind == PATH_UNICAST && (copy.has & HAS_TO) == 0) {
        forge_to(&copy, gossip_boot(net->nodes[i]->g), &net->nodes[i]->addr);
    }
    if ((copy.has & HAS_QUESTION) != 0 && copy.pad_to == 0) {
        copy.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    }
    size_t len = forge_seal(f, &copy, data);
    net_inject(net, i, &f->addr, path_kind, data, len);
}

static bool runs(const struct net *net, size_t i)
{
    return net->nodes[i]->g != NULL && !net->nodes[i]->paused;
}

static bool pulses(const struct net *net, size_t i)
{
    return runs(net, i) && !net->nodes[i]->hung;
}

/* Delivers the oldest datagram that is due to somebody who can take it. */
static bool deliver(struct net *net)
{
    for (size_t k = 0; k < net->flight_count; k++) {
        struct flight f = net->flights[k];
        if (f.due > net->now || net->nodes[f.to]->paused) {
            continue;
        }
        memmove(&net->flights[k], &net->flights[k + 1], (--net->flight_count - k) * sizeof f);
        if (net->nodes[f.to]->g != NULL) {
            const struct sent *s = &net->log[f.sent]; /* which moves when the log grows */
            uint8_t data[DATAGRAM_MAX];
            size_t len = s->len;
            struct addr from = s->from;
            memcpy(data, s->data, len);
            net_inject(net, f.to, &from, s->path.kind, data, len);
        }
        return true;
    }
    return false;
}

static int64_t next(const struct net *net)
{
    int64_t at = INT64_MAX;
    for (size_t i = 0; i < net->count; i++) {
        if (pulses(net, i) && net->nodes[i]->pulse_at < at) {
            at = net->nodes[i]->pulse_at;
        }
        int64_t deadline = runs(net, i) ? gossip_deadline(net->nodes[i]->g) : INT64_MAX;
        at = deadline < at ? deadline : at;
    }
    for (size_t k = 0; k < net->flight_count; k++) {
        const struct flight *f = &net->flights[k];
        at = runs(net, f->to) && f->due < at ? f->due : at;
    }
    return at;
}

/* One thing happens, no later than `until`; false when there is nothing left to happen. */
static bool step(struct net *net, int64_t until)
{
    if (deliver(net)) {
        return true;
    }
    for (size_t i = 0; i < net->count; i++) {
        if (runs(net, i) && gossip_deadline(net->nodes[i]->g) <= net->now) {
            look(net, net->nodes[i]);
            inside(net, true);
            gossip_tick(net->nodes[i]->g, net->fx, net->now);
            inside(net, false);
            drain(net, i, true);
            return true;
        }
    }
    for (size_t i = 0; i < net->count; i++) {
        if (pulses(net, i) && net->nodes[i]->pulse_at <= net->now) {
            net->nodes[i]->pulse_at = net->now + SECOND_US / 2;
            net_command(net, i, COMMAND_PULSE);
            return true;
        }
    }
    int64_t at = next(net);
    if (at > until) {
        net->now = until > net->now ? until : net->now;
        return false;
    }
    net->now = at;
    return true;
}

static bool never(struct net *net)
{
    (void)net;
    return false;
}

void net_run(struct net *net, int64_t duration)
{
    (void)net_wait(net, duration, never);
}

bool net_wait(struct net *net, int64_t duration, net_state *state)
{
    int64_t until = net->now + duration;
    bool reached = state(net);
    while (!reached && step(net, until)) {
        reached = state(net);
    }
    return reached;
}
