/* The end of all incarnations: who holds the key says numbers that nobody could raise. They count for
 * nothing, and who is driven up to them begins anew. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "insider.h"
#include "test.h"

#define SILENT (1251 * MS_US) /* longer than beats take, with T = 1 s */

static const uint32_t TOO_HIGH[] = {INCARNATION_END, INCARNATION_END + 1, UINT32_MAX - 1, UINT32_MAX};
static const uint8_t VERDICTS[] = {VERDICT_SUSPECT, VERDICT_DEAD, VERDICT_LEFT, VERDICT_BEAM_EXIT};

static void say_entry(struct net *net, struct forged *f, struct forged about, uint32_t incarnation)
{
    struct wire_message m;
    about.id.incarnation = incarnation;
    forge_start(f, &m, WIRE_NEWS);
    forge_entry(&m, &about);
    net_say(net, 0, f, PATH_GROUP, &m);
}

/* As node 0 lists it. */
static uint32_t incarnation_of(const struct net *net, uint64_t boot)
{
    struct peer_view v;
    assert_true(attack_lists(net, 0, boot, &v));
    return v.id.incarnation;
}

/* As node 0 says itself, in its next beat. */
static uint32_t own_incarnation(struct net *net)
{
    struct wire_message m;
    int64_t since = ++net->now;
    while (net_sent(net, 0, since, WIRE_HELLO, &m) == 0) {
        net_run(net, 10 * MS_US);
    }
    return m.id.incarnation;
}

static void a_verdict_that_nobody_could_refute_is_none(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    net_run(net, SILENT); /* of whom anything is believed now */
    size_t sent = net_sent(net, 0, 0, WIRE_HELLO, NULL);
    for (size_t i = 0; i < COUNT(TOO_HIGH); i++) {
        for (size_t k = 0; k < COUNT(VERDICTS); k++) {
            insider_accuse(net, &t.f, VERDICTS[k], t.g.id.boot, TOO_HIGH[i]);
            insider_accuse(net, &t.f, VERDICTS[k], boot, TOO_HIGH[i]);
        }
    }
    assert_int_equal(net_sent(net, 0, 0, WIRE_HELLO, NULL), sent); /* there is nothing to refute */
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net->nodes[0]->event_count, 0);
    assert_int_equal(net_listed(net, 0), 2);
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
    assert_int_equal(own_incarnation(net), 0);
    insider_accuse(net, &t.f, VERDICT_SUSPECT, t.g.id.boot,
                   INCARNATION_END - 1); /* the highest that is one */
    assert_int_equal(net_event(net, 0, EVENT_UPDATE)->peer.status, STATUS_SUSPECT);
}

/* It answers the highest but one; the highest it could only answer with what counts for nothing. */
static void who_would_have_to_go_beyond_the_end_begins_anew(void **state)
{
    for (size_t k = 0; k < COUNT(VERDICTS); k++) {
        struct net *net = net_again(state);
        struct insider_two t = insider_two(net);
        uint64_t boot = gossip_boot(net->nodes[0]->g);
        insider_accuse(net, &t.f, VERDICTS[k], boot, INCARNATION_END - 2);
        assert_true(gossip_boot(net->nodes[0]->g) == boot);
        assert_int_equal(own_incarnation(net), INCARNATION_END - 1);
        insider_accuse(net, &t.f, VERDICTS[k], boot, INCARNATION_END - 1);
        uint64_t next = gossip_boot(net->nodes[0]->g);
        assert_true(next != boot);
        assert_int_equal(own_incarnation(net), 0); /* the first, and so all of them are to come */
        insider_accuse(net, &t.f, VERDICTS[k], next, 0);
        assert_int_equal(own_incarnation(net), 1);
        assert_true(gossip_boot(net->nodes[0]->g) == next);
    }
}

static void an_entry_that_nobody_could_refute_is_none(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    struct forged x = forge(105, "x@h9", 1, 20);
    struct forged self = forge(gossip_boot(net->nodes[0]->g), "a@h1", 1, 1);
    struct peer_view v;
    for (size_t i = 0; i < COUNT(TOO_HIGH); i++) {
        say_entry(net, &t.f, t.g, TOO_HIGH[i]);
        say_entry(net, &t.f, x, TOO_HIGH[i]);
        say_entry(net, &t.f, self, TOO_HIGH[i]);
    }
    assert_int_equal(incarnation_of(net, t.g.id.boot), 0);
    assert_false(attack_lists(net, 0, x.id.boot, &v));
    assert_int_equal(own_incarnation(net), 0);
    say_entry(net, &t.f, t.g, INCARNATION_END - 1); /* which is not for want of believing it */
    say_entry(net, &t.f, x, INCARNATION_END - 1);
    say_entry(net, &t.f, self, INCARNATION_END - 1);
    assert_int_equal(incarnation_of(net, t.g.id.boot), INCARNATION_END - 1);
    assert_int_equal(incarnation_of(net, x.id.boot), INCARNATION_END - 1);
    assert_int_equal(own_incarnation(net), INCARNATION_END - 1);
}

/* Nor of who is buried. */
static void an_entry_that_nobody_could_refute_brings_nobody_back(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    struct peer_view v;
    insider_accuse(net, &t.f, VERDICT_LEFT, t.g.id.boot, 0);
    net_run(net, FAREWELL_WAIT);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 1);
    for (size_t i = 0; i < COUNT(TOO_HIGH); i++) {
        say_entry(net, &t.f, t.g, TOO_HIGH[i]);
        assert_false(attack_lists(net, 0, t.g.id.boot, &v));
    }
    say_entry(net, &t.f, t.g, 1);
    assert_true(attack_lists(net, 0, t.g.id.boot, &v));
}

/* A member says so of itself: then no verdict of others could ever be about it. */
static void nobody_has_an_incarnation_beyond_the_end(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    struct wire_message m;
    struct peer_view v;
    struct forged x = forge(105, "x@h9", 1, 20), y = forge(106, "y@h9", 1, 21);
    for (size_t i = 0; i < COUNT(TOO_HIGH); i++) {
        t.g.id.incarnation = x.id.incarnation = TOO_HIGH[i];
        forge_start(&t.g, &m, WIRE_HELLO);
        net_say(net, 0, &t.g, PATH_GROUP, &m);
        assert_int_equal(incarnation_of(net, t.g.id.boot), 0);
        uint64_t unproven = gossip_stats(net->nodes[0]->g).unproven;
        net_prove(net, 0, &x);
        assert_false(attack_lists(net, 0, x.id.boot, &v));
        assert_int_equal(gossip_stats(net->nodes[0]->g).unproven, unproven + 1);
    }
    t.g.id.incarnation = y.id.incarnation = INCARNATION_END - 1;
    forge_start(&t.g, &m, WIRE_HELLO);
    net_say(net, 0, &t.g, PATH_GROUP, &m);
    net_prove(net, 0, &y);
    assert_int_equal(incarnation_of(net, t.g.id.boot), INCARNATION_END - 1);
    assert_int_equal(incarnation_of(net, y.id.boot), INCARNATION_END - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_verdict_that_nobody_could_refute_is_none),
        NET_TEST(who_would_have_to_go_beyond_the_end_begins_anew),
        NET_TEST(an_entry_that_nobody_could_refute_is_none),
        NET_TEST(an_entry_that_nobody_could_refute_brings_nobody_back),
        NET_TEST(nobody_has_an_incarnation_beyond_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
