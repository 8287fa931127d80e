/* What members do for one another: rosters page by page, vouches, probes by way of others. */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "test.h"

#define MANY 70

/* A member that has listed so many forged ones, with names that make pages of several entries. */
static size_t popular(struct net *net, struct forged *f, size_t n)
{
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, SECOND_US);
    for (size_t i = 0; i < n; i++) {
        char name[] = "00@a-rather-long-host-name.example.org";
        name[0] = (char)('0' + i / 10);
        name[1] = (char)('0' + i % 10);
        f[i] = forge(prng_u64(&net->prng) | 1, name, 1, (uint8_t)(100 + i));
        net_prove(net, a, &f[i]);
    }
    assert_int_equal(net_listed(net, a), n);
    return a;
}

static void a_newcomer_lists_everybody_at_once(void **state)
{
    struct net *net = *state;
    struct forged f[MANY];
    size_t a = popular(net, f, MANY);
    net_run(net, 1300 * MS_US); /* who is silent is not expected to answer */
    int64_t since = ++net->now;
    size_t b = net_member(net, "b@h2", 1);
    net_run(net, 40 * MS_US); /* none of the forged ones answers, and none needs to */
    assert_int_equal(net_listed(net, b), MANY + 1);
    for (size_t i = 0; i < MANY; i++) {
        bool found = false;
        for (size_t k = 0; k < net->nodes[b]->event_count; k++) {
            const struct peer_view *p = &net->nodes[b]->events[k].peer;
            found = found || (p->id.boot == f[i].id.boot && name_same(&p->id.name, &f[i].id.name) &&
                              p->id.dist_port == 9100 && addr_same(&p->addrs[0], &f[i].addr));
        }
        assert_true(found);
    }
    size_t pages = net_sent(net, a, since, WIRE_ROSTER, NULL);
    assert_in_range(pages, MANY / 20, (MANY + 9) / 10 + 1);
}

/* Of three unicast datagrams the first: each page is asked for twice. */
static bool drop_every_third(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)from;
    (void)to;
    return s->path.kind == PATH_UNICAST && net->dark++ % 3 == 0;
}

static bool newcomer_lists_all(struct net *net)
{
    return net_listed(net, net->count - 1) == MANY + 1;
}

static void lost_pages_are_asked_for_again(void **state)
{
    struct net *net = *state;
    struct forged f[MANY];
    (void)popular(net, f, MANY);
    net->drop = drop_every_third;
    (void)net_member(net, "b@h2", 1);
    /* Each page of ten is waited for twice at most. Those who are listed are silent, and buried soon. */
    assert_true(net_wait(net, (MANY / 10 + 1) * 2 * PAGE_RETRY_MOST, newcomer_lists_all));
}

/* A page is an answer of many times the request's size: it goes to peers, at their proven address, and to no
 * other. */
static void pages_are_for_peers(void **state)
{
    struct net *net = *state;
    struct forged f[MANY], stranger = forge(4711, "stranger@h", 1, 90);
    size_t a = popular(net, f, 10);
    struct wire_message m;
    int64_t since = ++net->now;
    forge_start(&stranger, &m, WIRE_ROSTER);
    m.has = HAS_CURSOR;
    net_say(net, a, &stranger, PATH_UNICAST, &m);
    struct addr proven = f[0].addr;
    f[0].addr = build_addr(91, 40000);
    forge_start(&f[0], &m, WIRE_ROSTER);
    m.own_count = 0; /* it does not say that this is its own */
    m.has = HAS_CURSOR;
    net_say(net, a, &f[0], PATH_UNICAST, &m);
    assert_int_equal(net_sent(net, a, since, WIRE_ROSTER, NULL), 0);

    f[0].addr = proven;
    m.sent_at = 0;
    net_say(net, a, &f[0], PATH_UNICAST, &m);
    assert_int_equal(net_sent(net, a, since, WIRE_ROSTER, &m), 1);
    assert_int_equal(m.total, 10);
    assert_true(m.entry_count > 0);
    for (size_t i = 0; i < m.entry_count; i++) { /* sorted, above the cursor, which is that of the last */
        assert_true(m.entries[i].id.boot > (i == 0 ? 0 : m.entries[i - 1].id.boot));
    }
    uint64_t last = m.entries[m.entry_count - 1].id.boot;
    assert_true(m.cursor == UINT64_MAX ? m.entry_count == 10 : m.cursor == last);
}

/* Nobody asked for this page: its sender is a peer, so its entries are vouches, but it moves no cursor. */
static void a_page_that_nobody_asked_for(void **state)
{
    struct net *net = *state;
    struct forged f[MANY];
    size_t a = popular(net, f, 2);
    struct wire_message m;
    net_run(net, 5 * MS_US);
    forge_start(&f[1], &m, WIRE_ROSTER);
    m.has = HAS_CURSOR | HAS_TOTAL;
    m.cursor = UINT64_MAX;
    m.total = 1;
    net_say(net, a, &f[1], PATH_UNICAST, &m);
    int64_t since = ++net->now;
    size_t asked = net_sent(net, a, 0, WIRE_ROSTER, NULL);
    net_run(net, 30 * MS_US); /* it goes on asking the one whom it had asked */
    assert_int_equal(asked, 1);
    assert_true(net_sent(net, a, since, WIRE_ROSTER, NULL) > 0);
}

