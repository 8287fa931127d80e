/* What a member says of its host, in HOST: taken over by who hears it, told to the owner, and passed on. */
#include <string.h>

#include "attack.h"
#include "build.h"
#include "net.h"
#include "test.h"

/* It listens on the first alone: 127.0.0.1, then 10.0.0.1; or on all of 10.0.0.1 and ::9. */
static const uint8_t LOOPBACK[] = {1, 4, 127, 0, 0, 1, 4, 10, 0, 0, 1};
static const uint8_t EVERYWHERE[] = {0, 4, 10, 0, 0, 1, 6, [22] = 9};

static void says(struct net *net, size_t i, const uint8_t *bytes, size_t len)
{
    assert_int_equal(host_set(&net->nodes[i]->host, bytes, len), 0);
    net_alive(net, i);
}

static void assert_host(const struct host *host, const uint8_t *bytes, size_t len)
{
    assert_int_equal(host->len, len);
    assert_memory_equal(host->bytes, bytes, len);
}

static void is_taken_over_with_the_first_word(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    size_t a = net_add(net, "a@h1", 1, &options);
    size_t b = net_member(net, "b@h2", 1);
    says(net, a, LOOPBACK, sizeof LOOPBACK);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    assert_host(&net_event(net, b, EVENT_UP)->peer.host, LOOPBACK, sizeof LOOPBACK);
    assert_int_equal(net_event(net, a, EVENT_UP)->peer.host.len, 0); /* who says nothing */
}

static int keep_host(void *context, const struct peer_view *peer)
{
    *(struct host *)context = peer->host;
    return 0;
}

/* Another is told once; the same again is no news, nor is a datagram that leaves it out. */
static void is_an_update_when_it_changes(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    net_forget_events(net);
    says(net, a, LOOPBACK, sizeof LOOPBACK);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(net_events(net, b, EVENT_UPDATE), 1);
    assert_host(&net_event(net, b, EVENT_UPDATE)->peer.host, LOOPBACK, sizeof LOOPBACK);
    says(net, a, EVERYWHERE, sizeof EVERYWHERE);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(net_events(net, b, EVENT_UPDATE), 2);
    assert_host(&net_event(net, b, EVENT_UPDATE)->peer.host, EVERYWHERE, sizeof EVERYWHERE);

    says(net, a, EVERYWHERE, sizeof EVERYWHERE);
    net_run(net, 3 * SECOND_US);
    net->nodes[a]->host.len = 0; /* it tells nothing any more, which is not: nothing is so */
    net_alive(net, a);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(net->nodes[b]->event_count, 2);
    struct host last = {0};
    (void)gossip_peers(net->nodes[b]->g, keep_host, &last);
    assert_host(&last, EVERYWHERE, sizeof EVERYWHERE);
}

static bool apart(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)s;
    return (from == 0 && to == 2) || (from == 2 && to == 0);
}

/* Who never hears a member knows from the voucher where it may be connected to. */
static void is_vouched(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    net->drop = apart;
    size_t a = net_add(net, "a@h1", 1, &options);
    says(net, a, LOOPBACK, sizeof LOOPBACK);
    (void)net_member(net, "b@h2", 1);
    size_t c = net_member(net, "c@h3", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    uint64_t boot = gossip_boot(net->nodes[a]->g);
    const struct event *up = NULL;
    for (size_t i = 0; i < net->nodes[c]->event_count; i++) {
        const struct event *e = &net->nodes[c]->events[i];
        up = e->type == EVENT_UP && e->peer.id.boot == boot ? e : up;
    }
    assert_non_null(up);
    assert_host(&up->peer.host, LOOPBACK, sizeof LOOPBACK);
}

/* Another has told of it, of its host and of where it is; it says nothing of either itself, in the first beat
 * that is heard of it: then nothing is known, but where it was heard. What is short tells nothing. */
static void yields_to_its_own_word_when_that_says_nothing(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "f@h3", 1, 50), other = forge(101, "o@h4", 1, 51);
    struct addr lie = build_addr(77, 7777);
    struct wire_message m;
    struct peer_view v;
    (void)net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    net_prove(net, 0, &f);
    forge_start(&f, &m, WIRE_NEWS);
    forge_entry(&m, &other);
    m.entries[0].addrs[m.entries[0].addr_count++] = lie;
    assert_int_equal(host_set(&m.entries[0].host, LOOPBACK, sizeof LOOPBACK), 0);
    net_say(net, 0, &f, PATH_GROUP, &m);
    assert_true(attack_lists(net, 0, 101, &v));
    assert_host(&v.host, LOOPBACK, sizeof LOOPBACK);
    net_forget_events(net);

    forge_start(&other, &m, WIRE_ACK);
    m.own_count = 0;
    net_say(net, 0, &other, PATH_UNICAST, &m);
    assert_true(attack_lists(net, 0, 101, &v));
    assert_host(&v.host, LOOPBACK, sizeof LOOPBACK);
    assert_true(attack_believes(net, 0, 101, &lie));
    forge_start(&other, &m, WIRE_HELLO);
    m.own_count = 0;
    net_say(net, 0, &other, PATH_GROUP, &m);
    assert_true(attack_lists(net, 0, 101, &v));
    assert_int_equal(v.host.len, 0);
    assert_int_equal(v.addr_count, 1);
    assert_true(addr_same(&v.addrs[0], &other.addr));
    assert_true(net_events(net, 0, EVENT_UPDATE) > 0);
    assert_int_equal(net_event(net, 0, EVENT_UPDATE)->peer.host.len, 0);

    forge_start(&other, &m, WIRE_HELLO); /* what it has said itself stays until it says otherwise */
    assert_int_equal(host_set(&m.host, EVERYWHERE, sizeof EVERYWHERE), 0);
    net_say(net, 0, &other, PATH_GROUP, &m);
    m.host.len = 0;
    net_say(net, 0, &other, PATH_GROUP, &m);
    assert_true(attack_lists(net, 0, 101, &v));
    assert_host(&v.host, EVERYWHERE, sizeof EVERYWHERE);
    assert_int_equal(v.addr_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(is_taken_over_with_the_first_word),
        NET_TEST(is_an_update_when_it_changes),
        NET_TEST(is_vouched),
        NET_TEST(yields_to_its_own_word_when_that_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
