/* What a proven peer is believed: of its own address, of others' lives, of keys; and what not. */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "protocol/entry.h"
#include "test.h"

/* A member that knows f and g, both forged. */
struct three {
    size_t a;
    struct forged f, g;
};

static struct three begin(struct net *net)
{
    struct three t = {.f = forge(100, "f@h3", 1, 10), .g = forge(101, "g@h4", 1, 11)};
    t.a = net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    net_prove(net, t.a, &t.f);
    net_prove(net, t.a, &t.g);
    assert_int_equal(net_listed(net, t.a), 2);
    net_forget_events(net);
    return t;
}

static int remember(void *context, const struct peer_view *v)
{
    struct peer_view *out = context;
    return v->id.boot == out->id.boot ? *out = *v, 1 : 0;
}

static struct peer_view view(const struct net *net, size_t i, uint64_t boot)
{
    struct peer_view v = {.id.boot = boot};
    assert_int_equal(gossip_peers(net->nodes[i]->g, remember, &v), 1);
    return v;
}

/* Answers what node i asked it last, by unicast; from where it is now, and without a word on where it is. */
static void answer(struct net *net, size_t i, struct forged *f)
{
    struct sent asked = net->log[net->log_count - 1];
    struct wire_message m, question;
    assert_int_equal(witness_open(&net->nodes[i]->witness, asked.data, asked.len, &question), 0);
    forge_start(f, &m, WIRE_ACK);
    m.own_count = 0;
    forge_echo(&m, gossip_boot(net->nodes[i]->g), question.nonce);
    net_say(net, i, f, PATH_UNICAST, &m);
}

/* The seal does not cover the source: a new one is asked, and believed once it has answered. */
static void an_address_is_believed_after_an_echo_from_there(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct wire_message m;
    struct addr old = t.f.addr, new = build_addr(99, 4444);
    int64_t since = ++net->now;
    t.f.addr = new;
    forge_start(&t.f, &m, WIRE_HELLO);
    m.own_count = 0;
    for (int i = 0; i < 20; i++) {
        net_say(net, t.a, &t.f, PATH_GROUP, &m);
    }
    assert_int_equal(net_sent(net, t.a, since, WIRE_PROBE, NULL), 1); /* not one for each */
    assert_true(addr_same(&net->log[net->log_count - 1].path.addr, &new));
    struct peer_view v = view(net, t.a, t.f.id.boot);
    assert_true(v.addr_count == 1 && addr_same(&v.addrs[0], &old));
    assert_int_equal(net->nodes[t.a]->event_count, 0);

    answer(net, t.a, &t.f);
    v = view(net, t.a, t.f.id.boot);
    assert_true(v.addr_count == 2 && addr_same(&v.addrs[0], &new) && addr_same(&v.addrs[1], &old));
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
}

/* Unless the peer says under the seal that it is its own: then nobody need be asked. */
static void an_address_is_believed_when_it_is_claimed(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct wire_message m;
    struct addr old = t.f.addr;
    int64_t since = ++net->now;
    t.f.addr = build_addr(99, 4444);
    forge_start(&t.f, &m, WIRE_HELLO);
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    struct peer_view v = view(net, t.a, t.f.id.boot);
    assert_true(v.addr_count == 2 && addr_same(&v.addrs[0], &t.f.addr) && addr_same(&v.addrs[1], &old));
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
    assert_int_equal(net_sent(net, t.a, since, WIRE_PROBE, NULL), 0);
}

static void say_verdict(struct net *net, struct three *t, uint8_t verdict, uint64_t about,
                        uint32_t incarnation)
{
    struct wire_message m;
    forge_start(&t->f, &m, WIRE_NEWS);
    forge_verdict(&m, verdict, about, incarnation);
    net_say(net, t->a, &t->f, PATH_GROUP, &m);
}

#define SILENT (1251 * MS_US) /* longer than beats take, with T = 1 s */

