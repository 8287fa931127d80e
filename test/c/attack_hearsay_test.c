/* What others say of a member is not what it says itself: not that it was heard, nor where it is. */
#include "attack.h"
#include "build.h"
#include "test.h"

/* A member, and one who holds the key. */
static struct forged begin(struct net *net)
{
    struct forged f = forge(100, "insider@h3", 1, 50);
    attack_members(net, 1);
    net_prove(net, 0, &f);
    net_forget_events(net);
    return f;
}

static void vouch(struct net *net, struct forged *by, const struct forged *about)
{
    struct wire_message m;
    forge_start(by, &m, WIRE_NEWS);
    forge_entry(&m, about);
    net_say(net, 0, by, PATH_GROUP, &m);
}

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
        struct forged f = begin(net), x = forge(101, "x@host", 1, 51);
        struct wire_message m;
        vouch(net, &f, &x);
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
        vouch(net, &f, &x);
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
    struct forged f = begin(net), x = forge(101, "x@host", 1, 77);
    struct addr lie = x.addr, outside = build_addr(52, 40000), within = build_addr(53, 40000);
    vouch(net, &f, &x);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(what_was_overtaken_is_not_heard_in_person),
        NET_TEST(its_own_word_keeps_where_it_was_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
