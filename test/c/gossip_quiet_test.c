/* A cluster in which nothing changes tells its owner nothing, whoever else is on the network. */
#include "build.h"
#include "net.h"
#include "plain.h"
#include "test.h"

enum { OURS = 3, STRANGERS = 5 };

static bool ours_are_whole(struct net *net)
{
    for (size_t i = 0; i < OURS; i++) {
        if (net_listed(net, i) != OURS - 1) {
            return false;
        }
    }
    return true;
}

/* What was sent is only of use while it is on its way. */
static void forget_sent(struct net *net)
{
    while (net->flight_count > 0) {
        net_run(net, MS_US);
    }
    net->log_count = 0;
}

/* Events are all that reaches the owner, and so all that it could log: without one there is no line. */
static void a_day_beside_strangers_tells_nothing(void **state)
{
    struct net *net = *state;
    /* Keys are told apart by the true tags; what they seal has tests of its own, and would be half of this
     * day. */
    struct gossip_sealing tagged = {
        .match = gossip_sealed.match, .close = plain_sealing.close, .open = plain_sealing.open};
    struct gossip_options options = net_options(net);
    options.sealing = &tagged;
    for (size_t i = 0; i < OURS + STRANGERS; i++) {
        char name[] = "a@host", key[] = "s"; /* a key of its own for each stranger */
        name[0] = (char)('a' + (int)i);
        key[0] = (char)('s' + (int)i);
        options.keys = build_ring(i < OURS ? "k" : key);
        net_alive(net, net_add(net, name, 1, &options));
    }
    assert_true(net_wait(net, 10 * SECOND_US, ours_are_whole));
    net_run(net, 3 * SECOND_US);
    net_forget_events(net);
    for (int minute = 0; minute < 24 * 60; minute++) {
        net_run(net, 60 * SECOND_US);
        forget_sent(net);
    }
    assert_true(ours_are_whole(net));
    for (size_t i = 0; i < OURS; i++) {
        assert_int_equal(net->nodes[i]->event_count, 0);
        /* and the strangers were there all the time: a beat a second each, nearly */
        assert_true(gossip_stats(net->nodes[i]->g).foreign > STRANGERS * UINT64_C(86400));
    }
}

/* Each timer is a wake-up of the processor. Of two who hear each other nobody is looked at. */
static void who_hears_its_peers_wakes_for_its_own_beats_alone(void **state)
{
    struct net *net = *state;
    for (size_t i = 0; i < 2; i++) {
        (void)net_member(net, i == 0 ? "a@host" : "b@host", 1);
    }
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net_listed(net, 0), 1);
    int64_t since = net->now;
    size_t woken = 0;
    while (net->now < since + 60 * SECOND_US) {
        woken += gossip_deadline(net->nodes[0]->g) <= net->now + MS_US;
        net_run(net, MS_US);
    }
    size_t beats = net_sent(net, 0, since, WIRE_HELLO, NULL);
    assert_in_range(beats, 50, 90);
    assert_in_range(woken, beats - 1, beats + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(who_hears_its_peers_wakes_for_its_own_beats_alone),
        NET_TEST(a_day_beside_strangers_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
