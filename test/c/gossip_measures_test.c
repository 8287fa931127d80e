/* Round trip and loss, as a member measures them by what travels anyway, against what the network does. */
#include "build.h"
#include "far.h"
#include "net.h"
#include "test.h"

/* What node i measures of the member of this boot id. */
static struct measure of_boot(const struct net *net, size_t i, uint64_t boot)
{
    struct measure all[NET_NODES];
    size_t count = gossip_measures(net->nodes[i]->g, net->now, 0, all, NET_NODES);
    for (size_t n = 0; n < count; n++) {
        if (all[n].boot == boot) {
            return all[n];
        }
    }
    return (struct measure){.round_trip = -2};
}

static struct measure of(const struct net *net, size_t i, size_t k)
{
    return of_boot(net, i, gossip_boot(net->nodes[k]->g));
}

static void add(struct net *net, size_t n, bool seeded)
{
    if (seeded) {
        far_add(net, n);
    } else {
        net_members(net, n);
    }
    assert_true(net_wait(net, 10 * SECOND_US, net_whole));
}

/* Both sides of a meeting have asked, and were answered: so both know the way from the first moment on. */
static void a_meeting_measures_the_way(void **state)
{
    struct net *net = *state;
    net->delay = 1700;
    add(net, 2, false);
    net_run(net, 100 * MS_US);
    for (size_t i = 0; i < 2; i++) {
        assert_in_range(of(net, i, 1 - i).round_trip, 3400, 3400 + 600); /* a page is paced by 500 us */
        assert_int_equal(of(net, i, 1 - i).loss, -1);
    }
}

static void a_beat_tells_when_it_was_heard(void **state)
{
    struct net *net = *state;
    add(net, 3, false);
    for (int i = 0; i < 20; i++) {
        net_run(net, 333 * MS_US);
        assert_in_range(of(net, 0, 1).heard, 0, 1001 * MS_US);
    }
    uint64_t boot = gossip_boot(net->nodes[1]->g);
    net_kill(net, 1);
    net_run(net, 900 * MS_US); /* it is not given up sooner than after 2 s */
    assert_in_range(of_boot(net, 0, boot).heard, 900 * MS_US, 1901 * MS_US);
}

/* Without loss it is none, whatever else its senders say to others; with some it is about that. */
static void loss_is_what_the_network_loses(void **state)
{
    struct net *net = *state;
    add(net, 6, false);
    net_run(net, 60 * SECOND_US);
    for (size_t i = 1; i < 6; i++) {
        assert_int_equal(of(net, 0, i).loss, 0);
    }
    net->drop = net_drop_some;
    net->loss = 20;
    long sum = 0, count = 0;
    for (int window = 0; window < 10; window++) {
        net_run(net, 60 * SECOND_US);
        for (size_t i = 0; i < 6; i++) {
            for (size_t k = 0; k < 6; k++) {
                struct measure m = of(net, i, k);
                sum += m.round_trip != -2 && m.loss >= 0 ? m.loss : 0;
                count += m.round_trip != -2 && m.loss >= 0;
            }
        }
    }
    /* 300 shares of 64 beats: a standard deviation of 3 thousandths */
    assert_in_range(count, 290, 300);
    assert_in_range(sum / count, 185, 215);
}

/* Who is watched by asking is measured all the time. */
static void the_far_are_measured_by_probes(void **state)
{
    struct net *net = *state;
    net->drop = net_drop_group;
    add(net, 4, true);
    net->delay = 30 * MS_US;
    net_run(net, 120 * SECOND_US);
    size_t measured = 0;
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            struct measure m = of(net, i, k);
            if (i != k) {
                assert_in_range(m.round_trip, 59 * MS_US, 61 * MS_US);
                assert_int_equal(m.loss, 0);
                measured++;
            }
        }
    }
    assert_int_equal(measured, 12);
}

static bool drop_half_of_unicast(struct net *net, size_t from, size_t to, const struct sent *s)
{
    return net_drop_group(net, from, to, s) || net_drop_some(net, from, to, s);
}

static void a_lost_probe_is_loss_and_no_round_trip(void **state)
{
    struct net *net = *state;
    net->drop = net_drop_group;
    net->delay = 5 * MS_US;
    add(net, 4, true);
    net->drop = drop_half_of_unicast;
    net->loss = 10;
    long sum = 0, count = 0;
    for (int window = 0; window < 8; window++) {
        net_run(net, 70 * SECOND_US);
        for (size_t i = 0; i < 4; i++) {
            for (size_t k = 0; k < 4; k++) {
                struct measure m = of(net, i, k);
                if (m.round_trip != -2 && m.loss >= 0) {
                    assert_in_range(m.round_trip, 9 * MS_US, 11 * MS_US);
                    sum += m.loss;
                    count++;
                }
            }
        }
    }
    assert_in_range(count, 80, 96);
    assert_in_range(sum / count, 150, 230); /* the way there, and the way back: 19 % */
}

static void they_are_told_in_parts(void **state)
{
    struct net *net = *state;
    add(net, 8, false);
    struct measure all[NET_NODES], part[3];
    assert_int_equal(gossip_measures(net->nodes[0]->g, net->now, 0, all, NET_NODES), 7);
    for (size_t from = 0; from < 9; from += 3) {
        size_t count = gossip_measures(net->nodes[0]->g, net->now, from, part, 3);
        assert_int_equal(count, from < 6 ? 3 : 1);
        for (size_t i = 0; i < count; i++) {
            assert_true(part[i].boot == all[from + i].boot);
        }
    }
    assert_int_equal(gossip_measures(net->nodes[0]->g, net->now, 9, part, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_meeting_measures_the_way),
        NET_TEST(a_beat_tells_when_it_was_heard),
        NET_TEST(loss_is_what_the_network_loses),
        NET_TEST(the_far_are_measured_by_probes),
        NET_TEST(a_lost_probe_is_loss_and_no_round_trip),
        NET_TEST(they_are_told_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
