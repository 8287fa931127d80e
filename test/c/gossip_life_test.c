/* Death, goodbye, and being taken for dead: who is told, of what, and when. */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "test.h"

static void members(struct net *net, size_t n)
{
    net_members(net, n);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    assert_true(net_whole(net));
    net_forget_events(net);
}

/* Node i was told that the peer `gone` went down for `reason`, and nothing else of that sort. */
static void assert_down(struct net *net, size_t i, size_t gone, uint8_t reason)
{
    assert_int_equal(net_events(net, i, EVENT_DOWN), 1);
    const struct event *e = net_event(net, i, EVENT_DOWN);
    assert_true(name_same(&e->peer.id.name, &net->nodes[gone]->self.name));
    assert_int_equal(e->reason, reason);
    assert_int_equal(net_events(net, i, EVENT_UP), 0);
}

static void who_dies_without_a_word_is_buried(void **state)
{
    const size_t counts[] = {2, 3, 4, 8};
    for (size_t k = 0; k < COUNT(counts); k++) {
        struct net *net = net_again(state);
        members(net, counts[k]);
        net_kill(net, 0);
        int64_t killed = net->now;
        assert_true(net_wait(net, 10 * SECOND_US, net_whole));
        /* 1.25 T, three probes, a relay's answer, the suspicion: with beats just sent, at most this */
        assert_true(net->now - killed <= 1250 * MS_US + 400 * MS_US + 350 * MS_US + 250 * MS_US);
        net_run(net, 5 * SECOND_US);
        for (size_t i = 1; i < net->count; i++) {
            assert_down(net, i, 0, DOWN_SILENT);
            assert_int_equal(net_events(net, i, EVENT_HEALTH), 0);
        }
    }
}

/* Where no unicast passes, nobody can be asked but by the group: that takes patience, and then is as sure. */
static void who_dies_where_unicast_is_blocked(void **state)
{
    struct net *net = *state;
    net->drop = net_drop_unicast;
    members(net, 4);
    net_run(net, 20 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 0); /* all live, and nobody doubts it */
    }
    net_kill(net, 0);
    net_run(net, 10 * SECOND_US);
    for (size_t i = 1; i < net->count; i++) {
        assert_down(net, i, 0, DOWN_SILENT);
    }
}

static void who_is_buried_may_come_back(void **state)
{
    struct net *net = *state;
    members(net, 4);
    net->dark = 0;
    net->drop = net_drop_dark;
    net_run(net, 6 * SECOND_US);
    for (size_t i = 1; i < net->count; i++) {
        assert_down(net, i, 0, DOWN_SILENT);
    }
    /* the one in the dark cannot tell, so it says so, and buries nobody */
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
    assert_int_equal(net_events(net, 0, EVENT_HEALTH), 1);
    assert_int_equal(net_event(net, 0, EVENT_HEALTH)->health, HEALTH_ISOLATED);
    assert_int_equal(gossip_stats(net->nodes[0]->g).health, HEALTH_ISOLATED);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    net->drop = NULL;
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_HEALTH), 2);
    assert_int_equal(net_event(net, 0, EVENT_HEALTH)->health, HEALTH_OK);
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_UP), 1);
        assert_true(net_event(net, i, EVENT_UP)->peer.id.boot == boot); /* the same life */
    }
}

static void goodbyes_say_why(void **state)
{
    const uint8_t reasons[] = {DOWN_LEFT, DOWN_BEAM_EXIT};
    for (size_t k = 0; k < COUNT(reasons); k++) {
        struct net *net = net_again(state);
        members(net, 3);
        int64_t since = net->now;
        net_leave(net, 0, reasons[k]);
        net_run(net, 50 * MS_US);
        assert_int_equal(net_sent(net, 0, since, WIRE_BYE, NULL), GOODBYES);
        assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
        assert_int_equal(net_listed(net, 0), 0);
        since = net->now;
        net_run(net, 30 * SECOND_US);
        assert_int_equal(net_sent(net, 0, since, 0, NULL), 0); /* silent ever after */
        for (size_t i = 1; i < net->count; i++) {
            assert_down(net, i, 0, reasons[k]);
        }
    }
}

static void a_lost_goodbye_is_repeated_by_others(void **state)
{
    struct net *net = *state;
    members(net, 5);
    net->dark = 4; /* just one that hears nothing of it */
    net->drop = net_drop_dark;
    net_leave(net, 0, DOWN_LEFT);
    net_run(net, 50 * MS_US);
    net->drop = NULL;
    assert_int_equal(net_events(net, 4, EVENT_DOWN), 0);
    net_run(net, 2 * SECOND_US);
    for (size_t i = 1; i < net->count; i++) {
        assert_down(net, i, 0, DOWN_LEFT);
    }
}

