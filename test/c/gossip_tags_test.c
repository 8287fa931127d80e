/* What a member's operator says of it, in TAGS: taken over from its newest word, told to the owner, passed on
 * with entries; and what others say of it yields to that. */
#include <stdio.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "net.h"
#include "protocol/send.h"
#include "test.h"

static void tag(struct net *net, size_t i, const char *pairs)
{
    net->nodes[i]->tags = build_tags(1, pairs);
    net_alive(net, i);
}

static void assert_tags(const struct tags *tags, const char *pairs)
{
    struct tags expected = build_tags(1, pairs);
    if (!tags_same(tags, &expected)) {
        fail_msg("not %s, but %u bytes, number %u", pairs, tags->len, (unsigned)tags->number);
    }
}

/* What node i knows of this one now. */
static struct tags seen(const struct net *net, size_t i, uint64_t boot)
{
    struct peer_view view;
    assert_true(attack_lists(net, i, boot, &view));
    return view.tags;
}

static void assert_seen(const struct net *net, size_t i, uint64_t boot, const char *pairs)
{
    struct tags tags = seen(net, i, boot);
    assert_tags(&tags, pairs);
}

static struct net *two(void **state, const char *pairs)
{
    struct net *net = *state;
    (void)net_member(net, "b@h1", 1);
    struct gossip_options options = net_options(net);
    tag(net, net_add(net, "a@h2", 1, &options), pairs);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    return net;
}

static void are_taken_over_with_the_first_word(void **state)
{
    struct net *net = two(state, "role=web version=1.4.2 zone=a");
    assert_tags(&net_event(net, 0, EVENT_UP)->peer.tags, "role=web version=1.4.2 zone=a");
    assert_tags(&net_event(net, 1, EVENT_UP)->peer.tags, ""); /* who says nothing */
}

/* Others, or none, are told once, and at once; the same again is no news. */
static void are_an_update_when_they_change(void **state)
{
    static const char *const said[] = {"role=web zone=b", "role=web zone=c", "", "role=db"};
    struct net *net = two(state, "role=web zone=a");
    net_run(net, 5 * SECOND_US);
    for (size_t i = 0; i < COUNT(said); i++) {
        net_forget_events(net);
        tag(net, 1, said[i]);
        net_run(net, MS_US);
        assert_int_equal(net_events(net, 0, EVENT_UPDATE), 1);
        assert_tags(&net_event(net, 0, EVENT_UPDATE)->peer.tags, said[i]);
        tag(net, 1, said[i]);
        net_run(net, 5 * SECOND_US);
        assert_int_equal(net->nodes[0]->event_count, 1);
    }
}

/* Who goes on and on beats no more often than the bound says, and is told of so often; the last is told. */
static void that_change_all_the_time_are_bounded(void **state)
{
    struct net *net = two(state, "n=0000");
    net_run(net, 10 * SECOND_US);
    net_forget_events(net);
    int64_t since = net->now;
    char pairs[8];
    for (unsigned i = 1; i <= 5000; i++) {
        (void)snprintf(pairs, sizeof pairs, "n=%04u", i % 10000);
        tag(net, 1, pairs);
        net_run(net, MS_US);
    }
    size_t beats = net_sent(net, 1, since, WIRE_HELLO, NULL);
    assert_true(beats >= 5 + EXTRA_BURST && beats <= 8 + EXTRA_BURST + 5);
    net_run(net, 10 * SECOND_US);
    size_t updates = net_events(net, 0, EVENT_UPDATE);
    assert_true(updates >= EXTRA_BURST && updates <= UPDATE_BURST + 7);
    assert_tags(&net_event(net, 0, EVENT_UPDATE)->peer.tags, pairs);
}

static bool apart(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)s;
    return (from == 0 && to == 2) || (from == 2 && to == 0);
}

