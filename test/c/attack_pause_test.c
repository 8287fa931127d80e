/* A process that was stopped, or a machine that slept, has lost time: what was fresh before it is old after.
 */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "test.h"

static bool drop_to_0(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)from;
    (void)s;
    return to == 0;
}

static void no_time(struct net *net)
{
    (void)net;
}

static void a_pause(struct net *net)
{
    net->nodes[0]->paused = true;
    net_run(net, 3600 * SECOND_US);
    net->nodes[0]->paused = false;
}

static void a_sleep(struct net *net)
{
    net_sleep(net, 3600 * SECOND_US);
}

/* X answers Z's question; nobody but the attacker hears it. X is gone by the time that Z gets it, from where
 * X was or from where the attacker is. */
static void assert_listed_only_at_once(void **state, void (*pass)(struct net *net), bool from_its_own)
{
    struct net *net = net_again(state);
    struct sent answer;
    size_t z = net_member(net, "z@host", 1);
    size_t x = net_member(net, "x@host", 1);
    struct addr from = from_its_own ? net->nodes[x]->addr : ATTACKER;
    assert_int_equal(z, 0);
    net->drop = drop_to_0;
    net_run(net, 950 * MS_US);
    assert_true(attack_record(net, x, WIRE_ACK, PATH_UNICAST, 0, &answer));
    net_kill(net, x);
    pass(net);
    attack_replay(net, z, &answer, &from); /* what waits is read before timers are looked at */
    bool listed = net_listed(net, z) > 0;
    net_run(net, 100 * MS_US);
    assert_int_equal(net_events(net, z, EVENT_UP), listed);
    assert_int_equal(listed, pass == no_time && from_its_own);
}

/* Z is stopped for an hour. */
static void an_answer_does_not_outlive_a_pause(void **state)
{
    assert_listed_only_at_once(state, a_pause, true);
    assert_listed_only_at_once(state, a_pause, false);
    assert_listed_only_at_once(state, no_time, true); /* or this would tell nothing */
}

/* All machines sleep, and their monotonic clocks with them: the same answer, as if no time had passed. */
static void an_answer_does_not_outlive_a_sleep(void **state)
{
    assert_listed_only_at_once(state, a_sleep, true);
    assert_listed_only_at_once(state, a_sleep, false);
}

/* And the living are none the worse for it. */
static void who_slept_is_not_late(void **state)
{
    struct net *net = *state;
    attack_members(net, 4);
    for (int i = 0; i < 5; i++) {
        net_sleep(net, 1000 * SECOND_US);
        net_run(net, 5 * SECOND_US);
    }
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 0);
        assert_int_equal(gossip_stats(net->nodes[i]->g).stale, 0);
    }
}

/* A VM that was paused: its clock stood still, and only its own. What it says seems late ever after, until it
 * has answered a question of this moment. */
static void who_lost_time_is_measured_anew(void **state)
{
    struct net *net = *state;
    attack_members(net, 4);
    for (size_t i = 1; i < net->count; i++) { /* the others' clocks went on */
        gossip_slept(net->nodes[i]->g, 3600 * SECOND_US);
    }
    net_run(net, 10 * SECOND_US);
    assert_true(gossip_stats(net->nodes[1]->g).stale > 0);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
    }
    uint64_t stale = gossip_stats(net->nodes[1]->g).stale;
    net_run(net, 10 * SECOND_US);
    assert_int_equal(gossip_stats(net->nodes[1]->g).stale, stale);
    assert_true(net_whole(net));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(an_answer_does_not_outlive_a_pause),
        NET_TEST(an_answer_does_not_outlive_a_sleep),
        NET_TEST(who_slept_is_not_late),
        NET_TEST(who_lost_time_is_measured_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
