/* What the other attacks leave open: who was paused and buried, whom hearsay makes members probe, a roster
 * without an end, and what is said in another's name to one member alone. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "test.h"

/* A VM is paused for 30 s: its clock stands still, the others bury it. When it runs again, it is late by
 * 30 s for ever, and a tombstone is asked nothing. */
static void who_was_paused_and_buried_comes_back_at_once(void **state)
{
    struct net *net = *state;
    struct peer_view v;
    attack_members(net, 4);
    uint64_t paused = gossip_boot(net->nodes[0]->g);
    net->dark = 0;
    net->drop = net_drop_dark;
    net_run(net, 5 * SECOND_US);
    for (size_t i = 1; i < net->count; i++) {
        gossip_slept(net->nodes[i]->g, 30 * SECOND_US); /* the clocks of the others went on */
        assert_false(attack_lists(net, i, paused, &v));
    }
    net->drop = NULL;
    int64_t since = net->now;
    bool back = false;
    while (!back && net->now - since < 90 * SECOND_US) {
        net_run(net, 100 * MS_US);
        back = true;
        for (size_t i = 1; i < net->count; i++) {
            back = back && attack_lists(net, i, paused, &v);
        }
    }
    if (!back || net->now - since > 5 * SECOND_US) {
        fail_msg("back %d after %lld ms", back, (long long)((net->now - since) / MS_US));
    }
}

static void name_at_victim(struct net *net, size_t a, struct forged *f, uint64_t *boots, size_t count)
{
    struct addr victim = VICTIM;
    for (size_t k = 0; k < count;) {
        struct wire_message m;
        forge_start(f, &m, WIRE_NEWS);
        for (int i = 0; i < 12 && k < count; i++, k++) {
            char name[] = "0000@host";
            boots[k] = 1000 + k;
            for (size_t digit = 0, rest = boots[k]; digit < 4; digit++, rest /= 10) {
                name[digit] = (char)('0' + rest % 10);
            }
            struct forged about = forge(boots[k], name, 1, 77);
            about.addr = victim;
            forge_entry(&m, &about);
        }
        net_say(net, a, f, PATH_GROUP, &m);
    }
}

#define NAMED 240

static size_t begin_named(struct net *net, struct forged *f, uint64_t boots[NAMED])
{
    struct gossip_options options = net_options(net);
    options.max_peers = 4096;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, 7 * SECOND_US);
    *f = forge(100, "insider@h3", 1, 50);
    net_prove(net, a, f);
    name_at_victim(net, a, f, boots, NAMED);
    return a;
}

/* "probes to one host that only others tell of: 64 at once, 32 a second" */
static void a_goodbye_by_hearsay_probes_no_more_than_is_allowed(void **state)
{
    struct net *net = *state;
    struct forged f;
    struct addr victim = VICTIM;
    uint64_t boots[NAMED];
    size_t a = begin_named(net, &f, boots);
    int64_t since = net->now;
    for (size_t k = 0; k < NAMED;) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_NEWS);
        for (int i = 0; i < 24 && k < NAMED; i++, k++) {
            forge_verdict(&m, VERDICT_LEFT, boots[k], 0);
        }
        net_say(net, a, &f, PATH_GROUP, &m);
    }
    size_t probes = attack_sent_to(net, &victim, since, NULL);
    if (probes > 64) {
        fail_msg("%zu probes at once", probes);
    }
}

static void a_relay_probes_no_more_than_is_allowed(void **state)
{
    struct net *net = *state;
    struct forged f;
    struct addr victim = VICTIM;
    uint64_t boots[NAMED];
    size_t a = begin_named(net, &f, boots);
    int64_t since = net->now;
    for (size_t k = 0; k < NAMED; k++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_PROBE_FOR);
        m.flags = WIRE_ASK;
        m.target = boots[k];
        m.has |= HAS_TARGET;
        net_say(net, a, &f, PATH_UNICAST, &m);
    }
    size_t probes = attack_sent_to(net, &victim, since, NULL);
    if (probes > 64) {
        fail_msg("%zu probes at once", probes);
    }
}

/* He speaks in the name of b, to a alone, so that b does not hear it. */
static struct forged in_bs_name(const struct net *net)
{
    struct forged f = forge(gossip_boot(net->nodes[1]->g), "b@host", 1, 2);
    f.addr = net->nodes[1]->addr;
    return f;
}

static int64_t until_listed(struct net *net, size_t i, uint64_t boot)
{
    struct peer_view v;
    int64_t unlisted = 0;
    for (int k = 0; k < 900; k++) {
        net_run(net, 100 * MS_US);
        unlisted += attack_lists(net, i, boot, &v) ? 0 : 100;
    }
    return unlisted;
}

static void a_goodbye_in_anothers_name_to_one_is_none(void **state)
{
    struct net *net = *state;
    attack_members(net, 4);
    struct forged f = in_bs_name(net);
    struct wire_message m;
    f.sequence = 1000;
    forge_start(&f, &m, WIRE_BYE);
    m.reason = DOWN_LEFT;
    m.has |= HAS_REASON;
    net_say(net, 0, &f, PATH_UNICAST, &m);
    int64_t unlisted = until_listed(net, 0, f.id.boot);
    if (unlisted > 3000) {
        fail_msg("unlisted for %lld ms", (long long)unlisted);
    }
}