/* A DEAD about one who was just heard is not believed, but looked into. */
static void a_verdict_about_the_living_is_looked_into(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    int64_t since = ++net->now;
    say_verdict(net, &t, VERDICT_DEAD, t.g.id.boot, 0);
    net_run(net, 10 * MS_US);
    assert_int_equal(net_events(net, t.a, EVENT_DOWN), 0);
    assert_int_equal(net_sent(net, t.a, since, WIRE_PROBE, NULL), 1);
    say_verdict(net, &t, VERDICT_SUSPECT, t.g.id.boot, 0);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
    net_prove(net, t.a, &t.g); /* it answers: nothing has happened */
    net_run(net, SECOND_US);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
}

/* Who could have refuted a suspicion, and has not, is believed to be dead at once; of whom none was told is
 * asked first. */
static void a_verdict_about_the_silent_is_believed(void **state)
{
    for (int suspected = 0; suspected < 2; suspected++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        net_run(net, SILENT);
        if (suspected) {
            say_verdict(net, &t, VERDICT_SUSPECT, t.g.id.boot, 0);
            assert_int_equal(net_event(net, t.a, EVENT_UPDATE)->peer.status, STATUS_SUSPECT);
            net_run(net, FAREWELL_WAIT);
        }
        say_verdict(net, &t, VERDICT_DEAD, t.g.id.boot, 0);
        assert_int_equal(net_events(net, t.a, EVENT_DOWN), suspected);
        net_run(net, suspected ? 0 : FAREWELL_WAIT - MS_US);
        assert_int_equal(net_events(net, t.a, EVENT_DOWN), suspected);
        net_run(net, MS_US);
        assert_int_equal(net_event(net, t.a, EVENT_DOWN)->reason, DOWN_SILENT);
        assert_int_equal(net_listed(net, t.a), 1);
        say_verdict(net, &t, VERDICT_DEAD, t.g.id.boot, 0); /* again, and about nobody known */
        say_verdict(net, &t, VERDICT_LEFT, 4711, 0);
        assert_int_equal(net_events(net, t.a, EVENT_DOWN), 1);
    }
}

/* That others say it has left is looked into, however long it was silent: it is asked three times. */
static void a_goodbye_by_hearsay_is_looked_into(void **state)
{
    for (int answers = 0; answers < 2; answers++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        net_run(net, 950 * MS_US);
        int64_t since = net->now;
        say_verdict(net, &t, VERDICT_LEFT, t.g.id.boot, 0);
        net_run(net, FAREWELL_WAIT - MS_US);
        assert_in_range(net_sent(net, t.a, since, WIRE_PROBE, NULL), 2, 3);
        assert_int_equal(net->nodes[t.a]->event_count, 0);
        if (answers) {
            net_prove(net, t.a, &t.g);
        }
        net_run(net, 2 * MS_US);
        assert_int_equal(net_events(net, t.a, EVENT_DOWN), !answers);
        assert_int_equal(net_listed(net, t.a), 1 + answers);
    }
}

static void an_old_verdict_is_not_believed(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    t.g.id.incarnation = 5;
    net_prove(net, t.a, &t.g);
    net_run(net, SILENT);
    say_verdict(net, &t, VERDICT_SUSPECT, t.g.id.boot, 4);
    say_verdict(net, &t, VERDICT_DEAD, t.g.id.boot, 4);
    say_verdict(net, &t, VERDICT_LEFT, t.g.id.boot, 4);
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
}

