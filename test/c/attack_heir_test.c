/* Whose a name is. Who holds the key names others as he likes: as a new life of one who lives, as its heir,
 * or as one that was buried. Only who answers itself takes a name over, and only who was heard inherits. */
#include "attack.h"
#include "build.h"
#include "insider.h"
#include "test.h"

/* The name is listed, as this one's. */
static bool has(const struct net *net, const struct forged *f)
{
    struct peer_view v;
    return attack_lists(net, 0, f->id.boot, &v);
}

/* Vouched for as another boot id of the same life, and heard: that is no more than its word. It is asked,
 * once a second at most, however often it is heard; and has the name once it answers. */
static void a_take_over_takes_an_answer(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 1), one = forge(101, "x@host", 1, 51),
                  other = forge(102, "x@host", 1, 52);
    net_prove(net, 0, &one);
    net_forget_events(net);
    insider_vouch(net, &f, &other);
    int64_t since = ++net->now; /* what the vouch itself causes is behind us */
    for (int i = 0; i < 300; i++) {
        insider_beat(net, &f);
        insider_beat(net, &one);
        insider_beat(net, &other);
        net_run(net, 10 * MS_US);
        assert_true(has(net, &one) && !has(net, &other));
    }
    assert_int_equal(net->nodes[0]->event_count, 0);
    struct sent probe;
    assert_in_range(attack_sent_to(net, &other.addr, since, &probe), 2, 3);
    struct wire_message m;
    assert_int_equal(witness_open(&net->nodes[0]->witness, probe.data, probe.len, &m), 0);
    assert_int_equal(m.type, WIRE_PROBE);
    uint64_t nonce = m.nonce;
    forge_start(&other, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[0]->g), nonce);
    net_say(net, 0, &other, PATH_UNICAST, &m);
    assert_true(has(net, &other) && !has(net, &one));
    assert_int_equal(net_events(net, 0, EVENT_UPDATE), 1);
    assert_int_equal(net->nodes[0]->event_count, 1);
}

/* Who was replaced may linger for a moment, as a sidecar does whose BEAM has started another. That it lives
 * is told when it does so for longer. */
static void who_was_replaced_may_linger(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 1), old = forge(101, "x@host", 1, 51),
                  successor = forge(102, "x@host", 1, 52);
    net_prove(net, 0, &old);
    net_prove(net, 0, &successor);
    assert_true(has(net, &successor));
    int64_t replaced = net->now;
    net_forget_events(net);
    while (net->now < replaced + LINGER_MOST) {
        insider_beat(net, &f);
        insider_beat(net, &old);
        insider_beat(net, &successor);
        net_run(net, 100 * MS_US);
        assert_int_equal(net->nodes[0]->event_count, 0);
    }
    insider_beat(net, &old);
    assert_int_equal(net->nodes[0]->event_count, 1);
    const struct event *e = net_event(net, 0, EVENT_CONFLICT);
    assert_true(e->peer.id.boot == old.id.boot && e->other.id.boot == successor.id.boot);
}

/* A sidecar is killed, and soon after its VM, whose new sidecar says so: that is the end. The old one is no
 * heir, but where it has been heard since it was replaced, as one of two copies of a VM is. */
static void who_was_replaced_inherits_when_it_was_heard_since(void **state)
{
    for (int heard = 0; heard < 2; heard++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 1), old = forge(101, "x@host", 1, 51),
                      successor = forge(102, "x@host", 1, 52);
        net_prove(net, 0, &old);
        net_run(net, 100 * MS_US);
        net_prove(net, 0, &successor);
        net_run(net, SECOND_US);
        if (heard) {
            insider_beat(net, &old);
        }
        insider_beat(net, &f);
        insider_beat(net, &successor);
        net_forget_events(net);
        insider_bye(net, &successor);
        assert_int_equal(net_events(net, 0, EVENT_DOWN), !heard);
        assert_int_equal(net_events(net, 0, EVENT_UPDATE), heard);
        assert_int_equal(net->nodes[0]->event_count, 1);
        assert_int_equal(has(net, &old), heard);
        assert_false(has(net, &successor));
        if (!heard) { /* and if it lives after all, it is found */
            insider_beat(net, &old);
            assert_true(has(net, &old));
            assert_int_equal(net_events(net, 0, EVENT_UP), 1);
        }
    }
}

/* One has left, as a third tells, and another of its name inherits; the member takes its leave at that time,
 * 0: never. Returns when the heir was told of, 0: it was not. */
