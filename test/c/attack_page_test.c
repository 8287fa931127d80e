/* What a member says of others counts where all hear it, and on the page that was asked for: once, from whom
 * it was asked, and no other. Anything else could be a recording of what was true once. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "state/roster.h"
#include "test.h"

#define NAMED 500

/* A settled member that lists f, who names somebody else. */
static struct forged begin(struct net *net)
{
    struct forged f = forge(100, "f@host", 1, 50);
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    f.sequence = 10;
    return f;
}

static void name_another(struct wire_message *m, uint64_t boot)
{
    struct forged about = forge(boot, boot % 2 == 0 ? "x@host" : "y@host", 1, 60);
    forge_entry(m, &about);
}

static bool lists(const struct net *net, uint64_t boot)
{
    struct peer_view v;
    return attack_lists(net, 0, boot, &v);
}

static void entries_count_in_news_alone(void **state)
{
    static const struct {
        uint8_t type, path_kind;
        uint16_t has;
    } rows[] = {
        {WIRE_HELLO, PATH_GROUP, 0},
        {WIRE_HELLO, PATH_GROUP, HAS_QUESTION},
        {WIRE_HELLO, PATH_UNICAST, 0},
        {WIRE_ACK, PATH_UNICAST, 0},
        {WIRE_ACK, PATH_UNICAST, HAS_TARGET},
        {WIRE_PROBE, PATH_UNICAST, 0},
        {WIRE_PROBE, PATH_GROUP, HAS_TARGET},
        {WIRE_PROBE_FOR, PATH_UNICAST, HAS_TARGET},
        {WIRE_ROSTER, PATH_UNICAST, 0},
        {WIRE_ROSTER, PATH_UNICAST, HAS_CURSOR},
        {WIRE_ROSTER, PATH_UNICAST, HAS_CURSOR | HAS_TOTAL},
        {WIRE_DISCONNECT, PATH_UNICAST, HAS_DISCONNECT},
        {WIRE_BYE, PATH_GROUP, HAS_REASON},
        {99, PATH_UNICAST, 0},
    };
    struct net *net = *state;
    struct forged f = begin(net);
    struct wire_message m;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int echoes = 0; echoes < 2; echoes++) {
            struct forged teller = forge(200 + 2 * i + (size_t)echoes, "t0@host", 1, (uint8_t)(70 + i));
            teller.id.name.text[1] = (char)('0' + i);
            net_prove(net, 0, &teller);
            assert_true(lists(net, teller.id.boot));
            forge_start(&teller, &m, rows[i].type);
            m.has = rows[i].has;
            m.target = f.id.boot;
            m.reason = DOWN_LEFT;
            m.cursor = m.total = 1000;
            if (echoes) {
                forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
            }
            name_another(&m, NAMED);
            net_say(net, 0, &teller, rows[i].path_kind, &m);
            if (lists(net, NAMED)) {
                fail_msg("row %zu: it is believed", i);
            }
            forge_start(&teller, &m, WIRE_BYE);
            net_say(net, 0, &teller, PATH_GROUP, &m);
        }
    }
    forge_start(&f, &m, WIRE_NEWS); /* which is not for want of believing it */
    name_another(&m, NAMED);
    net_say(net, 0, &f, PATH_GROUP, &m);
    assert_true(lists(net, NAMED));
}

/* A newcomer asks f, the first to answer it, for a page; g is listed, too. */
struct pull {
    struct forged f, g;
    struct wire_message request;
};

static struct pull newcomer(struct net *net)
{
    struct pull p = {.f = forge(100, "f@host", 1, 50), .g = forge(101, "g@host", 1, 51)};
    (void)net_member(net, "a@host", 1);
    net_run(net, MS_US);
    net_prove(net, 0, &p.f);
    net_prove(net, 0, &p.g);
    assert_int_equal(net_sent(net, 0, 0, WIRE_ROSTER, &p.request), 1);
    assert_int_equal(p.request.to_boot, p.f.id.boot);
    return p;
}

static void say_page(struct net *net, struct forged *by, uint64_t echo_boot, uint64_t nonce, uint64_t cursor,
                     uint64_t named)
{
    struct wire_message m;
    forge_start(by, &m, WIRE_ROSTER);
    forge_echo(&m, echo_boot, nonce);
    m.cursor = cursor;
    m.total = 10;
    m.has |= HAS_CURSOR | HAS_TOTAL;
    name_another(&m, named);
    net_say(net, 0, by, PATH_UNICAST, &m);
}