/* What is not said to all, the accused among them, cannot be refuted by it. */
static void what_is_said_behind_its_back_is_not_believed(void **state)
{
    const uint8_t verdicts[] = {VERDICT_SUSPECT, VERDICT_DEAD, VERDICT_LEFT, VERDICT_BEAM_EXIT};
    struct net *net = *state;
    struct three t = begin(net);
    net_run(net, SILENT);
    struct wire_message m;
    forge_start(&t.f, &m, WIRE_NEWS);
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        forge_verdict(&m, verdicts[i], t.g.id.boot, 0);
    }
    net_say(net, t.a, &t.f, PATH_UNICAST, &m);
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
    assert_int_equal(net_listed(net, t.a), 2);
    net_say(net, t.a, &t.f, PATH_GROUP, &m); /* which is not for want of believing it */
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
}

/* Who is back from the dead is told so by an ACK, which may go to the group: that is for the accused alone.
 */
static void what_an_ack_says_of_another_is_not_believed(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    net_run(net, SILENT);
    struct wire_message m;
    forge_start(&t.f, &m, WIRE_ACK);
    forge_echo(&m, t.g.id.boot, 4711);
    forge_verdict(&m, VERDICT_DEAD, t.g.id.boot, 0);
    uint64_t misdirected = gossip_stats(net->nodes[t.a]->g).misdirected;
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_true(gossip_stats(net->nodes[t.a]->g).misdirected == misdirected);
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
    assert_int_equal(net_listed(net, t.a), 2);
}

/* A vouch brings the dead back only with a higher incarnation, and those of whose goodbye only others told;
 * who said goodbye itself stays away under that boot id. */
static void whom_a_vouch_brings_back(void **state)
{
    const struct {
        uint8_t verdict;
        uint32_t incarnation;
        bool back;
    } rows[] = {{VERDICT_DEAD, 3, false},
                {VERDICT_DEAD, 4, true},
                {VERDICT_LEFT, 3, false},
                {VERDICT_LEFT, 4, true},
                {VERDICT_BEAM_EXIT, 3, false},
                {VERDICT_BEAM_EXIT, 4, true},
                {0, 4, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        struct wire_message m;
        t.g.id.incarnation = 3;
        net_prove(net, t.a, &t.g);
        net_run(net, SILENT);
        if (rows[i].verdict != 0) {
            say_verdict(net, &t, rows[i].verdict, t.g.id.boot, 3);
        } else {
            forge_start(&t.g, &m, WIRE_BYE);
            net_say(net, t.a, &t.g, PATH_GROUP, &m);
        }
        net_run(net, FAREWELL_WAIT);
        assert_int_equal(net_events(net, t.a, EVENT_DOWN), 1);
        t.g.id.incarnation = rows[i].incarnation;
        forge_start(&t.f, &m, WIRE_NEWS);
        forge_entry(&m, &t.g);
        net_say(net, t.a, &t.f, PATH_GROUP, &m);
        assert_int_equal(net_events(net, t.a, EVENT_UP), rows[i].back);
    }
}

/* The accused raises its incarnation above each verdict's, and beats at once; of many in a row the last is
 * refuted by a beat 50 ms after the first. And it is said again. */
static void the_accused_refutes(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct wire_message m;
    int64_t since = ++net->now;
    uint64_t boot = gossip_boot(net->nodes[t.a]->g);
    say_verdict(net, &t, VERDICT_SUSPECT, boot, 7);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, &m), 1);
    assert_int_equal(m.id.incarnation, 8);
    say_verdict(net, &t, VERDICT_SUSPECT, boot, 7); /* refuted already */
    for (uint32_t i = 8; i < 100; i++) {
        say_verdict(net, &t, VERDICT_DEAD, boot, i);
    }
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, NULL), 1);
    net_run(net, REFUTE_GAP - MS_US);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, NULL), 1);
    net_run(net, MS_US);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, &m), 2);
    assert_int_equal(m.id.incarnation, 100);
    net_run(net, 100 * MS_US);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, NULL), 2);
    say_verdict(net, &t, VERDICT_DEAD, boot, 100);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, &m), 3);
    assert_int_equal(m.id.incarnation, 101);

    /* The accuser may just be deaf: it is said once more. */
    net_run(net, BEAT_AGAIN - MS_US);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, NULL), 3);
    net_run(net, MS_US);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, &m), 4);
    assert_int_equal(m.id.incarnation, 101);
    net_run(net, SECOND_US / 2);
    assert_int_equal(net_sent(net, t.a, since, WIRE_HELLO, NULL), 4);
}