static int64_t inherits_at(int64_t leave)
{
    struct net *net = net_from(7);
    struct forged f = insider_among(net, 1), one = forge(101, "x@host", 1, 51),
                  heir = forge(102, "x@host", 2, 52);
    net_prove(net, 0, &one);
    net_prove(net, 0, &heir);
    assert_true(has(net, &one));
    net_forget_events(net);
    insider_accuse(net, &f, VERDICT_LEFT, one.id.boot, one.id.incarnation);
    for (int ms = 0; ms < 5000 && net_events(net, 0, EVENT_UP) + net_events(net, 0, EVENT_LEFT) == 0; ms++) {
        if (ms % 100 == 0) {
            insider_beat(net, &f);
            insider_beat(net, &heir);
        }
        if (net->now == leave) {
            net_leave(net, 0, DOWN_LEFT);
        }
        net_run(net, MS_US);
    }
    int64_t at = net_events(net, 0, EVENT_UP) == 0 ? 0 : net->now;
    assert_true(at == 0 ? net_events(net, 0, EVENT_LEFT) == 1 : has(net, &heir));
    net_free(net);
    return at;
}

/* The second run is the first one until the member leaves. */
static void who_takes_its_leave_lists_no_heir(void **state)
{
    (void)state;
    int64_t at = inherits_at(0);
    assert_true(at > 0);
    for (int64_t ms = 1; ms <= 9; ms++) {
        assert_int_equal(inherits_at(at - ms * MS_US), 0);
    }
}

/* It was silent for 6 T, which nobody could tell from this member's own deafness, when it was replaced: it
 * does not come back, whatever it answers; nor if it had come back once before. */
static void who_was_replaced_while_silent_is_gone(void **state)
{
    for (int again = 0; again < 2; again++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 1), old = forge(101, "x@host", 1, 51),
                      successor = forge(102, "x@host", 1, 52);
        net_prove(net, 0, &old);
        if (again) {
            insider_accuse(net, &f, VERDICT_LEFT, old.id.boot, old.id.incarnation);
            net_run(net, FAREWELL_WAIT + FAREWELL_GAP);
            assert_false(has(net, &old));
            net_prove(net, 0, &old);
            assert_true(has(net, &old));
        }
        net_run(net, 7 * SECOND_US);
        assert_true(has(net, &old));
        net_prove(net, 0, &successor);
        assert_true(has(net, &successor));
        net_forget_events(net);
        for (int i = 0; i < 40; i++) {
            insider_beat(net, &successor);
            insider_beat(net, &old);
            net_prove(net, 0, &old);
            net_run(net, 100 * MS_US);
            assert_true(has(net, &successor) && !has(net, &old));
        }
        const struct event *down = net_event(net, 0, EVENT_DOWN); /* the insider's, who is silent */
        assert_true(down == NULL || down->peer.id.boot == f.id.boot);
        assert_int_equal(net_events(net, 0, EVENT_CONFLICT), 0);
        assert_int_equal(net_events(net, 0, EVENT_UP), 0);
    }
}

/* A boot id has one name for life: with another it is a lie, whoever is meant. */
static void the_buried_are_not_revived_under_another_name(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 1), x = forge(101, "x@host", 1, 51), named = x;
    net_prove(net, 0, &x);
    insider_accuse(net, &f, VERDICT_LEFT, x.id.boot, x.id.incarnation);
    net_run(net, FAREWELL_WAIT + FAREWELL_GAP);
    assert_false(has(net, &x));
    named.id.name = build_name("y@host");
    for (int i = 0; i < 3; i++) {
        named.id.incarnation++;
        insider_vouch(net, &f, &named);
        assert_false(has(net, &x));
    }
    x.id.incarnation = named.id.incarnation;
    insider_vouch(net, &f, &x);
    assert_true(has(net, &x));
}

/* He names one of the same name, in another life, or in the same; then the name's owner goes. Who was never
 * heard does not inherit; who is heard then has it. */
static void an_heir_was_heard(void **state)
{
    for (uint32_t creation = 1; creation <= 2; creation++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 1), x = forge(101, "x@host", 1, 51),
                      heir = forge(102, "x@host", creation, 52);
        net_prove(net, 0, &x);
        insider_vouch(net, &f, &heir);
        assert_true(has(net, &x));
        net_forget_events(net);
        insider_bye(net, &x);
        assert_int_equal(net_events(net, 0, EVENT_DOWN), 1);
        assert_int_equal(net->nodes[0]->event_count, 1);
        assert_false(has(net, &heir));
        insider_beat(net, &heir);
        assert_true(has(net, &heir));
        assert_int_equal(net_events(net, 0, EVENT_UP), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_take_over_takes_an_answer),
        NET_TEST(who_was_replaced_may_linger),
        NET_TEST(who_was_replaced_inherits_when_it_was_heard_since),
        cmocka_unit_test(who_takes_its_leave_lists_no_heir),
        NET_TEST(who_was_replaced_while_silent_is_gone),
        NET_TEST(the_buried_are_not_revived_under_another_name),
        NET_TEST(an_heir_was_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
