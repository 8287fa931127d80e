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

/* X answers Z's question; nobody but the attacker hears it. Z is stopped for an hour; X is long gone. */
static void an_answer_does_not_outlive_a_pause(void **state)
{
    struct net *net = *state;
    struct sent answer;
    struct addr attacker = ATTACKER;
    size_t z = net_member(net, "z@host", 1);
    size_t x = net_member(net, "x@host", 1);
    assert_int_equal(z, 0);
    net->drop = drop_to_0;
    net_run(net, 950 * MS_US);
    assert_true(attack_record(net, x, WIRE_ACK, PATH_UNICAST, 0, &answer));
    struct addr own = net->nodes[x]->addr;
    net_kill(net, x);
    net->nodes[z]->paused = true;
    net_run(net, 3600 * SECOND_US);
    net->nodes[z]->paused = false;
    attack_replay(net, z, &answer, &attacker); /* what waits is read before timers are looked at */
    attack_replay(net, z, &answer, &own);
    net_run(net, 100 * MS_US);
    assert_int_equal(net_events(net, z, EVENT_UP), 0);
    assert_int_equal(net_listed(net, z), 0);
}

/* All machines sleep, and their monotonic clocks with them: the same answer, as if no time had passed. */
static void an_answer_does_not_outlive_a_sleep(void **state)
{
    struct net *net = *state;
    struct sent answer;
    struct addr attacker = ATTACKER;
    size_t z = net_member(net, "z@host", 1);
    size_t x = net_member(net, "x@host", 1);
    net->drop = drop_to_0;
    net_run(net, 950 * MS_US);
    assert_true(attack_record(net, x, WIRE_ACK, PATH_UNICAST, 0, &answer));
    struct addr own = net->nodes[x]->addr;
    net_kill(net, x);
    net_sleep(net, 3600 * SECOND_US);
    attack_replay(net, z, &answer, &attacker);
    attack_replay(net, z, &answer, &own);
    net_run(net, 100 * MS_US);
    assert_int_equal(net_events(net, z, EVENT_UP), 0);
    assert_int_equal(net_listed(net, z), 0);
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
