#include "attack.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"

void attack_members(struct net *net, size_t n)
{
    net_members(net, n);
    if (!net_wait(net, 3 * SECOND_US, net_whole)) {
        abort();
    }
    net_run(net, 7 * SECOND_US);
    net_forget_events(net);
}

bool attack_record(const struct net *net, size_t i, uint8_t type, uint8_t path_kind, int64_t since,
                   struct sent *out)
{
    static struct wire_message scratch;
    for (size_t k = net->log_count; k > 0; k--) {
        const struct sent *s = &net->log[k - 1];
        if (s->at >= since && s->path.kind == path_kind && addr_same(&s->from, &net->nodes[i]->addr) &&
            witness_open(&net->nodes[i]->witness, s->data, s->len, &scratch) == 0 &&
            (type == 0 || scratch.type == type)) {
            *out = *s;
            return true;
        }
    }
    return false;
}

void attack_replay(struct net *net, size_t i, const struct sent *s, const struct addr *from)
{
    struct sent copy = *s; /* the log grows meanwhile */
    net_inject(net, i, from, copy.path.kind, copy.data, copy.len);
}

size_t attack_sent_to(const struct net *net, const struct addr *a, int64_t since, struct sent *out)
{
    size_t n = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        if (s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, a)) {
            n++;
            if (out != NULL) {
                *out = *s;
            }
        }
    }
    return n;
}

size_t attack_bytes(const struct net *net, const struct addr *a, int64_t since)
{
    static struct wire_message m;
    size_t bytes = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        if (s->at < since || (s->path.kind == PATH_UNICAST && !addr_same(&s->path.addr, a))) {
            continue;
        }
        if (s->path.kind == PATH_GROUP && witness_open(&net->nodes[0]->witness, s->data, s->len, &m) == 0 &&
            m.type == WIRE_HELLO) {
            continue;
        }
        bytes += s->path.kind == PATH_GROUP && !s->path.once ? 2u * s->len : s->len;
    }
    return bytes;
}

static int same_boot(void *context, const struct peer_view *v)
{
    struct peer_view *wanted = context;
    return v->id.boot == wanted->id.boot ? *wanted = *v, 1 : 0;
}

static int same_name(void *context, const struct peer_view *v)
{
    struct peer_view *wanted = context;
    return name_same(&v->id.name, &wanted->id.name) ? *wanted = *v, 1 : 0;
}

bool attack_lists(const struct net *net, size_t i, uint64_t boot, struct peer_view *out)
{
    *out = (struct peer_view){.id.boot = boot};
    return gossip_peers(net->nodes[i]->g, same_boot, out) == 1;
}

bool attack_lists_name(const struct net *net, size_t i, const char *name, struct peer_view *out)
{
    *out = (struct peer_view){.id.name = build_name(name)};
    return gossip_peers(net->nodes[i]->g, same_name, out) == 1;
}

bool attack_believes(const struct net *net, size_t i, uint64_t boot, const struct addr *a)
{
    struct peer_view v;
    bool there = false;
    if (attack_lists(net, i, boot, &v)) {
        for (size_t k = 0; k < v.addr_count; k++) {
            there = there || addr_same(&v.addrs[k], a);
        }
    }
    return there;
}
