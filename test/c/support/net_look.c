/* What a test asks of the network: filters, and what has happened. */
#include <stdlib.h>

#include "net.h"

int net_setup(void **state)
{
    *state = net_new("network");
    return 0;
}

struct net *net_again(void **state)
{
    struct net *net = *state;
    uint64_t again = net->again;
    net_free(net);
    net = net_next("network", again);
    net->again = again + 1;
    *state = net;
    return net;
}

int net_teardown(void **state)
{
    net_free(*state);
    return 0;
}

bool net_drop_some(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)from;
    (void)to;
    (void)s;
    return prng_chance(&net->prng, net->loss);
}

bool net_drop_dark(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)s;
    return from == net->dark || to == net->dark;
}

bool net_drop_group(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)from;
    (void)to;
    return s->path.kind == PATH_GROUP;
}

bool net_drop_unicast(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)from;
    (void)to;
    return s->path.kind == PATH_UNICAST;
}

size_t net_listed(const struct net *net, size_t i)
{
    return gossip_stats(net->nodes[i]->g).listed;
}

bool net_whole(struct net *net)
{
    size_t alive = 0;
    for (size_t i = 0; i < net->count; i++) {
        alive += net->nodes[i]->g != NULL;
    }
    for (size_t i = 0; i < net->count; i++) {
        if (net->nodes[i]->g != NULL && net_listed(net, i) != alive - 1) {
            return false;
        }
    }
    return true;
}

size_t net_events(const struct net *net, size_t i, uint8_t type)
{
    size_t n = 0;
    for (size_t k = 0; k < net->nodes[i]->event_count; k++) {
        n += net->nodes[i]->events[k].type == type;
    }
    return n;
}

const struct event *net_event(const struct net *net, size_t i, uint8_t type)
{
    const struct event *found = NULL;
    for (size_t k = 0; k < net->nodes[i]->event_count; k++) {
        const struct event *e = &net->nodes[i]->events[k];
        found = e->type == type ? e : found;
    }
    return found;
}

void net_forget_events(struct net *net)
{
    for (size_t i = 0; i < net->count; i++) {
        net->nodes[i]->event_count = net->nodes[i]->heartbeats = 0;
    }
}

size_t net_sent(const struct net *net, size_t i, int64_t since, uint8_t type, struct wire_message *m)
{
    static struct wire_message scratch;
    size_t n = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        if (s->at < since || !addr_same(&s->from, &net->nodes[i]->addr) ||
            witness_open(&net->nodes[i]->witness, s->data, s->len, &scratch) != 0 ||
            (type != 0 && scratch.type != type)) {
            continue;
        }
        n++;
        if (m != NULL) {
            *m = scratch;
        }
    }
    return n;
}

void net_prove(struct net *net, size_t i, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[i]->g), witness_nonce(&net->nodes[i]->witness));
    net_say(net, i, f, PATH_UNICAST, &m);
}

uint64_t net_challenge(struct net *net, size_t i, struct forged *f)
{
    static struct wire_message m;
    size_t before = net->log_count;
    forge_start(f, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    m.own_count = 0;
    net_say(net, i, f, PATH_UNICAST, &m);
    const struct sent *s = &net->log[before];
    if (net->log_count != before + 1 || !addr_same(&s->path.addr, &f->addr) ||
        witness_open(&net->nodes[i]->witness, s->data, s->len, &m) != 0 || (m.flags & WIRE_ASK) == 0) {
        abort();
    }
    return m.nonce;
}
