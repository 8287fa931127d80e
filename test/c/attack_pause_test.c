/* A process that was stopped, or a machine that slept, has lost time: what was fresh before it is old after.
 */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "inside.h"
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

/* Z is stopped, runs for a moment, and is stopped again: what has waited since before both was not read in
 * that moment. In a longer one it would have been. */
static void what_waited_for_two_pauses_in_a_row_is_not_late(void **state)
{
    const int64_t moments[] = {0, STOPPED_AFTER - MS_US, STOPPED_AFTER + MS_US};
    for (size_t i = 0; i < 2 * COUNT(moments); i++) {
        bool sleeps = i % 2 != 0, in_a_row = moments[i / 2] <= STOPPED_AFTER;
        struct net *net = net_again(state);
        struct sent beat;
        attack_members(net, 2);
        net->drop = drop_to_0; /* but for what waits */
        int64_t since = ++net->now;
        while (!attack_record(net, 1, WIRE_HELLO, PATH_GROUP, since, &beat)) {
            net_run(net, MS_US);
        }
        struct node *z = net->nodes[0];
        if (sleeps) {
            net_sleep(net, 3 * SECOND_US);
        } else {
            z->paused = true;
            net_run(net, 3 * SECOND_US);
            z->paused = false;
        }
        net_command(net, 0, COMMAND_PULSE); /* it runs, */
        net_run(net, moments[i / 2]);
        net_command(net, 0, COMMAND_PULSE); /* and still does */
        z->paused = true;
        net_run(net, 1500 * MS_US);
        z->paused = false;
        uint64_t stale = gossip_stats(z->g).stale;
        attack_replay(net, 0, &beat, &beat.from);
        if (gossip_stats(z->g).stale != stale + !in_a_row) {
            fail_msg("row %zu: it is%s late", i, in_a_row ? "" : " not");
        }
        assert_int_equal(inside_heard(z->g, gossip_boot(net->nodes[1]->g)) >= since, in_a_row);
    }
}

/* Nobody had said anything for a while when all slept: the pause has ended when Z wakes, and not a while
 * before. */
static void what_waited_while_an_idle_machine_slept_is_not_late(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "f@h2", 1, 50);
    struct wire_message m;
    uint8_t waits[DATAGRAM_MAX];
    size_t z = net_member(net, "z@host", 1);
    struct gossip *g = net->nodes[z]->g;
    net_run(net, 7 * SECOND_US);
    net->nodes[z]->hung = true; /* nothing but its timers calls it */
    net_prove(net, z, &f);
    int64_t until = net->now + 20 * SECOND_US, beats = net->now;
    while (gossip_deadline(g) - net->now <
           2 * STOPPED_AFTER) { /* it beats, and lives, until there is such a gap */
        if (net->now >= beats) {
            beats += SECOND_US;
            forge_start(&f, &m, WIRE_HELLO);
            m.sent_at = (uint64_t)net->now;
            net_inject(net, z, &f.addr, PATH_GROUP, waits, forge_seal(&f, &m, waits));
        }
        net_run(net, MS_US);
        assert_int_equal(net_listed(net, z), 1);
        assert_true(net->now < until);
    }
    forge_start(&f, &m, WIRE_HELLO);
    m.sent_at = (uint64_t)net->now;
    size_t len = forge_seal(&f, &m, waits);
    net_run(net, 2 * STOPPED_AFTER - MS_US);
    net_sleep(net, 3600 * SECOND_US);
    int64_t heard = inside_heard(g, f.id.boot);
    net_inject(net, z, &f.addr, PATH_GROUP, waits, len);
    assert_int_equal(gossip_stats(g).stale, 0);
    assert_true(inside_heard(g, f.id.boot) > heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(an_answer_does_not_outlive_a_pause),
        NET_TEST(an_answer_does_not_outlive_a_sleep),
        NET_TEST(who_slept_is_not_late),
        NET_TEST(who_lost_time_is_measured_anew),
        NET_TEST(what_waited_for_two_pauses_in_a_row_is_not_late),
        NET_TEST(what_waited_while_an_idle_machine_slept_is_not_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
