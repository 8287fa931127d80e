/* What a peer said, and when: told again it is a copy; told late it is stale; and overtaken by what was said
 * after it, it renews nothing and changes nothing. For who is on the path can hold back what he likes. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "test.h"

/* A settled member that lists f, which promises beats so far apart. */
static struct forged begin(struct net *net, uint16_t interval_ms)
{
    struct forged f = forge(100, "f@host", 1, 50);
    struct wire_message m;
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    f.sequence = 10;
    forge_start(&f, &m, WIRE_HELLO);
    m.interval_ms = interval_ms;
    net_say(net, 0, &f, PATH_GROUP, &m);
    net_forget_events(net);
    return f;
}

/* Its beat, under that number, which was sent so long ago. */
static void beat(struct net *net, struct forged *f, uint64_t sequence, int64_t ago, uint16_t interval_ms)
{
    struct wire_message m;
    f->sequence = sequence - 1;
    forge_start(f, &m, WIRE_HELLO);
    m.interval_ms = interval_ms;
    m.sent_at = (uint64_t)(net->now + net->slept - ago);
    net_say(net, 0, f, PATH_GROUP, &m);
}

static uint64_t stale(const struct net *net)
{
    return gossip_stats(net->nodes[0]->g).stale;
}

/* By 2 s, or by 2 T where that is longer. */
static void what_is_later_than_it_may_be_tells_nothing(void **state)
{
    static const struct {
        uint16_t interval_ms;
        int64_t within;
    } rows[] = {{100, 2 * SECOND_US}, {1000, 2 * SECOND_US}, {1500, 3 * SECOND_US}, {2400, 4800 * MS_US}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        uint16_t t = rows[i].interval_ms;
        struct forged f = begin(net, t);
        beat(net, &f, 20, rows[i].within, t);
        assert_int_equal(stale(net), 0);
        beat(net, &f, 21, rows[i].within + MS_US, t);
        assert_int_equal(stale(net), 1);
    }
}

/* Where T is long, what is fresh may still be overtaken by too much. */
static void what_was_overtaken_by_five_seconds_tells_nothing(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 10000);
    net_run(net, 4 * SECOND_US);
    beat(net, &f, 30, 0, 10000);
    beat(net, &f, 20, WINDOW_LIFE, 10000);
    assert_int_equal(stale(net), 0);
    beat(net, &f, 21, WINDOW_LIFE + MS_US, 10000);
    assert_int_equal(stale(net), 1);
    net_run(net, 6 * SECOND_US); /* counted from the newest, not from now */
    beat(net, &f, 22, 10 * SECOND_US, 10000);
    assert_int_equal(stale(net), 1);
    assert_int_equal(gossip_stats(net->nodes[0]->g).replayed, 0);
}

/* What waited in the sockets while this process was stopped, or the machine slept, is late by no fault of its
 * sender; for a moment. */
static void ones_own_pause_is_held_against_nobody(void **state)
{
    for (int sleeps = 0; sleeps < 2; sleeps++) {
        struct net *net = net_again(state);
        struct forged f = begin(net, 1000);
        if (sleeps) {
            net_sleep(net, 10 * SECOND_US);
        } else {
            net->nodes[0]->paused = true;
            net_run(net, 10 * SECOND_US);
            net->nodes[0]->paused = false;
        }
        beat(net, &f, 20, 9 * SECOND_US, 1000);
        assert_int_equal(stale(net), 0);
        net_run(net, STOPPED_AFTER);
        beat(net, &f, 21, 9 * SECOND_US, 1000);
        assert_int_equal(stale(net), 0);
        net_run(net, MS_US);
        beat(net, &f, 22, 9 * SECOND_US, 1000);
        assert_int_equal(stale(net), 1);
        assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
    }
}

/* Its clock may have stood still, as that of a paused VM does: it is asked, but not for each datagram; what
 * was overtaken asks nothing. */