static void who_hides_comes_back_as_another(void **state)
{
    struct net *net = *state;
    members(net, 3);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    net_command(net, 0, COMMAND_HIDE);
    net_run(net, SECOND_US);
    assert_down(net, 1, 0, DOWN_LEFT);
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
    net_alive(net, 0);
    assert_true(net_wait(net, SECOND_US, net_whole));
    assert_true(gossip_boot(net->nodes[0]->g) != boot);
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_UP), 1);
        assert_true(net_event(net, i, EVENT_UP)->peer.id.boot == gossip_boot(net->nodes[0]->g));
    }
    size_t recorded = net->log_count; /* nothing of the old life brings that back */
    net_forget_events(net);
    for (size_t k = 0; k < recorded; k++) {
        struct sent s = net->log[k];
        net_inject(net, 1, &s.from, s.path.kind, s.data, s.len);
    }
    net_run(net, SECOND_US);
    assert_int_equal(net->nodes[1]->event_count, 0);
}

/* A goodbye ends the isolation; who is not told so takes itself for cut off for ever. */
static void who_was_isolated_and_hides_is_well_again(void **state)
{
    struct net *net = *state;
    members(net, 3);
    net->dark = 0;
    net->drop = net_drop_dark;
    net_run(net, 6 * SECOND_US);
    assert_int_equal(net_event(net, 0, EVENT_HEALTH)->health, HEALTH_ISOLATED);
    net_command(net, 0, COMMAND_HIDE);
    net_run(net, SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
    assert_int_equal(net_event(net, 0, EVENT_HEALTH)->health, HEALTH_OK);
    net->drop = NULL;
    net_alive(net, 0);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    assert_int_equal(gossip_stats(net->nodes[0]->g).health, HEALTH_OK);
    assert_int_equal(net_events(net, 0, EVENT_HEALTH), 2);
}

static void who_was_isolated_and_is_renamed_is_well_again(void **state)
{
    struct net *net = *state;
    members(net, 3);
    net->dark = 0;
    net->drop = net_drop_dark;
    net_run(net, 6 * SECOND_US);
    assert_int_equal(net_event(net, 0, EVENT_HEALTH)->health, HEALTH_ISOLATED);
    net->nodes[0]->self.creation = 2;
    net_alive(net, 0);
    net_run(net, SECOND_US);
    assert_int_equal(net_event(net, 0, EVENT_HEALTH)->health, HEALTH_OK);
    net->drop = NULL;
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
}

static void alive_again_while_it_says_goodbye(void **state)
{
    struct net *net = *state;
    members(net, 3);
    int64_t since = net->now;
    net_leave(net, 0, DOWN_LEFT);
    net_alive(net, 0); /* at once: the goodbye is finished first */
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 0);
    net_run(net, 2 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
    assert_int_equal(net_sent(net, 0, since, WIRE_BYE, NULL), GOODBYES);
    assert_true(net_whole(net));
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 1);
        assert_int_equal(net_events(net, i, EVENT_UP), 1);
    }
}

static void a_new_name_is_a_new_life(void **state)
{
    struct net *net = *state;
    members(net, 3);
    net->nodes[0]->self.name = build_name("renamed@host");
    net_alive(net, 0);
    net_run(net, 2 * SECOND_US);
    assert_true(net_whole(net));
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 1);
        assert_int_equal(net_event(net, i, EVENT_DOWN)->reason, DOWN_LEFT);
        assert_true(name_same(&net_event(net, i, EVENT_UP)->peer.id.name, &net->nodes[0]->self.name));
    }
}

static size_t goodbyes_lost;

static bool drop_first_goodbyes(struct net *net, size_t from, size_t to, const struct sent *s)
{
    struct wire_message m;
    bool bye =
        from == 0 && witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_BYE;
    goodbyes_lost += bye && to == 1;
    return bye && goodbyes_lost < GOODBYES;
}

/* As often as for any other end: a lost goodbye would leave the old name to be missed, or the new one its
 * rival. */
static void a_new_name_or_creation_says_goodbye_three_times(void **state)
{
    for (int rename = 0; rename < 2; rename++) {
        struct net *net = net_again(state);
        members(net, 3);
        int64_t since = net->now;
        goodbyes_lost = 0;
        net->drop = drop_first_goodbyes;
        net->nodes[0]->self.name = rename ? build_name("renamed@host") : net->nodes[0]->self.name;
        net->nodes[0]->self.creation = 2;
        uint64_t before = gossip_boot(net->nodes[0]->g);
        net_alive(net, 0);
        net_run(net, 100 * MS_US);
        struct wire_message m;
        assert_int_equal(net_sent(net, 0, since, WIRE_BYE, &m), GOODBYES);
        assert_true(m.id.boot == before &&
                    m.id.creation == 1); /* the old life says it, and the new one lives */
        assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
        assert_true(net_whole(net));
        net_run(net, 3 * SECOND_US);
        for (size_t i = 1; i < net->count; i++) {
            assert_int_equal(net_events(net, i, EVENT_DOWN), 1);
            assert_int_equal(net_event(net, i, EVENT_DOWN)->reason, DOWN_LEFT);
            assert_int_equal(net_events(net, i, EVENT_CONFLICT), 0);
            assert_int_equal(net_event(net, i, EVENT_UP)->peer.id.creation, 2);
        }
    }
}