/* The first who answered, and has shown where it is, serves no pages, and goes on living: at first it is
 * asked quickly, then once in T; and the newcomer beats all the while. */
static void a_roster_that_nobody_serves(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "f@h3", 1, 10);
    size_t a = net_member(net, "a@h1", 1);
    struct wire_message m;
    net_run(net, 5 * MS_US);
    int64_t since = net->now;
    uint64_t there = net_challenge(net, a, &f);
    forge_start(&f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[a]->g), there);
    net_say(net, a, &f, PATH_UNICAST, &m);
    for (int i = 0; i < 20; i++) {
        net_prove(net, a, &f);
        net_run(net, SECOND_US / 2);
        assert_int_equal(net_listed(net, a), 1);
    }
    size_t quick = (PAGE_PEERS + 1) * PAGE_TRIES;
    assert_in_range(net_sent(net, a, since, WIRE_ROSTER, NULL), PAGE_TRIES + 9, quick + 10);
    assert_in_range(net_sent(net, a, net->now - 5 * SECOND_US, WIRE_ROSTER, NULL), 4, 6);
    assert_in_range(net_sent(net, a, net->now - 5 * SECOND_US, WIRE_HELLO, NULL), 5, 7);
}

static void who_proves_a_newcomer_vouches_for_it(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    size_t b = net_member(net, "b@h2", 1);
    net_member(net, "c@h3", 1); /* of three, each ranks under 3 */
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    int64_t since = ++net->now;
    struct forged f = forge(4711, "f@h4", 1, 90);
    struct wire_message m;
    forge_start(&f, &m, WIRE_HELLO);
    net_say(net, a, &f, PATH_GROUP, &m);
    net_prove(net, a, &f); /* to a alone */
    net_run(net, 15 * MS_US);
    assert_int_equal(net_sent(net, a, since, WIRE_NEWS, &m), 2); /* at once and again */
    assert_int_equal(m.entry_count, 1);
    assert_int_equal(net_events(net, b, EVENT_UP), 3);
    assert_true(net_event(net, b, EVENT_UP)->peer.id.boot == f.id.boot);
}

static void a_relay_answers_for_itself_and_then_for_the_target(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged asks = forge(100, "f@h3", 1, 10), target = forge(101, "g@h4", 1, 11);
    net_run(net, SECOND_US);
    net_prove(net, a, &asks);
    net_prove(net, a, &target);
    struct wire_message m;
    int64_t since = ++net->now;
    forge_start(&asks, &m, WIRE_PROBE_FOR);
    m.flags = WIRE_ASK;
    m.has = HAS_TARGET;
    m.target = target.id.boot;
    net_say(net, a, &asks, PATH_UNICAST, &m);
    assert_int_equal(net_sent(net, a, since, WIRE_ACK, &m), 1);
    assert_true((m.has & HAS_RELAY) && !(m.has & HAS_TARGET) && m.relay == target.id.boot);
    assert_true(m.echoes[0].boot == asks.id.boot && m.echoes[0].nonce == asks.nonce);
    assert_int_equal(net_sent(net, a, since, WIRE_PROBE, NULL), 1);
    assert_true(addr_same(&net->log[net->log_count - 1].path.addr, &target.addr));

    since = ++net->now;
    net_prove(net, a, &target);
    assert_int_equal(net_sent(net, a, since, WIRE_ACK, &m), 1);
    assert_true((m.has & HAS_TARGET) && m.target == target.id.boot);
    assert_true(addr_same(&net->log[net->log_count - 1].path.addr, &asks.addr));
    since = ++net->now;
    net_prove(net, a, &target); /* said once */
    assert_int_equal(net_sent(net, a, since, WIRE_ACK, NULL), 0);
}

/* Two members cannot reach each other, but both reach a third: nobody is buried. */
static bool drop_between_0_and_1(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)s;
    return from + to == 1;
}

static void a_broken_link_is_no_death_and_its_heal_is_told(void **state)
{
    struct net *net = *state;
    net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    net_member(net, "c@h3", 1);
    net_member(net, "d@h4", 1);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 2 * SECOND_US);
    net_forget_events(net);
    net->drop = drop_between_0_and_1;
    net_run(net, 60 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
        assert_int_equal(net_events(net, i, EVENT_HEALTH), 0);
    }
    assert_true(net_whole(net));

    /* Whoever would connect to the other has failed so far, and may now try again. */
    net->drop = NULL;
    net_forget_events(net);
    net_run(net, 2 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, i < 2 ? 1 : 0);
        assert_int_equal(net_events(net, i, EVENT_UPDATE), i < 2 ? 1 : 0);
    }
    struct identity other = net->nodes[1]->self;
    assert_true(name_same(&net_event(net, 0, EVENT_UPDATE)->peer.id.name, &other.name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_newcomer_lists_everybody_at_once),
        NET_TEST(lost_pages_are_asked_for_again),
        NET_TEST(pages_are_for_peers),
        NET_TEST(a_page_that_nobody_asked_for),
        NET_TEST(a_roster_that_nobody_serves),
        NET_TEST(who_proves_a_newcomer_vouches_for_it),
        NET_TEST(a_relay_answers_for_itself_and_then_for_the_target),
        NET_TEST(a_broken_link_is_no_death_and_its_heal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
