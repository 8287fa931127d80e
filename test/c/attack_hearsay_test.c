/* What others say of a member is not what it says itself: not that it was heard, nor where it is, who it is
 * and what its clock shows. */
#include <stdio.h>

#include "attack.h"
#include "build.h"
#include "insider.h"
#include "test.h"

static bool heard(const struct net *net, const struct forged *f)
{
    struct peer_view v;
    assert_true(attack_lists(net, 0, f->id.boot, &v));
    return v.heard;
}

/* Answers what it was asked last, at `at`, from there; without a word of where it is. */
static void answer_from(struct net *net, struct forged *f, const struct addr *at)
{
    struct sent probe;
    struct wire_message m;
    assert_true(attack_sent_to(net, at, 0, &probe) > 0);
    assert_int_equal(witness_open(&net->nodes[0]->witness, probe.data, probe.len, &m), 0);
    uint64_t nonce = m.nonce;
    f->addr = *at;
    forge_start(f, &m, WIRE_ACK);
    m.own_count = 0;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), nonce);
    net_say(net, 0, f, PATH_UNICAST, &m);
}

/* Says so to this member, or to all. */
static void hello(struct net *net, struct forged *f, uint8_t way, const struct addr *claims)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_HELLO);
    m.own_count = claims != NULL;
    m.own[0] = claims != NULL ? *claims : m.own[0];
    net_say(net, 0, f, way, &m);
}

/* It was never heard but after it was buried, when nothing of it counts; then another vouches for it. A
 * datagram that was overtaken by that one may have been held back, and tells nothing: it is still one of whom
 * others tell. An answer of it tells, whatever overtook that. */
static void what_was_overtaken_is_not_heard_in_person(void **state)
{
    for (int answers = 0; answers < 2; answers++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 1), x = forge(101, "x@host", 1, 51);
        struct wire_message m;
        insider_vouch(net, &f, &x);
        forge_start(&f, &m, WIRE_NEWS);
        forge_verdict(&m, VERDICT_LEFT, x.id.boot, 0);
        net_say(net, 0, &f, PATH_GROUP, &m);
        net_run(net, FAREWELL_WAIT + FAREWELL_GAP);
        assert_int_equal(net_listed(net, 0), 1);
        x.sequence = 100;
        forge_start(&x, &m, WIRE_BYE);
        m.reason = DOWN_LEFT;
        m.has |= HAS_REASON;
        net_say(net, 0, &x, PATH_GROUP, &m);
        x.id.incarnation = 1;
        insider_vouch(net, &f, &x);
        assert_false(heard(net, &x));
        uint64_t newest = x.sequence;
        x.sequence = newest - 10;
        if (answers) {
            net_prove(net, 0, &x);
        } else {
            hello(net, &x, PATH_GROUP, &x.addr);
            assert_false(heard(net, &x));
            assert_int_equal(net_events(net, 0, EVENT_HEARD), 0);
            x.sequence = newest;
            hello(net, &x, PATH_GROUP, &x.addr);
        }
        assert_true(heard(net, &x));
        assert_int_equal(net_events(net, 0, EVENT_HEARD), 1);
    }
}

/* It was heard where it does not say that it is (an address is translated on the way): what it says of its
 * own addresses ends what another said, and not what was found out. */
static void its_own_word_keeps_where_it_was_heard(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 1), x = forge(101, "x@host", 1, 77);
    struct addr lie = x.addr, outside = build_addr(52, 40000), within = build_addr(53, 40000);
    insider_vouch(net, &f, &x);
    assert_true(attack_believes(net, 0, x.id.boot, &lie));
    x.addr = outside;
    hello(net, &x, PATH_UNICAST, NULL);
    assert_false(attack_believes(net, 0, x.id.boot, &outside));
    net_run(net, SECOND_US); /* a new address is tried once a second */
    hello(net, &x, PATH_UNICAST, NULL);
    answer_from(net, &x, &outside);
    assert_true(attack_believes(net, 0, x.id.boot, &outside));
    assert_true(attack_believes(net, 0, x.id.boot, &lie));
    hello(net, &x, PATH_GROUP, &within);
    assert_true(attack_believes(net, 0, x.id.boot, &outside));
    assert_false(attack_believes(net, 0, x.id.boot, &lie));
    assert_false(attack_believes(net, 0, x.id.boot, &within)); /* nobody was reached there */
}

/* To the first so many. */
static void say_to_all(struct net *net, struct forged *f, const struct wire_message *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        net_say(net, i, f, PATH_GROUP, m);
    }
}

/* He is the first to tell of one who has yet to come: that it is where it is not, four times over, and that
 * its clock shows what it will show in an hour, so that all that it says itself seems late; or that it is
 * another life, or has another name, and that of one who lives. What it says itself does not seem to fit. It
 * is asked where it says that it is, and its answer tells. */