/* Who never hears a member knows its tags from the voucher. */
static void are_vouched(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    net->drop = apart;
    size_t a = net_add(net, "a@h1", 1, &options);
    tag(net, a, "role=db");
    (void)net_member(net, "b@h2", 1);
    size_t c = net_member(net, "c@h3", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    assert_seen(net, c, gossip_boot(net->nodes[a]->g), "role=db");
    struct peer_view view;
    assert_true(attack_lists(net, c, gossip_boot(net->nodes[a]->g), &view));
    assert_false(view.heard);
}

/* A group of names and tags as long as may be is whole as soon, by pages that hold one or two entries. */
static void as_long_as_may_be_fit_with_names_as_long_as_may_be(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    char name[NAME_MAX_LEN + 1], pairs[TAGS_MAX];
    memset(name, 'n', NAME_MAX_LEN);
    memset(pairs, 'v', sizeof pairs);
    memcpy(name + NAME_MAX_LEN - 5, "@host", 6);
    memcpy(pairs, "k=", 2);
    pairs[2 + 253] = '\0';
    for (size_t i = 0; i < 10; i++) {
        name[0] = (char)('a' + i);
        size_t added = net_add(net, name, 1, &options);
        const uint8_t host[] = {0, 6,        [17] = 1, 6,        [34] = 2, 6,        [51] = 3,
                                6, [68] = 4, 6,        [85] = 5, 6,        [102] = 6};
        assert_int_equal(host_set(&net->nodes[added]->host, host, sizeof host), 0);
        tag(net, added, pairs);
        net_run(net, 200 * MS_US);
    }
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        for (size_t k = 0; k < net->count; k++) {
            if (k != i) {
                assert_seen(net, i, gossip_boot(net->nodes[k]->g), pairs);
            }
        }
    }
    struct wire_message m;
    assert_true(net_sent(net, 9, 0, WIRE_HELLO, &m) > 0);
    assert_int_equal(m.tags.len, TAGS_MAX);
}

static size_t size_of(const struct wire_message *m)
{
    uint8_t data[WIRE_MESSAGE_MAX];
    return wire_encode(m, data, sizeof data);
}

/* Members who say nothing of the kind send what they always did. */
static void cost_nothing_where_there_are_none(void **state)
{
    struct net *net = two(state, "role=db");
    struct wire_message m;
    int64_t since = net->now;
    tag(net, 1, "");
    net_run(net, 3 * SECOND_US);
    assert_true(net_sent(net, 0, 0, WIRE_HELLO, &m) > 0);
    size_t with = size_of(&m);
    assert_int_equal(m.tags.number, 0);
    assert_true(net_sent(net, 1, since, WIRE_HELLO, &m) > 0);
    assert_int_equal(m.tags.number, 0);
    assert_int_equal(size_of(&m), with);
}

struct story {
    struct net *net;
    struct forged f, other; /* boot ids 100 and 101; f is proven to node 0 */
};

static struct story story(void **state)
{
    struct story s = {.net = *state};
    (void)net_member(s.net, "a@host", 1);
    (void)net_member(s.net, "b@host", 1);
    assert_true(net_wait(s.net, 2 * SECOND_US, net_whole));
    net_run(s.net, SECOND_US);
    s.f = forge(100, "f@h3", 1, 50);
    s.other = forge(101, "o@h4", 1, 51);
    net_prove(s.net, 0, &s.f);
    return s;
}

static void say_entry(struct story *s, const char *pairs, uint32_t number)
{
    struct wire_message m;
    forge_start(&s->f, &m, WIRE_NEWS);
    forge_entry(&m, &s->other);
    if (number > 0) {
        m.entries[0].tags = build_tags(number, pairs);
    }
    net_say(s->net, 0, &s->f, PATH_GROUP, &m);
}

static void say(struct story *s, struct forged *f, uint8_t type, const char *pairs, uint32_t number)
{
    struct wire_message m;
    forge_start(f, &m, type);
    if (number > 0) {
        m.tags = build_tags(number, pairs);
    }
    net_say(s->net, 0, f, PATH_GROUP, &m);
}

