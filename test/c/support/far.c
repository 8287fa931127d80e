#include "far.h"

#include "attack.h"
#include "build.h"
#include "kit/intervals.h"
#include "kit/rank.h"
#include "test.h"

void far_add(struct net *net, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = net->count;
        net_members(net, 1);
        if (at > 0) {
            net_seed(net, at, 0, 40000, 1);
        }
    }
}

void far_part(struct net *net, size_t n)
{
    net->drop = net_drop_group;
    far_add(net, n);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 10 * SECOND_US);
    net_forget_events(net);
}

struct net *far_apart(void **state, size_t n)
{
    struct net *net = *state;
    far_part(net, n);
    return net;
}

struct forged far_insider(struct net *net, size_t i, uint8_t number)
{
    struct forged f = forge(number, "0@host", 1, 90);
    f.id.name.text[0] = (char)('0' + number);
    struct wire_message m;
    uint8_t data[DATAGRAM_MAX];
    f.clock = (uint64_t)net->now;
    forge_start(&f, &m, WIRE_HELLO);
    m.has |= HAS_QUESTION;
    m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    forge_to(&m, 0, &net->nodes[i]->addr);
    net_inject(net, i, &f.addr, PATH_UNICAST, data, forge_seal(&f, &m, data));
    net_prove(net, i, &f);
    net_run(net, 50 * MS_US);
    net_forget_events(net);
    return f;
}

size_t far_downs(struct net *net, uint8_t reason)
{
    size_t count = 0;
    for (size_t i = 0; i < net->count; i++) {
        const struct event *e = net_event(net, i, EVENT_DOWN);
        count += e != NULL && e->reason == reason;
    }
    return count;
}

bool far_watches(const struct net *net, size_t i, size_t subject)
{
    uint64_t boot = gossip_boot(net->nodes[subject]->g);
    uint64_t mine = rank_weight(gossip_boot(net->nodes[i]->g), boot);
    size_t before = 0;
    for (size_t k = 0; k < net->count; k++) {
        before += k != subject && rank_weight(gossip_boot(net->nodes[k]->g), boot) > mine;
    }
    return before < ANSWERERS;
}

bool far_drop_news(struct net *net, size_t from, size_t to, const struct sent *s)
{
    struct wire_message m;
    if (net_drop_group(net, from, to, s)) {
        return true;
    }
    return to == FAR_UNTOLD && witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 &&
           m.entry_count > 0 && m.type != WIRE_ROSTER;
}

/* Whether all the others know this of the one that has changed. */
static bool all_know(struct net *net, bool (*knows)(const struct node *n, const struct peer_view *view))
{
    bool all = true;
    for (size_t i = 0; i < net->count; i++) {
        struct peer_view view;
        all = all &&
              (i == FAR_CHANGED || (attack_lists(net, i, gossip_boot(net->nodes[FAR_CHANGED]->g), &view) &&
                                    knows(net->nodes[FAR_CHANGED], &view)));
    }
    return all;
}

static bool has_its_tags(const struct node *n, const struct peer_view *view)
{
    return tags_same(&n->tags, &view->tags);
}

static bool has_its_port(const struct node *n, const struct peer_view *view)
{
    return n->self.dist_port == view->id.dist_port && n->self.flags == view->id.flags;
}

static bool has_its_host(const struct node *n, const struct peer_view *view)
{
    return host_same(&n->host, &view->host);
}

static bool is_stalled(const struct node *n, const struct peer_view *view)
{
    return (view->status == STATUS_STALLED) == n->hung;
}

static bool tags_are_known(struct net *net)
{
    return all_know(net, has_its_tags);
}

static bool port_is_known(struct net *net)
{
    return all_know(net, has_its_port);
}

static bool host_is_known(struct net *net)
{
    return all_know(net, has_its_host);
}

static bool stall_is_known(struct net *net)
{
    return all_know(net, is_stalled);
}

void far_changes_reach_all(struct net *net, int64_t within)
{
    struct node *n = net->nodes[FAR_CHANGED];
    static const char *const values[] = {"role=web", "role=db zone=a", ""};
    static const uint8_t host[] = {1, ADDR_IPV4, 10, 1, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        n->tags = build_tags(1, values[i]);
        net_alive(net, FAR_CHANGED);
        assert_true(net_wait(net, within, tags_are_known));
    }
    n->self.dist_port = 4711;
    n->self.flags = IDENTITY_HIDDEN;
    net_alive(net, FAR_CHANGED);
    assert_true(net_wait(net, SECOND_US + within, port_is_known));
    assert_int_equal(host_set(&n->host, host, sizeof host), 0);
    net_alive(net, FAR_CHANGED);
    assert_true(net_wait(net, SECOND_US + within, host_is_known));
    for (int i = 0; i < 2; i++) {
        n->hung = !n->hung;
        net_run(net, 500 * MS_US);
        assert_true(net_wait(net, STALL_MIN + SECOND_US + within, stall_is_known));
    }
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
        assert_in_range(net_events(net, i, EVENT_UPDATE), i == FAR_CHANGED ? 0 : 6, i == FAR_CHANGED ? 0 : 7);
    }
}
