/* A machine is copied while it runs: two processes of one boot id, one name, one sequence. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "test.h"

static void a_clone_is_noticed(void **state)
{
    struct net *net = *state;
    static struct prng chance[2];
    size_t z = net_member(net, "z@host", 1);
    net_run(net, 3 * SECOND_US);
    size_t twins[2];
    for (int i = 0; i < 2; i++) { /* the same until now; from now on they live apart */
        struct gossip_options options = net_options(net);
        chance[i] = prng_from(4711);
        options.random_context = &chance[i];
        twins[i] = net_add(net, "x@host", 1, &options);
    }
    assert_true(gossip_boot(net->nodes[twins[0]]->g) == gossip_boot(net->nodes[twins[1]]->g));
    chance[1] = prng_from(1234);
    net_alive(net, twins[0]);
    net_alive(net, twins[1]);
    net_run(net, 10 * SECOND_US);
    assert_true(gossip_boot(net->nodes[twins[0]]->g) != gossip_boot(net->nodes[twins[1]]->g));
    struct peer_view v; /* one is listed, the other is told of; and both are heard */
    assert_true(attack_lists_name(net, z, "x@host", &v));
    assert_int_equal(net_events(net, z, EVENT_CONFLICT), 1);
    net_forget_events(net);
    net_run(net, 20 * SECOND_US);
    assert_int_equal(net->nodes[z]->event_count, 0);
}

/* One's own words, heard again in whatever order, are no clone. */
static void an_echo_of_ones_own_words_is_no_clone(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    size_t recorded = net->log_count;
    for (int round = 0; round < 3; round++) {
        for (size_t k = 0; k < recorded; k++) {
            struct sent s = net->log[k];
            net_inject(net, 0, &s.from, s.path.kind, s.data, s.len);
        }
        net_run(net, SECOND_US);
    }
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
}

static void beat(struct net *net, size_t a, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_HELLO);
    net_say(net, a, f, PATH_GROUP, &m);
}

/* A member that is no newcomer any more, and has f for a peer. */
static struct forged known(struct net *net, size_t *a)
{
    *a = net_member(net, "a@h1", 1);
    net_run(net, 7 * SECOND_US);
    struct forged f = forge(100, "f@h2", 1, 50);
    net_prove(net, *a, &f);
    return f;
}

/* A virtual machine is set back to a snapshot: it counts from a lower number than before, by few or by many.
 * Its beats look like copies; but it answers what it is asked now, and so nobody takes it for dead. */
static void who_is_set_back_to_a_snapshot_is_heard_as_soon_as_it_answers(void **state)
{
    const uint64_t back[] = {1, 20, 126, 127, 128, 129, 300};
    for (size_t k = 0; k < COUNT(back); k++) {
        struct net *net = net_again(state);
        size_t a;
        struct forged f = known(net, &a);
        while (f.sequence < 400) {
            beat(net, a, &f);
            net_run(net, 10 * MS_US);
        }
        f.sequence -= back[k];
        f.id.incarnation = 0;
        uint64_t replayed = gossip_stats(net->nodes[a]->g).replayed;
        beat(net, a, &f);
        assert_true(gossip_stats(net->nodes[a]->g).replayed == replayed + 1);
        net_run(net, 1300 * MS_US); /* now it is asked */
        net_prove(net, a, &f);
        replayed = gossip_stats(net->nodes[a]->g).replayed;
        for (int i = 0; i < 30; i++) {
            beat(net, a, &f);
            net_run(net, 900 * MS_US);
        }
        assert_true(gossip_stats(net->nodes[a]->g).replayed == replayed);
        assert_int_equal(net_events(net, a, EVENT_UP), 1);
        assert_int_equal(net_events(net, a, EVENT_DOWN), 0);
        assert_int_equal(net_events(net, a, EVENT_UPDATE), 0);
    }
}

/* It came too late for that, and was buried: it is asked as any stranger is, and comes back. */
static void who_is_set_back_and_was_buried_is_asked_like_a_stranger(void **state)
{
    struct net *net = *state;
    size_t a;
    struct forged f = known(net, &a);
    while (f.sequence < 100) {
        beat(net, a, &f);
        net_run(net, 10 * MS_US);
    }
    net_run(net, 5 * SECOND_US);
    assert_int_equal(net_event(net, a, EVENT_DOWN)->reason, DOWN_SILENT);
    f.sequence = 30;
    int64_t since = ++net->now;
    for (int i = 0; i < 4 && net_sent(net, a, since, WIRE_ACK, NULL) == 0; i++) {
        beat(net, a, &f);
        net_run(net, 100 * MS_US);
    }
    struct wire_message m;
    assert_int_equal(net_sent(net, a, since, WIRE_ACK, &m), 1);
    assert_true((m.flags & WIRE_ASK) != 0 && m.echo_count == 1 && m.echoes[0].boot == f.id.boot);
    net_prove(net, a, &f);
    assert_int_equal(net_events(net, a, EVENT_UP), 2);
    for (int i = 0; i < 10; i++) {
        beat(net, a, &f);
        net_run(net, 900 * MS_US);
    }
    assert_int_equal(net_events(net, a, EVENT_DOWN), 1);
}

/* An answer that was counted, and comes a second time, is a copy, however fresh it is. */
static void a_copy_of_an_answer_does_not_set_its_sender_back(void **state)
{
    struct net *net = *state;
    size_t a;
    struct forged f = known(net, &a);
    beat(net, a, &f);
    net_run(net, 1300 * MS_US);
    int64_t asked = net->now;
    net_prove(net, a, &f);
    beat(net, a, &f);
    f.sequence -= 2;
    net_run(net, 600 * MS_US);
    uint64_t replayed = gossip_stats(net->nodes[a]->g).replayed;
    net_prove(net, a, &f); /* the same again: as it would be recorded */
    beat(net, a, &f);
    assert_true(gossip_stats(net->nodes[a]->g).replayed == replayed + 2);
    assert_true(net->now - asked < NONCE_LIFE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_clone_is_noticed),
        NET_TEST(an_echo_of_ones_own_words_is_no_clone),
        NET_TEST(who_is_set_back_to_a_snapshot_is_heard_as_soon_as_it_answers),
        NET_TEST(who_is_set_back_and_was_buried_is_asked_like_a_stranger),
        NET_TEST(a_copy_of_an_answer_does_not_set_its_sender_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