static void who_is_late_is_asked_once_a_second(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 1000);
    net_run(net, 2 * PATH_RETRY);
    net_prove(net, 0, &f);
    int64_t since = ++net->now;
    uint64_t sequence = 100;
    beat(net, &f, 20, 3 * SECOND_US, 1000);
    assert_int_equal(net_sent(net, 0, since, WIRE_PROBE, NULL), 1);
    for (int i = 0; i < 10; i++) {
        net_run(net, 90 * MS_US);
        beat(net, &f, sequence++, 3 * SECOND_US, 1000);
    }
    assert_int_equal(stale(net), 11);
    assert_int_equal(net_sent(net, 0, since, WIRE_PROBE, NULL), 1);
    net_run(net, 100 * MS_US);
    beat(net, &f, sequence++, 3 * SECOND_US, 1000);
    assert_int_equal(net_sent(net, 0, since, WIRE_PROBE, NULL), 2);
    net_prove(net, 0, &f);
    beat(net, &f, 200, 0, 1000);
    net_run(net, SECOND_US);
    since = ++net->now;
    beat(net, &f, 190, 3 * SECOND_US, 1000);
    assert_int_equal(stale(net), 13);
    assert_int_equal(net_sent(net, 0, since, WIRE_PROBE, NULL), 0);
}

/* An attacker on the path holds back every second beat, and lets it through when the member has fallen
 * silent. */
static void what_was_overtaken_is_no_sign_of_life(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 1000);
    beat(net, &f, 30, 0, 1000);
    int64_t silent = net->now;
    for (uint64_t i = 0; i < 9; i++) {
        net_run(net, 200 * MS_US);
        beat(net, &f, 20 + i, net->now - silent, 1000);
    }
    assert_int_equal(stale(net), 0);
    assert_int_equal(gossip_stats(net->nodes[0]->g).replayed, 0);
    /* 1.25 T, four probes, a suspicion and its time */
    assert_int_equal(net_events(net, 0, EVENT_UPDATE), 1);
    assert_int_equal(net_event(net, 0, EVENT_UPDATE)->peer.status, STATUS_SUSPECT);
    net_run(net, SUSPICION);
    assert_int_equal(net_event(net, 0, EVENT_DOWN)->reason, DOWN_SILENT);
}

/* Nor does it change what is known: where it is, where its node listens, what it promises. */
static void what_was_overtaken_changes_nothing(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 1000), old = f;
    struct wire_message m;
    struct peer_view v;
    beat(net, &f, 30, 0, 1000);
    int64_t heard = net->now;
    net_forget_events(net);
    old.addr = build_addr(60, 40000);
    old.id.dist_port = 4;
    old.id.incarnation = 7;
    old.sequence = 19;
    forge_start(&old, &m, WIRE_HELLO);
    m.interval_ms = UINT16_MAX;
    m.miss = UINT8_MAX;
    m.sent_at = (uint64_t)net->now;
    net_say(net, 0, &old, PATH_GROUP, &m);
    assert_int_equal(stale(net) + gossip_stats(net->nodes[0]->g).replayed, 0);
    assert_int_equal(net->nodes[0]->event_count, 0);
    assert_false(attack_believes(net, 0, f.id.boot, &old.addr));
    assert_true(attack_lists(net, 0, f.id.boot, &v));
    assert_int_equal(v.id.dist_port, f.id.dist_port);
    assert_int_equal(v.id.incarnation, f.id.incarnation);
    net_run(net, heard + 3 * SECOND_US - net->now); /* the promise was the old one */
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 1);
}

/* An answer is of this moment, whatever its number: it was asked for just now. But what else it says may be
 * over. */
static void an_answer_that_was_overtaken_is_a_sign_of_life_alone(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 1000), old;
    struct wire_message m;
    beat(net, &f, 30, 0, 1000);
    int64_t since = ++net->now;
    while (net_sent(net, 0, since, WIRE_PROBE, NULL) == 0) {
        net_run(net, 10 * MS_US);
    }
    old = f;
    old.sequence = 20;
    old.id.dist_port = 4;
    forge_start(&old, &m, WIRE_ACK);
    m.interval_ms = UINT16_MAX;
    m.miss = UINT8_MAX;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    net_say(net, 0, &old, PATH_UNICAST, &m);
    net_run(net, SECOND_US);
    assert_int_equal(net->nodes[0]->event_count, 0);
    net_run(net, 2 * SECOND_US); /* the promise was the old one */
    assert_int_equal(net_event(net, 0, EVENT_DOWN)->peer.id.dist_port, f.id.dist_port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(what_is_later_than_it_may_be_tells_nothing),
        NET_TEST(what_was_overtaken_by_five_seconds_tells_nothing),
        NET_TEST(ones_own_pause_is_held_against_nobody),
        NET_TEST(who_is_late_is_asked_once_a_second),
        NET_TEST(what_was_overtaken_is_no_sign_of_life),
        NET_TEST(what_was_overtaken_changes_nothing),
        NET_TEST(an_answer_that_was_overtaken_is_a_sign_of_life_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