/* Of a listed member nobody else can say them, whatever number he names. */
static void of_a_listed_member_others_do_not_say(void **state)
{
    struct story s = story(state);
    say_entry(&s, "role=db", 5);
    assert_seen(s.net, 0, 101, "role=db");
    net_forget_events(s.net);
    say_entry(&s, "role=lie", 6);
    say_entry(&s, "role=lie", UINT32_MAX);
    assert_seen(s.net, 0, 101, "role=db");
    assert_int_equal(net_events(s.net, 0, EVENT_UPDATE), 0);
}

/* What a member says itself overrules what others have said; a beat without says that there are none. */
static void its_own_word_overrules(void **state)
{
    struct story s = story(state);
    say_entry(&s, "role=lie", UINT32_MAX);
    assert_seen(s.net, 0, 101, "role=lie");
    say(&s, &s.other, WIRE_NEWS, "", 0); /* short, and no word about them */
    assert_seen(s.net, 0, 101, "role=lie");
    say(&s, &s.other, WIRE_HELLO, "role=db", 1);
    assert_seen(s.net, 0, 101, "role=db");
    say(&s, &s.other, WIRE_HELLO, "", 0);
    assert_seen(s.net, 0, 101, "");
}

/* A datagram that was overtaken brings back nothing. */
static void what_was_overtaken_counts_for_nothing(void **state)
{
    struct story s = story(state);
    struct forged late = s.f;
    s.f.sequence++;
    say(&s, &s.f, WIRE_HELLO, "role=db", 2);
    net_forget_events(s.net);
    say(&s, &late, WIRE_HELLO, "role=web", 1);
    assert_seen(s.net, 0, 100, "role=db");
    assert_int_equal(net_events(s.net, 0, EVENT_UPDATE), 0);
}

static void accuse(struct story *s, uint32_t incarnation)
{
    struct wire_message m;
    forge_start(&s->f, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_DEAD, 101, incarnation);
    net_say(s->net, 0, &s->f, PATH_GROUP, &m);
    net_run(s->net, FAREWELL_WAIT);
}

/* To b, too, which buries whom it never hears. */
static void go_on(struct story *s)
{
    struct wire_message m;
    say(s, &s->f, WIRE_HELLO, "", 0);
    forge_start(&s->f, &m, WIRE_HELLO);
    net_say(s->net, 1, &s->f, PATH_GROUP, &m);
}

/* Who comes back by a vouch comes with the latest tags that were known of it, not with those that a voucher
 * still holds. */
static void an_old_entry_brings_back_no_old_tags(void **state)
{
    struct story s = story(state);
    struct peer_view view;
    net_prove(s.net, 1, &s.f);
    say_entry(&s, "role=web", 1);
    say(&s, &s.other, WIRE_HELLO, "role=db", 2);
    net_run(s.net, 1300 * MS_US); /* silent for so long that it may be dead */
    accuse(&s, 0);
    assert_false(attack_lists(s.net, 0, 101, &view));
    s.other.id.incarnation = 1;
    say_entry(&s, "role=web", 1);
    assert_seen(s.net, 0, 101, "role=db");
    go_on(&s);
    net_run(s.net, 1300 * MS_US);
    accuse(&s, 1);
    assert_false(attack_lists(s.net, 0, 101, &view));
    s.other.id.incarnation = 2;
    say_entry(&s, "role=cache", 3);
    assert_seen(s.net, 0, 101, "role=cache");
    go_on(&s);
    net_run(s.net, 1300 * MS_US);
    accuse(&s, 2);
    assert_false(attack_lists(s.net, 0, 101, &view));
    s.other.id.incarnation = 3;
    say_entry(&s, "role=lie", 3); /* the number that is known is not above it */
    assert_seen(s.net, 0, 101, "role=cache");
}