static void a_page_answers_what_was_asked(void **state)
{
    struct net *net = *state;
    struct pull p = newcomer(net);
    uint64_t boot = gossip_boot(net->nodes[0]->g), nonce = p.request.nonce;
    say_page(net, &p.g, boot, nonce, 1000, NAMED); /* who was not asked */
    assert_false(lists(net, NAMED));
    say_page(net, &p.f, boot, nonce + 1, 1000, NAMED);
    assert_false(lists(net, NAMED));
    say_page(net, &p.f, boot, 0, 1000, NAMED);
    assert_false(lists(net, NAMED));
    say_page(net, &p.f, boot + 1, nonce, 1000, NAMED); /* what another has asked */
    assert_false(lists(net, NAMED));
    say_page(net, &p.f, boot, nonce, 0, NAMED); /* it leads nowhere */
    assert_false(lists(net, NAMED));
    say_page(net, &p.f, boot, nonce, 1000, NAMED);
    assert_true(lists(net, NAMED));
}

/* One request, one page: neither is the nonce good for the next one, nor is that of the last page 0. */
static void a_request_is_good_for_one_page(void **state)
{
    struct net *net = *state;
    struct pull p = newcomer(net);
    uint64_t boot = gossip_boot(net->nodes[0]->g), nonce = p.request.nonce;
    say_page(net, &p.f, boot, nonce, 1000, NAMED);
    say_page(net, &p.f, boot, nonce, 2000, NAMED + 1);
    assert_false(lists(net, NAMED + 1));
    say_page(net, &p.f, boot, 0, 2000, NAMED + 1);
    assert_false(lists(net, NAMED + 1));
    int64_t since = ++net->now;
    net_run(net, MS_US);
    assert_int_equal(net_sent(net, 0, since, WIRE_ROSTER, &p.request), 1);
    assert_true(p.request.nonce != nonce && p.request.cursor == 1000);
    say_page(net, &p.f, boot, nonce, 2000, NAMED + 1);
    say_page(net, &p.f, boot, p.request.nonce, 1000, NAMED + 1); /* it does not go on */
    assert_false(lists(net, NAMED + 1));
    say_page(net, &p.f, boot, p.request.nonce, UINT64_MAX, NAMED + 1);
    assert_true(lists(net, NAMED + 1));
}

/* And none is taken when the roster is whole. */
static void no_page_counts_when_all_have_come(void **state)
{
    struct net *net = *state;
    struct pull p = newcomer(net);
    uint64_t boot = gossip_boot(net->nodes[0]->g), nonce = p.request.nonce;
    say_page(net, &p.f, boot, nonce, UINT64_MAX, NAMED);
    assert_true(lists(net, NAMED));
    say_page(net, &p.f, boot, nonce, UINT64_MAX, NAMED + 1);
    say_page(net, &p.f, boot, 0, UINT64_MAX, NAMED + 1);
    net_run(net, 10 * MS_US);
    say_page(net, &p.f, boot, nonce, UINT64_MAX, NAMED + 1);
    say_page(net, &p.f, boot, 0, UINT64_MAX, NAMED + 1);
    assert_false(lists(net, NAMED + 1));
}

/* A stranger that is missing, as a peer's digest tells, is looked up on a page; for so long, and then no
 * more. */
static void a_page_that_comes_too_late_is_not_believed(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct net *net = net_again(state);
        struct forged f = begin(net), missing = forge(NAMED, "x@host", 1, 60);
        struct wire_message m, own;
        assert_int_equal(net_sent(net, 0, 0, WIRE_ROSTER, &own), 1); /* f knows nobody else */
        forge_start(&f, &m, WIRE_ROSTER);
        forge_echo(&m, gossip_boot(net->nodes[0]->g), own.nonce);
        m.cursor = UINT64_MAX;
        m.has |= HAS_CURSOR | HAS_TOTAL;
        net_say(net, 0, &f, PATH_UNICAST, &m);
        int64_t since;
        do { /* until it is another's turn to ask it */
            since = ++net->now;
            missing.id.boot++;
            forge_start(&missing, &m, WIRE_HELLO);
            net_say(net, 0, &missing, PATH_GROUP, &m);
        } while (net_sent(net, 0, since, WIRE_ACK, NULL) > 0); /* to it, or by the group */
        net_run(net, VOUCH_WAIT_MAX);
        since = ++net->now;
        forge_start(&f, &m, WIRE_HELLO);
        m.group_size = 3;
        m.digest = roster_digest(gossip_boot(net->nodes[0]->g), 0) ^ roster_digest(f.id.boot, 0) ^
                   roster_digest(missing.id.boot, 0);
        net_say(net, 0, &f, PATH_GROUP, &m);
        net_run(net, late ? (1 << PAGE_TRIES) * PAGE_RETRY : MS_US);
        assert_int_equal(net_sent(net, 0, since, WIRE_ROSTER, &own), late ? PAGE_TRIES : 1);
        say_page(net, &f, gossip_boot(net->nodes[0]->g), own.nonce, missing.id.boot, missing.id.boot);
        assert_int_equal(lists(net, missing.id.boot), !late);
    }
}