static void a_sequence_in_anothers_name_does_not_mute_it(void **state)
{
    struct net *net = *state;
    attack_members(net, 4);
    struct forged f = in_bs_name(net);
    struct wire_message m;
    f.sequence = UINT64_MAX - 1;
    forge_start(&f, &m, WIRE_PROBE);
    for (size_t i = 0; i < net->count; i++) {
        f.sequence = UINT64_MAX - 1;
        if (i != 1) {
            net_say(net, i, &f, PATH_UNICAST, &m);
        }
    }
    int64_t unlisted = until_listed(net, 0, f.id.boot);
    if (unlisted > 3000) {
        fail_msg("unlisted for %lld ms", (long long)unlisted);
    }
}

/* To each of the others alone he promises the longest interval, in the name of b, which then dies: as long
 * nobody would look whether it is silent. */
static void a_promise_in_anothers_name_does_not_hide_its_death(void **state)
{
    struct net *net = *state;
    struct peer_view v;
    attack_members(net, 4);
    struct forged f = in_bs_name(net);
    for (size_t i = 0; i < net->count; i++) {
        struct wire_message m;
        f.sequence = 1000;
        forge_start(&f, &m, WIRE_PROBE);
        m.interval_ms = UINT16_MAX;
        m.miss = UINT8_MAX;
        if (i != 1) {
            net_say(net, i, &f, PATH_UNICAST, &m);
        }
    }
    net->dark = 1;
    net->drop = net_drop_dark;
    net_run(net, 4 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_true(i == 1 || !attack_lists(net, i, f.id.boot, &v));
    }
}

/* An insider is the first to answer a newcomer, and serves it page after page: it never beats, and asks
 * nobody. */
static void a_roster_without_an_end_does_not_silence_a_newcomer(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "insider@h3", 1, 50);
    size_t a = net_member(net, "a@host", 1);
    net_run(net, MS_US);
    net_prove(net, a, &f);
    int64_t since = net->now, later = 0;
    uint64_t cursor = 0;
    size_t beats = 0;
    for (int k = 0; k < 4000; k++) {
        static struct wire_message asked;
        if (net_sent(net, a, since, WIRE_ROSTER, &asked) > 0) {
            struct wire_message m;
            forge_start(&f, &m, WIRE_ROSTER);
            forge_echo(&m, gossip_boot(net->nodes[a]->g), asked.nonce);
            m.cursor = ++cursor;
            m.total = 1000;
            m.has |= HAS_CURSOR | HAS_TOTAL;
            net_say(net, a, &f, PATH_UNICAST, &m);
        }
        since = net->now + 1;
        net_run(net, 5 * MS_US);
        if (k == 2000) {
            later = net->now;
        }
    }
    beats = net_sent(net, a, later, WIRE_HELLO, NULL);
    if (beats < 8) {
        fail_msg("%zu beats in 10 s, %llu pages", beats, (unsigned long long)cursor);
    }
}

/* Nor does it keep it from the others: another is asked, from where that one has got to, and what it knows
 * makes the roster whole. */
static void a_roster_without_an_end_is_asked_of_another(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "insider@h3", 1, 50), other = forge(101, "other@h4", 1, 51);
    struct forged third = forge(1000000, "third@h5", 1, 52);
    size_t a = net_member(net, "a@host", 1);
    uint64_t cursor = 0, pages = 0, kept = 0;
    int64_t since = net->now, asked_at = 0, began;
    net_run(net, MS_US);
    net_prove(net, a, &f);
    net_prove(net, a, &other);
    began = net->now;
    for (int k = 0; k < 2000 && asked_at == 0; k++) {
        static struct wire_message asked;
        struct forged *to = &other;
        if (net_sent(net, a, since, WIRE_ROSTER, &asked) > 0 && asked.to_boot != 0) {
            struct wire_message m;
            to = asked.to_boot == f.id.boot ? &f : &other;
            forge_start(to, &m, WIRE_ROSTER);
            forge_echo(&m, gossip_boot(net->nodes[a]->g), asked.nonce);
            m.cursor = to == &f ? ++cursor : UINT64_MAX;
            m.total = 3;
            m.has |= HAS_CURSOR | HAS_TOTAL;
            if (to == &other) {
                asked_at = net->now;
                kept = asked.cursor;
                forge_entry(&m, &third);
            }
            pages++;
            net_say(net, a, to, PATH_UNICAST, &m);
        }
        if (k % 100 == 0) {
            struct wire_message m;
            forge_start(&f, &m, WIRE_HELLO);
            net_say(net, a, &f, PATH_GROUP, &m);
            forge_start(&other, &m, WIRE_HELLO);
            net_say(net, a, &other, PATH_GROUP, &m);
        }
        since = net->now + 1;
        net_run(net, 5 * MS_US);
    }
    struct peer_view v;
    assert_true(pages > 500);
    assert_in_range(asked_at - began, 4 * SECOND_US, 6 * SECOND_US);
    assert_int_equal(kept, cursor);
    assert_true(attack_lists(net, a, third.id.boot, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(who_was_paused_and_buried_comes_back_at_once),
        NET_TEST(a_goodbye_by_hearsay_probes_no_more_than_is_allowed),
        NET_TEST(a_relay_probes_no_more_than_is_allowed),
        NET_TEST(a_goodbye_in_anothers_name_to_one_is_none),
        NET_TEST(a_sequence_in_anothers_name_does_not_mute_it),
        NET_TEST(a_promise_in_anothers_name_does_not_hide_its_death),
        NET_TEST(a_roster_without_an_end_does_not_silence_a_newcomer),
        NET_TEST(a_roster_without_an_end_is_asked_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