/* Old and new ring overlap: nobody is lost in a rolling change, and each datagram is counted under its key.
 */
static void keys_rotate_without_a_flap(void **state)
{
    struct net *net = *state;
    net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    net_member(net, "c@h3", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 2 * SECOND_US);
    net_forget_events(net);
    const char *const steps[] = {"kl", "lk", "l"};
    for (size_t s = 0; s < COUNT(steps); s++) {
        for (size_t i = 0; i < net->count; i++) {
            net_keys(net, i, steps[s]);
            net_run(net, 3 * SECOND_US);
        }
    }
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 0);
        assert_int_equal(gossip_stats(net->nodes[i]->g).foreign, 0);
        assert_true(gossip_stats(net->nodes[i]->g).opened[1] > 0);
    }
    net_keys(net, 0, "x"); /* and who changes alone is alone */
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net_listed(net, 1), 1);
    assert_true(gossip_stats(net->nodes[1]->g).foreign > 0);
}

/* Who has no address cannot be asked whether it lives, and would be listed for ever. */
static void a_vouch_without_an_address_is_none(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct forged x = forge(105, "x@h9", 1, 20);
    struct wire_message m;
    forge_start(&t.f, &m, WIRE_NEWS);
    forge_entry(&m, &x);
    m.entries[0].addr_count = 0;
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
    m.entries[0].addr_count = 1;
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_int_equal(net_events(net, t.a, EVENT_UP), 1);
}

static struct addr ip(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return addr_ipv4((const uint8_t[]){a, b, c, d}, 40000, 0);
}

/* 127.0.0.1 is another machine's own, and 169.254.1.1 exists on every link. */
static void an_address_that_means_something_elsewhere_is_not_believed(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct forged x = forge(105, "x@h9", 1, 20);
    struct wire_message m;
    forge_start(&t.f, &m, WIRE_NEWS);
    forge_entry(&m, &x);
    m.entries[0].addrs[0] = ip(127, 0, 0, 1);
    m.entries[0].addrs[1] = ip(169, 254, 1, 1);
    m.entries[0].addr_count = 2;
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_int_equal(net->nodes[t.a]->event_count, 0);
    m.entries[0].addrs[2] = ip(10, 0, 0, 20);
    m.entries[0].addr_count = 3;
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    const struct peer_view *up = &net_event(net, t.a, EVENT_UP)->peer;
    assert_int_equal(up->addr_count, 1);
    assert_true(addr_same(&up->addrs[0], &m.entries[0].addrs[2]));

    /* on the link itself they are right */
    struct forged y = forge(106, "y@h9", 1, 21);
    t.f.addr = ip(169, 254, 1, 9);
    forge_start(&t.f, &m, WIRE_NEWS);
    forge_entry(&m, &y);
    m.entries[0].addrs[0] = ip(169, 254, 1, 1);
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_int_equal(view(net, t.a, 106).addr_count, 1);
}

static void an_address_that_means_nothing_elsewhere_is_not_told(void **state)
{
    (void)state;
    struct gossip *g = calloc(1, sizeof *g);
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(g);
    assert_non_null(p);
    struct wire_entry e = {0};
    p->addrs[0] = ip(169, 254, 1, 1);
    p->addrs[1] = ip(10, 0, 0, 20);
    p->addrs[2] = ip(127, 0, 0, 1);
    p->addr_count = 3;
    entry_about(g, p, &e);
    assert_int_equal(e.addr_count, 1);
    assert_true(addr_same(&e.addrs[0], &p->addrs[1]));

    p->addr_count = 1; /* nothing else: it is a network of such addresses */
    entry_about(g, p, &e);
    assert_int_equal(e.addr_count, 1);
    assert_true(addr_same(&e.addrs[0], &p->addrs[0]));
    free(p);
    free(g);
}