/* While pages come they may name whoever beats: that is asked nothing. A newcomer is. */
static void who_may_be_on_the_next_page_is_not_asked(void **state)
{
    struct net *net = *state;
    struct pull p = newcomer(net);
    struct forged late = forge(NAMED, "x@host", 1, 60);
    struct wire_message m;
    size_t asked = 0, seen = net->log_count;
    for (int i = 0; i < 30; i++) { /* in some of so many turns it is this member's */
        forge_start(&late, &m, WIRE_HELLO);
        net_say(net, 0, &late, PATH_GROUP, &m);
    }
    assert_int_equal(net->log_count, seen);
    forge_start(&late, &m, WIRE_HELLO);
    m.has |= HAS_QUESTION;
    net_say(net, 0, &late, PATH_GROUP, &m);
    assert_int_equal(net->log_count, seen + 1);
    say_page(net, &p.f, gossip_boot(net->nodes[0]->g), p.request.nonce, UINT64_MAX, NAMED + 1);
    late.id.boot += 2;
    for (int i = 0; i < 30; i++) {
        seen = net->log_count;
        forge_start(&late, &m, WIRE_HELLO);
        net_say(net, 0, &late, PATH_GROUP, &m);
        asked += net->log_count - seen;
    }
    assert_in_range(asked, 1, 29);
}

/* A page names one whom this member has buried, and has just heard: it is told so, once a second, however
 * many pages say it. Who was not heard is not. */
static void the_buried_on_a_page_is_told_once_a_second(void **state)
{
    for (int heard = 0; heard < 2; heard++) {
        struct net *net = net_again(state);
        struct pull p = newcomer(net);
        struct wire_message m;
        uint64_t cursor = 1;
        uint64_t boot = gossip_boot(net->nodes[0]->g);
        for (int i = 0; i < 100; i++) { /* in which g falls silent */
            forge_start(&p.f, &m, WIRE_HELLO);
            net_say(net, 0, &p.f, PATH_GROUP, &m);
            net_run(net, 100 * MS_US);
        }
        assert_false(lists(net, p.g.id.boot));
        if (heard) {
            forge_start(&p.g, &m, WIRE_HELLO);
            net_say(net, 0, &p.g, PATH_GROUP, &m);
        }
        int64_t since = net->now;
        while (net_sent(net, 0, since, WIRE_ROSTER, &p.request) == 0) {
            net_run(net, 10 * MS_US);
        }
        since = ++net->now;
        for (int i = 0; i < 10; i++) {
            forge_start(&p.f, &m, WIRE_ROSTER);
            forge_echo(&m, boot, p.request.nonce);
            m.cursor = ++cursor;
            m.total = 10;
            m.has |= HAS_CURSOR | HAS_TOTAL;
            forge_entry(&m, &p.g);
            net_say(net, 0, &p.f, PATH_UNICAST, &m);
            net_run(net, MS_US);
            assert_true(net_sent(net, 0, since, WIRE_ROSTER, &p.request) == (size_t)i + 1);
        }
        assert_int_equal(attack_sent_to(net, &p.g.addr, since, NULL), heard);
    }
}

/* Another has told of g, so all its numbers are new here. What it said before that is not: what was true then
 * may be over since, and who was told of the end of it has a tombstone, but this member has none. */