/* The last word counts, whatever was said while it took its leave. */
static void who_leaves_while_it_changes_its_name_is_silent(void **state)
{
    struct net *net = *state;
    members(net, 3);
    net->nodes[0]->self.creation = 2;
    net_alive(net, 0);
    net->nodes[0]->self.creation = 3;
    net_alive(net, 0);
    net_leave(net, 0, DOWN_LEFT);
    net_run(net, 50 * MS_US);
    int64_t since = net->now;
    net_run(net, 5 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
    assert_int_equal(net_sent(net, 0, since, 0, NULL), 0);
    net_alive(net, 0);
    assert_true(net_wait(net, SECOND_US, net_whole));
    assert_int_equal(net_event(net, 1, EVENT_UP)->peer.id.creation, 3);
}

static void alive_twice_is_once(void **state)
{
    struct net *net = *state;
    members(net, 2);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    net->nodes[0]->self.dist_port = 4242;
    net_alive(net, 0);
    net_run(net, 2 * SECOND_US);
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
    assert_int_equal(net->nodes[0]->event_count, 0);
    assert_int_equal(net->nodes[1]->event_count, 1); /* the port has changed, that is all */
    assert_int_equal(net_event(net, 1, EVENT_UPDATE)->peer.id.dist_port, 4242);
}

/* A process that was stopped has not lived through that time, and holds it against nobody. */
static void who_was_stopped_buries_nobody(void **state)
{
    const int64_t stops[] = {200 * MS_US, 512 * MS_US, 2 * SECOND_US, 10 * SECOND_US, 100 * SECOND_US};
    for (size_t k = 0; k < COUNT(stops); k++) {
        struct net *net = net_again(state);
        members(net, 4);
        net->nodes[0]->paused = true;
        net_run(net, stops[k]);
        net->nodes[0]->paused = false;
        net_run(net, 5 * SECOND_US);
        assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
        assert_int_equal(net_events(net, 0, EVENT_HEALTH), 0);
        assert_true(net_whole(net));
        for (size_t i = 1; i < net->count; i++) { /* who is back in time is not buried, either */
            size_t downs = net_events(net, i, EVENT_DOWN);
            assert_true(stops[k] > SECOND_US || downs == 0);
            assert_true(stops[k] < 10 * SECOND_US || downs == 1);
            assert_int_equal(net_events(net, i, EVENT_UP), downs);
        }
    }
}

/* The whole machine: all of them at once. */
static void a_suspended_machine_buries_nobody(void **state)
{
    struct net *net = *state;
    members(net, 4);
    net->now += 3600 * SECOND_US;
    net_run(net, 10 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 0);
    }
    assert_true(net_whole(net));
}

static void a_hung_beam_is_told(void **state)
{
    struct net *net = *state;
    members(net, 3);
    net->nodes[0]->hung = true;
    net_run(net, (UINT16_MAX + 2000) * MS_US); /* longer than its beats can say */
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 1); /* once, though it beats on */
        assert_int_equal(net_event(net, i, EVENT_UPDATE)->peer.status, STATUS_STALLED);
    }
    net->nodes[0]->hung = false;
    net_run(net, 3 * SECOND_US);
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 2);
        assert_int_equal(net_event(net, i, EVENT_UPDATE)->peer.status, STATUS_ALIVE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(who_dies_without_a_word_is_buried),
        NET_TEST(who_dies_where_unicast_is_blocked),
        NET_TEST(who_is_buried_may_come_back),
        NET_TEST(goodbyes_say_why),
        NET_TEST(a_lost_goodbye_is_repeated_by_others),
        NET_TEST(who_hides_comes_back_as_another),
        NET_TEST(who_was_isolated_and_hides_is_well_again),
        NET_TEST(who_was_isolated_and_is_renamed_is_well_again),
        NET_TEST(alive_again_while_it_says_goodbye),
        NET_TEST(a_new_name_is_a_new_life),
        NET_TEST(a_new_name_or_creation_says_goodbye_three_times),
        NET_TEST(who_leaves_while_it_changes_its_name_is_silent),
        NET_TEST(alive_twice_is_once),
        NET_TEST(who_was_stopped_buries_nobody),
        NET_TEST(a_suspended_machine_buries_nobody),
        NET_TEST(a_hung_beam_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