static void who_is_lied_of_before_it_comes_is_heard_at_once(void **state)
{
    const struct {
        const char *name;
        uint32_t creation;
        int64_t ahead, within; /* of the heir of one who lives it is asked at once whether it is, in vain */
    } rows[] = {{"x@host", 1, 3600 * SECOND_US, 100 * MS_US},
                {"x@host", 2, 0, 100 * MS_US},
                {"y@host", 1, 0, 100 * MS_US},
                {"b@host", 1, 0, 2500 * MS_US},
                {"b@host", 2, 3600 * SECOND_US, 100 * MS_US}};
    for (size_t k = 0; k < COUNT(rows); k++) {
        struct net *net = net_again(state);
        struct forged f = forge(100, "insider@h3", 1, 50);
        struct gossip_options options = net_options(net);
        struct wire_message m;
        struct peer_view v;
        attack_members(net, 5);
        for (size_t i = 0; i < net->count; i++) {
            net_prove(net, i, &f);
        }
        size_t x = net_add(net, "x@host", 1, &options);
        uint64_t boot = gossip_boot(net->nodes[x]->g);
        struct forged lie = forge(boot, rows[k].name, rows[k].creation, 77);
        lie.clock = (uint64_t)(net->now + net->slept + rows[k].ahead);
        forge_start(&f, &m, WIRE_NEWS);
        forge_entry(&m, &lie);
        for (uint8_t i = 1; i < PEER_ADDRS; i++) {
            m.entries[0].addrs[m.entries[0].addr_count++] = build_addr((uint8_t)(77 + i), 40000);
        }
        say_to_all(net, &f, &m, x);
        net_forget_events(net);
        net_alive(net, x);
        for (int64_t left = rows[k].within; left > 0; left -= 500 * MS_US) {
            forge_start(&f, &m, WIRE_HELLO);
            say_to_all(net, &f, &m, net->count);
            net_run(net, left < 500 * MS_US ? left : 500 * MS_US);
        }
        for (size_t i = 0; i < x; i++) {
            if (!attack_lists(net, i, boot, &v)) {
                fail_msg("row %zu: node %zu does not list it", k, i);
            }
            assert_true(name_same(&v.id.name, &net->nodes[x]->self.name));
            assert_int_equal(v.id.creation, 1);
            assert_true(attack_believes(net, i, boot, &net->nodes[x]->addr));
            assert_false(attack_believes(net, i, boot, &lie.addr));
        }
        assert_int_equal(net_listed(net, x), 6);
        net_forget_events(net);
        for (int second = 0; second < 5; second++) {
            forge_start(&f, &m, WIRE_HELLO);
            say_to_all(net, &f, &m, net->count);
            net_run(net, SECOND_US);
        }
        for (size_t i = 0; i < net->count; i++) {
            assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
            assert_int_equal(net_events(net, i, EVENT_CONFLICT), 0);
            assert_int_equal(net_listed(net, i), 6);
        }
    }
}

/* Who was heard where it is has the name that it had then: another, with the key, cannot change it by
 * speaking in its name to one alone, which it does not hear. */
static void who_was_heard_keeps_its_name(void **state)
{
    struct net *net = *state;
    struct wire_message m;
    struct peer_view v;
    attack_members(net, 3);
    uint64_t boot = gossip_boot(net->nodes[1]->g);
    struct forged b = forge(boot, "y@host", 2, 66);
    b.sequence = 1000;
    for (int i = 0; i < 3; i++) {
        forge_start(&b, &m, i < 2 ? WIRE_HELLO : WIRE_ACK);
        if (i > 0) {
            forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
        }
        net_say(net, 0, &b, PATH_UNICAST, &m);
        net_run(net, 100 * MS_US);
        assert_true(attack_lists(net, 0, boot, &v));
        assert_true(name_same(&v.id.name, &net->nodes[1]->self.name));
        assert_int_equal(v.id.creation, 1);
    }
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
}

/* He names many whose clocks are an hour ahead, and speaks for each of them, as if from a victim: it is asked
 * no more than a host that others name. */
static void who_is_late_is_asked_at_a_rate_where_only_it_says_to_be(void **state)
{
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct gossip_options options = net_options(net);
    options.max_peers = 4096;
    size_t a = net_add(net, "a@host", 1, &options);
    net_alive(net, a);
    net_run(net, 7 * SECOND_US);
    struct forged f = forge(100, "insider@h3", 1, 50);
    net_prove(net, a, &f);
    int64_t since = ++net->now;
    size_t said = 0;
    for (unsigned i = 0; i < 200; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "x%u@host", i);
        struct forged x = forge(1000 + i, name, 1, 51);
        struct wire_message m;
        x.clock = (uint64_t)(net->now + net->slept + 3600 * SECOND_US);
        insider_vouch(net, &f, &x);
        x.addr = victim;
        forge_start(&x, &m, WIRE_HELLO);
        net_say(net, a, &x, PATH_GROUP, &m);
        said++;
    }
    assert_int_equal(gossip_stats(net->nodes[a]->g).stale, said);
    assert_in_range(attack_sent_to(net, &victim, since, NULL), 1, NAMED_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(what_was_overtaken_is_not_heard_in_person),
        NET_TEST(its_own_word_keeps_where_it_was_heard),
        NET_TEST(who_is_lied_of_before_it_comes_is_heard_at_once),
        NET_TEST(who_was_heard_keeps_its_name),
        NET_TEST(who_is_late_is_asked_at_a_rate_where_only_it_says_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