static void what_was_said_before_its_sender_was_vouched_for_brings_nobody_back(void **state)
{
    for (int heard = 0; heard < 2; heard++) {
        struct net *net = net_again(state);
        struct forged f = begin(net), g = forge(101, "g@host", 1, 51);
        struct wire_message m, old;
        forge_start(&g, &old, WIRE_NEWS);
        old.sent_at = (uint64_t)(net->now + net->slept);
        name_another(&old, NAMED);
        net_run(net, 500 * MS_US);
        g.clock = (uint64_t)(net->now + net->slept);
        forge_start(&f, &m, WIRE_NEWS);
        forge_entry(&m, &g);
        net_say(net, 0, &f, PATH_GROUP, &m);
        assert_true(lists(net, g.id.boot));
        if (heard) {
            g.sequence = 20;
            forge_start(&g, &m, WIRE_HELLO);
            net_say(net, 0, &g, PATH_GROUP, &m);
            g.sequence = 10;
        }
        net_run(net, 10 * MS_US);
        net_say(net, 0, &g, PATH_GROUP, &old);
        assert_false(lists(net, NAMED));
        assert_int_equal(gossip_stats(net->nodes[0]->g).stale, 1);
        g.sequence = 30; /* what it says now counts */
        forge_start(&g, &m, WIRE_NEWS);
        name_another(&m, NAMED);
        net_say(net, 0, &g, PATH_GROUP, &m);
        assert_true(lists(net, NAMED));
    }
}

/* Who has said goodbye itself is asked for nothing, whatever it says, and brought back by nobody; until the
 * tombstone is cleared away. */
static void a_goodbye_is_remembered_for_a_minute(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net), gone = forge(NAMED, "x@host", 1, 60);
    struct wire_message m;
    net_prove(net, 0, &gone);
    forge_start(&gone, &m, WIRE_BYE);
    net_say(net, 0, &gone, PATH_GROUP, &m);
    int64_t since = ++net->now;
    for (int second = 0; second < 60; second++) {
        uint64_t unproven = gossip_stats(net->nodes[0]->g).unproven;
        forge_start(&gone, &m, WIRE_HELLO);
        m.has |= HAS_QUESTION;
        net_say(net, 0, &gone, PATH_GROUP, &m);
        net_prove(net, 0, &gone);
        assert_int_equal(gossip_stats(net->nodes[0]->g).unproven, unproven + 2);
        gone.id.incarnation++;
        forge_start(&f, &m, WIRE_NEWS);
        forge_entry(&m, &gone);
        net_say(net, 0, &f, PATH_GROUP, &m);
        assert_false(lists(net, NAMED));
        net_run(net, 990 * MS_US);
    }
    assert_int_equal(attack_sent_to(net, &gone.addr, since, NULL), 0);
    net_run(net, SECOND_US);
    forge_start(&f, &m, WIRE_NEWS);
    forge_entry(&m, &gone);
    net_say(net, 0, &f, PATH_GROUP, &m);
    assert_true(lists(net, NAMED));
}

/* The seal does not cover the source of a request: so many pages go out, and no more. */
static void pages_are_served_at_a_rate(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net);
    struct wire_message m;
    int64_t since = ++net->now;
    uint64_t limited = gossip_stats(net->nodes[0]->g).answers_limited;
    forge_start(&f, &m, WIRE_ROSTER);
    m.has |= HAS_CURSOR;
    for (int i = 0; i < PAGE_RATE + 100; i++) {
        net_say(net, 0, &f, PATH_UNICAST, &m);
    }
    assert_int_equal(net_sent(net, 0, since, WIRE_ROSTER, NULL), PAGE_RATE);
    assert_int_equal(gossip_stats(net->nodes[0]->g).answers_limited, limited + 100);
    net_run(net, 10 * MS_US);
    since = ++net->now;
    for (int i = 0; i < 100; i++) {
        net_say(net, 0, &f, PATH_UNICAST, &m);
    }
    assert_int_equal(net_sent(net, 0, since, WIRE_ROSTER, NULL), PAGE_RATE / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(entries_count_in_news_alone),
        NET_TEST(a_page_answers_what_was_asked),
        NET_TEST(a_request_is_good_for_one_page),
        NET_TEST(no_page_counts_when_all_have_come),
        NET_TEST(a_page_that_comes_too_late_is_not_believed),
        NET_TEST(who_may_be_on_the_next_page_is_not_asked),
        NET_TEST(the_buried_on_a_page_is_told_once_a_second),
        NET_TEST(what_was_said_before_its_sender_was_vouched_for_brings_nobody_back),
        NET_TEST(a_goodbye_is_remembered_for_a_minute),
        NET_TEST(pages_are_served_at_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