/* The owner is told whether it is others alone who tell of a peer, and when the peer itself is heard. */
static void it_is_told_when_a_peer_that_others_named_is_heard_in_person(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct forged x = forge(105, "x@h9", 1, 20), y = forge(106, "y@h9", 1, 21);
    struct wire_message m;
    forge_start(&t.f, &m, WIRE_NEWS);
    forge_entry(&m, &x);
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_false(net_event(net, t.a, EVENT_UP)->peer.heard);
    assert_false(view(net, t.a, 105).heard);
    for (int i = 0; i < 3; i++) {
        forge_start(&x, &m, WIRE_HELLO);
        net_say(net, t.a, &x, PATH_GROUP, &m);
    }
    assert_int_equal(net_events(net, t.a, EVENT_HEARD), 1);
    assert_true(net_event(net, t.a, EVENT_HEARD)->peer.heard);
    assert_int_equal(net_event(net, t.a, EVENT_HEARD)->peer.id.boot, 105);
    assert_true(view(net, t.a, 105).heard);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 0);
    net_forget_events(net);
    net_prove(net, t.a, &y);
    assert_true(net_event(net, t.a, EVENT_UP)->peer.heard);
    assert_int_equal(net_events(net, t.a, EVENT_HEARD), 0);
}

/* A peer that names its own successor is replaced by it while its message is still being read. With as many
 * tombstones as there may be, its record is freed at once. */
static void a_peer_vouches_for_its_own_successor(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.max_peers = 2;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, SECOND_US);
    struct wire_message m;
    for (uint64_t boot = 200; boot < 202; boot++) { /* two tombstones */
        struct forged gone = forge(boot, boot == 200 ? "x@host" : "y@host", 1, 20);
        net_prove(net, a, &gone);
        forge_start(&gone, &m, WIRE_BYE);
        net_say(net, a, &gone, PATH_GROUP, &m);
    }
    struct forged f = forge(100, "f@h3", 1, 10), successor = forge(102, "f@h3", 1, 12);
    net_run(net, SECOND_US);
    net_prove(net, a, &f);
    forge_start(&f, &m, WIRE_NEWS);
    forge_entry(&m, &successor);
    net_say(net, a, &f, PATH_GROUP, &m);
    assert_int_equal(net_events(net, a, EVENT_UPDATE), 0); /* that is hearsay, until it answers */
    net_prove(net, a, &successor);
    assert_int_equal(net_event(net, a, EVENT_UPDATE)->peer.id.boot, 102);
    assert_int_equal(net_listed(net, a), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(an_address_is_believed_after_an_echo_from_there),
        NET_TEST(an_address_is_believed_when_it_is_claimed),
        NET_TEST(a_verdict_about_the_living_is_looked_into),
        NET_TEST(a_verdict_about_the_silent_is_believed),
        NET_TEST(a_goodbye_by_hearsay_is_looked_into),
        NET_TEST(an_old_verdict_is_not_believed),
        NET_TEST(what_is_said_behind_its_back_is_not_believed),
        NET_TEST(what_an_ack_says_of_another_is_not_believed),
        NET_TEST(whom_a_vouch_brings_back),
        NET_TEST(the_accused_refutes),
        NET_TEST(keys_rotate_without_a_flap),
        NET_TEST(a_vouch_without_an_address_is_none),
        NET_TEST(an_address_that_means_something_elsewhere_is_not_believed),
        cmocka_unit_test(an_address_that_means_nothing_elsewhere_is_not_told),
        NET_TEST(it_is_told_when_a_peer_that_others_named_is_heard_in_person),
        NET_TEST(a_peer_vouches_for_its_own_successor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
