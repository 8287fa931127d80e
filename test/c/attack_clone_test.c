/* A machine is copied while it runs: two processes of one boot id, one name, one sequence. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "kit/window.h"
#include "test.h"

/* Two of one boot id that have not spoken yet: the same until now, and from now on they live apart. */
static void copy_machine(struct net *net, size_t twins[static 2])
{
    static struct prng chance[2];
    for (int i = 0; i < 2; i++) {
        struct gossip_options options = net_options(net);
        chance[i] = prng_from(4711);
        options.random_context = &chance[i];
        twins[i] = net_add(net, "x@host", 1, &options);
    }
    assert_true(gossip_boot(net->nodes[twins[0]]->g) == gossip_boot(net->nodes[twins[1]]->g));
    chance[1] = prng_from(1234);
    net_alive(net, twins[0]);
    net_alive(net, twins[1]);
}

static void a_clone_is_noticed(void **state)
{
    struct net *net = *state;
    size_t twins[2], z = net_member(net, "z@host", 1);
    net_run(net, 3 * SECOND_US);
    copy_machine(net, twins);
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

/* Both are numbered alike, and under one key: with the same nonce, whoever hears both would read what they
 * differ in. */
static void a_clone_and_its_model_never_share_a_nonce(void **state)
{
    struct net *net = *state;
    size_t twins[2], numbers = 0;
    copy_machine(net, twins);
    net_run(net, 200 * MS_US);
    for (size_t k = 0; k < net->log_count; k++) {
        for (size_t l = k + 1; l < net->log_count; l++) {
            const struct sent *a = &net->log[k], *b = &net->log[l];
            numbers += !addr_same(&a->from, &b->from) && seal_sender(a->data) == seal_sender(b->data) &&
                       seal_sequence(a->data) == seal_sequence(b->data);
            assert_memory_not_equal(a->data + SEAL_PREFIX, b->data + SEAL_PREFIX, SEAL_NONCE);
        }
    }
    assert_true(numbers > 0); /* or this would tell nothing */
}

/* It was copied a while ago, and has said less since: its numbers are not new, but it is not they. */
static void a_clone_that_counts_from_a_lower_number_is_noticed(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    struct forged clone = forge(boot, "a@host", 1, 60);
    struct wire_message m;
    forge_start(&clone, &m, WIRE_HELLO);
    net_say(net, 0, &clone, PATH_GROUP, &m);
    assert_true(gossip_boot(net->nodes[0]->g) != boot);
}

/* The last ones are known by what chance has put in them; of those before, only that they were said. */
static void a_recording_of_long_ago_is_no_clone(void **state)
{
    struct net *net = *state;
    struct sent last;
    attack_members(net, 2);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    net_run(net, (SAID_KEPT + 50) * SECOND_US);
    assert_true(attack_record(net, 0, 0, PATH_GROUP, 0, &last));
    assert_true(seal_sequence(last.data) > SAID_KEPT + 50);
    size_t own = 0;
    uint64_t before = gossip_stats(net->nodes[0]->g).own;
    for (size_t k = 0, recorded = net->log_count; k < recorded; k++) {
        struct sent s = net->log[k];
        own += seal_sender(s.data) == boot;
        net_inject(net, 0, &s.from, s.path.kind, s.data, s.len);
    }
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
    assert_int_equal(gossip_stats(net->nodes[0]->g).own, before + own);
}

/* Nobody without the key can say that there is a clone: a boot id and the next numbers stand in the clear. */
static void a_forgery_under_ones_own_boot_id_changes_nothing(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    struct sent recorded, forged;
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    assert_true(attack_record(net, 0, 0, PATH_GROUP, 0, &recorded));
    size_t sent = net->log_count;
    for (uint8_t ahead = 0; ahead < 40; ahead++) {
        for (uint8_t path_kind = PATH_GROUP; path_kind <= PATH_UNICAST; path_kind++) {
            forged = recorded;
            forged.path.kind = path_kind;
            forged.data[SEAL_HEADER - 2] = ahead; /* ahead == 0: the last number, with another chance */
            forged.data[SEAL_PREFIX + 8] ^= 1;
            struct addr attacker = ATTACKER;
            uint64_t refused = gossip_stats(net->nodes[0]->g).forged;
            attack_replay(net, 0, &forged, &attacker);
            assert_int_equal(gossip_stats(net->nodes[0]->g).forged, refused + 1);
            assert_true(gossip_boot(net->nodes[0]->g) == boot);
        }
    }
    assert_int_equal(net->log_count, sent);
    net_run(net, 3 * SECOND_US); /* nor is a new boot id owed */
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
    assert_int_equal(net->nodes[1]->event_count, 0);
}

/* Says a far higher number of node 0's boot id; whether it has taken another. */
static bool makes_it_another(struct net *net)
{
    struct wire_message m;
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    struct forged clone = forge(boot, "a@host", 1, 60);
    clone.sequence = 1000000;
    forge_start(&clone, &m, WIRE_HELLO);
    net_say(net, 0, &clone, PATH_GROUP, &m);
    return gossip_boot(net->nodes[0]->g) != boot;
}

/* Whoever holds the key can say that there is a clone, as often as it likes. */
static void new_boot_ids_are_taken_at_a_rate(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(makes_it_another(net), i < LIVES_BURST);
    }
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    net_run(net, 2 * SECOND_US); /* one is owed, and taken with the first beat for which it may */
    assert_true(gossip_boot(net->nodes[0]->g) != boot);
    boot = gossip_boot(net->nodes[0]->g);
    net_run(net, 3 * SECOND_US);
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
    int taken = 0;
    for (int64_t since = net->now; net->now - since < 20 * SECOND_US; net_run(net, 50 * MS_US)) {
        boot = gossip_boot(net->nodes[0]->g);
        taken += makes_it_another(net);
    }
    assert_in_range(taken, 20, 20 + LIVES_BURST);
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

/* Whom others have buried since it last answered is not back for a copy of that answer, however far back its
 * number is: for that counts anew of who is known alone. */
static void an_answer_from_before_its_burial_brings_nobody_back(void **state)
{
    struct net *net = *state;
    size_t a;
    struct forged f = known(net, &a), other = forge(101, "g@h3", 1, 51);
    struct wire_message m, asked;
    net_run(net, NONCE_LIFE - net->now % NONCE_LIFE);
    net_prove(net, a, &other);
    forge_start(&f, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    net_say(net, a, &f, PATH_UNICAST, &m); /* the answer to this asks, too */
    assert_true(net_sent(net, a, net->now, WIRE_ACK, &asked) == 1 && asked.to_boot == f.id.boot);
    uint64_t number = f.sequence;
    net_run(net, 10 * MS_US);
    for (int i = 0; i < 2 * WINDOW_BITS; i++) {
        beat(net, a, &f);
    }
    forge_start(&other, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_LEFT, f.id.boot, 0);
    net_say(net, a, &other, PATH_GROUP, &m);
    net_run(net, FAREWELL_WAIT);
    assert_int_equal(net_events(net, a, EVENT_DOWN), 1);
    forge_start(&f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[a]->g), asked.nonce);
    uint64_t replayed = gossip_stats(net->nodes[a]->g).replayed;
    for (int fresh = 0; fresh < 2; fresh++) {
        struct forged copy = f;
        copy.sequence = fresh ? f.sequence : number;
        net_say(net, a, &copy, PATH_UNICAST, &m);
        assert_int_equal(gossip_stats(net->nodes[a]->g).replayed, replayed + 1);
        assert_int_equal(net_events(net, a, EVENT_UP), fresh ? 3 : 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_clone_is_noticed),
        NET_TEST(a_clone_and_its_model_never_share_a_nonce),
        NET_TEST(a_clone_that_counts_from_a_lower_number_is_noticed),
        NET_TEST(an_echo_of_ones_own_words_is_no_clone),
        NET_TEST(a_recording_of_long_ago_is_no_clone),
        NET_TEST(a_forgery_under_ones_own_boot_id_changes_nothing),
        NET_TEST(new_boot_ids_are_taken_at_a_rate),
        NET_TEST(who_is_set_back_to_a_snapshot_is_heard_as_soon_as_it_answers),
        NET_TEST(who_is_set_back_and_was_buried_is_asked_like_a_stranger),
        NET_TEST(a_copy_of_an_answer_does_not_set_its_sender_back),
        NET_TEST(an_answer_from_before_its_burial_brings_nobody_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