/* An insider has named a number that no true one is above. What the subject says itself ends that at once,
 * also when it says that there are none: neither is the number remembered, nor what was so before. */
static void a_false_number_ends_with_its_own_word(void **state)
{
    struct story s = story(state);
    struct peer_view view;
    net_prove(s.net, 1, &s.f);
    say_entry(&s, "role=lie", UINT32_MAX);
    assert_seen(s.net, 0, 101, "role=lie");
    say(&s, &s.other, WIRE_HELLO, "", 0);
    assert_seen(s.net, 0, 101, "");
    for (uint32_t incarnation = 0; incarnation < 3; incarnation++) {
        go_on(&s);
        net_run(s.net, 1300 * MS_US);
        accuse(&s, incarnation);
        assert_false(attack_lists(s.net, 0, 101, &view));
        s.other.id.incarnation = incarnation + 1;
        if (incarnation == 0) { /* it is vouched for by who has heard it */
            say_entry(&s, "role=db", 5);
            assert_seen(s.net, 0, 101, "role=db");
            say(&s, &s.other, WIRE_HELLO, "role=db", 5);
            say(&s, &s.other, WIRE_HELLO, "", 0);
        } else if (incarnation == 1) { /* by who has not heard yet that there are none, or lies again */
            say_entry(&s, "role=db", 5);
            assert_seen(s.net, 0, 101, "");
        } else {
            say_entry(&s, "role=lie", UINT32_MAX);
            assert_seen(s.net, 0, 101, "role=lie");
            say(&s, &s.other, WIRE_HELLO, "", 0);
        }
        assert_seen(s.net, 0, 101, "");
    }
    /* The lie was forgotten, and its own number was not: 5, and 6 is that of none. */
    for (uint32_t number = 5; number <= 7; number++) {
        go_on(&s);
        net_run(s.net, 1300 * MS_US);
        accuse(&s, number - 2);
        assert_false(attack_lists(s.net, 0, 101, &view));
        s.other.id.incarnation = number - 1;
        say_entry(&s, "role=cache", number);
        assert_seen(s.net, 0, 101, number < 7 ? "" : "role=cache");
    }
    say(&s, &s.other, WIRE_HELLO, "role=web", 8);
    assert_seen(s.net, 0, 101, "role=web");
}

/* Where it must be short: who chooses a peer by its tags is to know them with its first word, and where it
 * is; then where it is; the rest it says a moment later. */
static void are_shed_before_the_addresses_and_behind_all_else(void **state)
{
    (void)state;
    struct wire_message m;
    wire_clear(&m);
    m.tags = build_tags(1, "role=web");
    m.host = (struct host){.len = 1};
    m.has = HAS_FINGERPRINT;
    m.own_count = 2;
    assert_true(message_shed(&m));
    assert_true((m.has & HAS_FINGERPRINT) == 0 && m.host.len == 0 && m.tags.len > 0 && m.own_count == 2);
    assert_true(message_shed(&m));
    assert_true(m.tags.len == 0 && m.own_count == 2);
    assert_true(message_shed(&m));
    assert_int_equal(m.own_count, 0);
    assert_false(message_shed(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(are_taken_over_with_the_first_word),
        NET_TEST(are_an_update_when_they_change),
        NET_TEST(that_change_all_the_time_are_bounded),
        NET_TEST(are_vouched),
        NET_TEST(as_long_as_may_be_fit_with_names_as_long_as_may_be),
        NET_TEST(cost_nothing_where_there_are_none),
        NET_TEST(of_a_listed_member_others_do_not_say),
        NET_TEST(its_own_word_overrules),
        NET_TEST(what_was_overtaken_counts_for_nothing),
        NET_TEST(an_old_entry_brings_back_no_old_tags),
        NET_TEST(a_false_number_ends_with_its_own_word),
        cmocka_unit_test(are_shed_before_the_addresses_and_behind_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
