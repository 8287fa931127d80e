/* Who holds the key can say anything, in anybody's name. The living refute it, at once; what it makes others
 * do is bounded; and what keeps them alive it cannot crowd out. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "inside.h"
#include "insider.h"
#include "test.h"

static void beat(struct net *net, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_HELLO);
    for (size_t i = 0; i < net->count; i++) {
        if (net->nodes[i]->g != NULL) {
            net_say(net, i, f, PATH_GROUP, &m);
        }
    }
}

static void say_to_all(struct net *net, struct forged *f, const struct wire_message *m)
{
    for (size_t i = 0; i < net->count; i++) {
        if (net->nodes[i]->g != NULL) {
            net_say(net, i, f, PATH_GROUP, m);
        }
    }
}

/* Time passes, in which the insider beats as it should. */
static void pass(struct net *net, struct forged *f, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        beat(net, f);
        net_run(net, SECOND_US);
    }
}

/* All list the member of this name, and what it says counts. */
static void assert_lives(struct net *net, size_t subject)
{
    struct peer_view v;
    uint64_t boot = gossip_boot(net->nodes[subject]->g);
    for (size_t i = 0; i < net->count; i++) {
        if (i == subject || net->nodes[i]->g == NULL) {
            continue;
        }
        assert_true(attack_lists(net, i, boot, &v));
        assert_int_equal(v.status, STATUS_ALIVE);
    }
}

/* A verdict about one who lives and beats. Whoever believes it hears at once that it is not so. */
static void every_verdict_is_refuted_by_the_living(void **state)
{
    const struct {
        uint8_t verdict;
        uint32_t incarnation;
    } rows[] = {{VERDICT_LEFT, 0},
                {VERDICT_BEAM_EXIT, 0},
                {VERDICT_DEAD, 0},
                {VERDICT_DEAD, UINT32_MAX},
                {VERDICT_LEFT, UINT32_MAX},
                {VERDICT_DEAD, INT32_MAX},
                {VERDICT_SUSPECT, UINT32_MAX},
                {VERDICT_BEAM_EXIT, INT32_MAX}};
    for (size_t k = 0; k < COUNT(rows); k++) {
        for (int late = 0; late < 2; late++) {
            struct net *net = net_again(state);
            struct forged f = insider_among(net, 5);
            struct wire_message m;
            forge_start(&f, &m, WIRE_NEWS);
            forge_verdict(&m, rows[k].verdict, gossip_boot(net->nodes[1]->g), rows[k].incarnation);
            net_run(net, late ? 700 * MS_US : 0);
            say_to_all(net, &f, &m);
            say_to_all(net, &f, &m);
            pass(net, &f, 2);
            assert_lives(net, 1);
            pass(net, &f, 10);
            assert_lives(net, 1);
            for (size_t i = 0; i < net->count; i++) {
                if (net_events(net, i, EVENT_DOWN) != 0) {
                    fail_msg("row %zu: told as down", k);
                }
            }
        }
    }
}

static bool drop_from_dark(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)to;
    (void)s;
    return from == net->dark;
}

static int64_t last_beat(const struct net *net, size_t i)
{
    struct sent s;
    return attack_record(net, i, WIRE_HELLO, PATH_GROUP, 0, &s) ? s.at : 0;
}

/* Whatever it is, and however long the accused has been silent by then: he waits for the moment when a beat
 * is due, or for one that is lost. Nobody is told that it has gone, and nobody takes more than a moment to
 * see that it has not. */
static void no_moment_is_right_for_a_lie(void **state)
{
    const uint8_t verdicts[] = {VERDICT_LEFT, VERDICT_BEAM_EXIT, VERDICT_DEAD, VERDICT_SUSPECT};
    for (size_t k = 0; k < COUNT(verdicts); k++) {
        for (int64_t silence = 500 * MS_US; silence <= 1300 * MS_US; silence += 25 * MS_US) {
            struct net *net = net_again(state);
            struct forged f = insider_among(net, 5);
            struct wire_message m;
            forge_start(&f, &m, WIRE_NEWS);
            forge_verdict(&m, verdicts[k], gossip_boot(net->nodes[1]->g), 0);
            beat(net, &f);
            int64_t beaten = last_beat(net, 1);
            while (last_beat(net, 1) == beaten) {
                net_run(net, MS_US);
            }
            beat(net, &f);
            net->dark = 1;
            net->drop = drop_from_dark;
            net_run(net, last_beat(net, 1) + silence - net->now);
            net->drop = NULL;
            say_to_all(net, &f, &m);
            pass(net, &f, 3);
            assert_lives(net, 1);
            for (size_t i = 0; i < net->count; i++) {
                if (net_events(net, i, EVENT_DOWN) != 0) {
                    fail_msg("verdict %u after %lld ms: told as down", verdicts[k],
                             (long long)(silence / MS_US));
                }
            }
        }
    }
}

/* He says goodbye in another's name, to each of its boot ids anew: more often than a member takes a new one.
 * It is gone for a moment, and comes back. */
static void a_goodbye_in_anothers_name_does_not_last(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 4);
    for (int i = 0; i < 20; i++) {
        struct forged b = forge(gossip_boot(net->nodes[1]->g), "b@host", 1, 60);
        struct wire_message m;
        b.sequence = 1000000;
        forge_start(&b, &m, WIRE_BYE);
        m.reason = DOWN_LEFT;
        m.has |= HAS_REASON;
        say_to_all(net, &b, &m);
        net_run(net, 20 * MS_US);
    }
    assert_true(net_events(net, 0, EVENT_DOWN) >= 10);
    pass(net, &f, 4);
    assert_lives(net, 1);
}

/* Only some hear it, and the accused is not one of them. */
static void a_goodbye_by_hearsay_is_refuted_though_the_accused_does_not_hear_it(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 5);
    struct wire_message m;
    forge_start(&f, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_LEFT, gossip_boot(net->nodes[1]->g), 0);
    net_say(net, 0, &f, PATH_GROUP, &m);
    net_say(net, 2, &f, PATH_GROUP, &m);
    pass(net, &f, 3);
    assert_lives(net, 1);
}

/* He names one who has yet to come, and says that all that it will say was said before: of its numbers that
 * is what the clock of an entry tells. */
static void an_entry_does_not_mute_its_subject(void **state)
{
    for (int round = 0; round < 2; round++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 3);
        struct gossip_options options = net_options(net);
        size_t d = net_add(net, "d@host", 1, &options);
        struct forged about = forge(gossip_boot(net->nodes[d]->g), "d@host", 1, 4);
        struct wire_message m;
        struct peer_view v;
        about.clock = round == 0 ? UINT64_MAX : INT64_MAX;
        forge_start(&f, &m, WIRE_NEWS);
        forge_entry(&m, &about);
        say_to_all(net, &f, &m);
        for (size_t i = 0; i < d; i++) {
            assert_true(attack_lists(net, i, about.id.boot, &v));
        }
        net_alive(net, d);
        pass(net, &f, 10);
        assert_lives(net, d);
        for (size_t i = 0; i < d; i++) {
            assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
        }
    }
}

/* The same name and creation under another boot id: that may be a new sidecar of the same BEAM. He only says
 * so. */
static void a_take_over_needs_more_than_hearsay(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 4);
    struct forged other = forge(4711, "b@host", 1, 60);
    struct wire_message m;
    uint64_t b = gossip_boot(net->nodes[1]->g);
    forge_start(&f, &m, WIRE_NEWS);
    forge_entry(&m, &other);
    for (int i = 0; i < 20; i++) {
        other.id.incarnation++;
        say_to_all(net, &f, &m);
        pass(net, &f, 1);
        for (size_t k = 0; k < net->count; k++) {
            struct peer_view v;
            assert_true(k == 1 || attack_lists_name(net, k, "b@host", &v));
            assert_true(k == 1 || v.id.boot == b);
            assert_int_equal(net_events(net, k, EVENT_DOWN), 0);
        }
    }
    assert_lives(net, 1);
}

/* Burials and revivals without end, each of them believed: what watches the others goes on. */
static void burials_do_not_end_failure_detection(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.max_peers = 8;
    size_t a = net_add(net, "a@h1", 1, &options), b = net_add(net, "b@h2", 1, &options);
    net_alive(net, a);
    net_alive(net, b);
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    struct forged f = forge(100, "insider@h3", 1, 50), invented = forge(101, "c@h4", 7, 60);
    net_prove(net, a, &f);
    size_t burials = 200;
    struct wire_message entry, left;
    for (uint32_t i = 0; i < burials; i++) {
        invented.id.incarnation = i;
        forge_start(&f, &entry, WIRE_NEWS);
        forge_entry(&entry, &invented);
        net_say(net, a, &f, PATH_GROUP, &entry);
        forge_start(&f, &left, WIRE_NEWS);
        forge_verdict(&left, VERDICT_LEFT, invented.id.boot, i);
        net_say(net, a, &f, PATH_GROUP, &left);
        net_run(net, 205 * MS_US); /* it has its time, and does not say that it lives */
    }
    assert_true(net_events(net, a, EVENT_DOWN) >= burials - 1);
    assert_true(inside_timers(net->nodes[a]->g) < burials / 2); /* what was, leaves none behind */
    net_kill(net, b);
    for (int i = 0; i < 40; i++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_HELLO);
        net_say(net, a, &f, PATH_GROUP, &m);
        net_run(net, SECOND_US / 4);
    }
    struct peer_view v;
    assert_false(attack_lists_name(net, a, "b@h2", &v) && v.id.creation == 1);
}

/* As a relay he says of the dead that they have just answered, and in his news that they have refuted what
 * was said of them. He is believed once. */
static void the_dead_are_not_kept_alive_by_one_who_says_so(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 5);
        struct forged b = forge(gossip_boot(net->nodes[1]->g), "b@host", 1, 2);
        struct wire_message m;
        size_t answered = 0;
        beat(net, &f);
        net_kill(net, 1);
        int64_t killed = net->now;
        size_t seen = net->log_count;
        while (net->now < killed + 6 * SECOND_US) {
            if ((net->now - killed) % (50 * MS_US) == 0) { /* so that it is the one who is asked */
                beat(net, &f);
            }
            for (; seen < net->log_count; seen++) {
                struct sent s = net->log[seen];
                size_t i = (size_t)s.from.ip[3] - 1;
                if (how == 2 || s.path.kind != PATH_UNICAST || !addr_same(&s.path.addr, &f.addr) ||
                    witness_open(&net->nodes[i]->witness, s.data, s.len, &m) != 0 ||
                    m.type != WIRE_PROBE_FOR) {
                    continue;
                }
                struct wire_message reply;
                forge_start(&f, &reply, WIRE_ACK);
                forge_echo(&reply, gossip_boot(net->nodes[i]->g), m.nonce);
                reply.target = reply.relay = m.target;
                reply.has = (uint16_t)(reply.has | (how == 0 ? HAS_TARGET : HAS_RELAY | HAS_HEARD));
                net_say(net, i, &f, PATH_UNICAST, &reply);
                answered++;
            }
            if (how == 2 && (net->now - killed) % (100 * MS_US) == 0) {
                b.id.incarnation++;
                forge_start(&f, &m, WIRE_NEWS);
                forge_entry(&m, &b);
                say_to_all(net, &f, &m);
            }
            net_run(net, 5 * MS_US);
        }
        assert_true(how == 2 || answered > 3);
        for (size_t i = 0; i < net->count; i++) {
            const struct event *e = i == 1 ? NULL : net_event(net, i, EVENT_DOWN);
            if (i != 1 && (e == NULL || e->peer.id.boot != b.id.boot)) {
                fail_msg("way %d: node %zu takes the dead for alive", how, i);
            }
        }
    }
}

/* What is promised is believed within bounds: who promises nothing makes nobody ask all the time, and who
 * promises that it may be silent for hours is not waited for. */
static void a_promise_is_believed_within_bounds(void **state)
{
    const struct {
        uint16_t interval_ms;
        uint8_t miss;
        int64_t silent; /* so long */
        bool inherits;  /* and is still known */
    } rows[] = {{1000, 0, 1900 * MS_US, true},
                {1000, 0, 2200 * MS_US, false},
                {100, UINT8_MAX, 2900 * MS_US, true},
                {100, UINT8_MAX, 3200 * MS_US, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct forged f = insider_among(net, 1), heir = forge(101, "insider@h3", 2, 51);
        struct wire_message m;
        net_prove(net, 0, &heir); /* the same name, another life: it waits for the first to go */
        for (int64_t silent = net->now + 8 * SECOND_US, end = silent + rows[i].silent; net->now < end;) {
            beat(net, &f);
            if (net->now <= silent) {
                forge_start(&heir, &m, WIRE_HELLO);
                m.interval_ms = rows[i].interval_ms;
                m.miss = rows[i].miss;
                net_say(net, 0, &heir, PATH_GROUP, &m);
            }
            net_run(net, 100 * MS_US);
        }
        forge_start(&f, &m, WIRE_BYE);
        m.reason = DOWN_LEFT;
        m.has |= HAS_REASON;
        net_say(net, 0, &f, PATH_GROUP, &m);
        if (net_events(net, 0, EVENT_UP) != rows[i].inherits) {
            fail_msg("row %zu: it is%s told", i, rows[i].inherits ? " not" : "");
        }
    }
    struct net *net = net_again(state);
    struct forged f = insider_among(net, 1);
    struct wire_message m;
    forge_start(&f, &m, WIRE_HELLO);
    m.interval_ms = 0;
    net_say(net, 0, &f, PATH_GROUP, &m);
    int64_t since = ++net->now;
    net_run(net, 120 * MS_US);
    assert_int_equal(net_sent(net, 0, since, WIRE_PROBE, NULL), 0);
    net_run(net, 100 * MS_US);
    assert_in_range(net_sent(net, 0, since, WIRE_PROBE, NULL), 1, 2);
}

/* Members that nobody has ever heard make nobody else's beats rare. */
static void invented_members_do_not_slow_the_beats(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.max_peers = 4096;
    options.interval_ms = 100;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, 7 * SECOND_US);
    struct forged f = forge(100, "insider@h3", 1, 50);
    net_prove(net, a, &f);
    uint64_t boot = 1000;
    for (int d = 0; d < 40; d++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_NEWS);
        for (int k = 0; k < 12; k++, boot++) {
            char name[] = "0000@host";
            for (size_t digit = 0, rest = boot; digit < 4; digit++, rest /= 10) {
                name[digit] = (char)('0' + rest % 10);
            }
            struct forged about = forge(boot, name, 1, (uint8_t)(100 + boot % 100));
            forge_entry(&m, &about);
        }
        net_say(net, a, &f, PATH_GROUP, &m);
        assert_true(gossip_stats(net->nodes[a]->g).interval_ms == 100);
        net_run(net, MS_US);
    }
    assert_in_range(net_listed(net, a), 400, 481); /* with so many, T would be 720 ms */
    beat(net, &f);
    net_run(net, 300 * MS_US);
    assert_true(gossip_stats(net->nodes[a]->g).interval_ms == 100);
}

/* Whomever he names, and wherever he says they are: what goes there is bounded. */
static void probes_to_one_address_are_bounded(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    struct addr victim = VICTIM;
    options.max_peers = 4096;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, 7 * SECOND_US);
    struct forged f = forge(100, "insider@h3", 1, 50);
    net_prove(net, a, &f);
    int64_t since = net->now;
    uint64_t boot = 1000;
    for (int d = 0; d < 40; d++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_NEWS);
        for (int k = 0; k < 12; k++, boot++) {
            char name[] = "0000@host";
            for (size_t digit = 0, rest = boot; digit < 4; digit++, rest /= 10) {
                name[digit] = (char)('0' + rest % 10);
            }
            struct forged about = forge(boot, name, 1, 77);
            about.addr = victim;
            about.addr.port = (uint16_t)(1024 + boot);
            forge_entry(&m, &about);
        }
        net_say(net, a, &f, PATH_GROUP, &m);
    }
    for (int i = 0; i < 40; i++) {
        beat(net, &f);
        net_run(net, 100 * MS_US);
    }
    size_t probes = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        probes += s->at >= since && s->path.kind == PATH_UNICAST &&
                  memcmp(s->path.addr.ip, victim.ip, sizeof victim.ip) == 0;
    }
    if (probes < 64 || probes > 64 + 4 * 32) {
        fail_msg("%zu probes to one host", probes);
    }
}

/* What others say of where a member is. */
static void an_entry_names_no_address_that_is_not_one(void **state)
{
    const uint8_t named[][4] = {
        {127, 0, 0, 1}, {255, 255, 255, 255}, {224, 0, 0, 1}, {0, 0, 0, 0}, {10, 0, 0, 9}};
    struct net *net = *state;
    struct forged f = insider_among(net, 2);
    for (size_t k = 0; k < COUNT(named); k++) {
        char name[] = "x0@host";
        name[1] = (char)('0' + k);
        struct forged about = forge(500 + k, name, 1, 60);
        struct wire_message m;
        struct peer_view v;
        about.addr = addr_ipv4(named[k], 4000, 0);
        forge_start(&f, &m, WIRE_NEWS);
        forge_entry(&m, &about);
        net_say(net, 0, &f, PATH_GROUP, &m);
        assert_int_equal(attack_lists(net, 0, about.id.boot, &v), k == COUNT(named) - 1);
    }
}

/* A member says itself where it is; what another said of that before is over. */
static void an_address_by_hearsay_yields_to_the_members_own_word(void **state)
{
    struct net *net = *state;
    struct forged f = insider_among(net, 2);
    struct gossip_options options = net_options(net);
    size_t d = net_add(net, "d@host", 1, &options);
    struct forged about = forge(gossip_boot(net->nodes[d]->g), "d@host", 1, 77);
    struct addr lie = about.addr;
    struct wire_message m;
    forge_start(&f, &m, WIRE_NEWS);
    forge_entry(&m, &about);
    say_to_all(net, &f, &m);
    net_alive(net, d);
    pass(net, &f, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_true(attack_believes(net, i, about.id.boot, &net->nodes[d]->addr));
        assert_false(attack_believes(net, i, about.id.boot, &lie));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(every_verdict_is_refuted_by_the_living),
        NET_TEST(no_moment_is_right_for_a_lie),
        NET_TEST(a_goodbye_in_anothers_name_does_not_last),
        NET_TEST(a_goodbye_by_hearsay_is_refuted_though_the_accused_does_not_hear_it),
        NET_TEST(an_entry_does_not_mute_its_subject),
        NET_TEST(a_take_over_needs_more_than_hearsay),
        NET_TEST(burials_do_not_end_failure_detection),
        NET_TEST(the_dead_are_not_kept_alive_by_one_who_says_so),
        NET_TEST(a_promise_is_believed_within_bounds),
        NET_TEST(invented_members_do_not_slow_the_beats),
        NET_TEST(probes_to_one_address_are_bounded),
        NET_TEST(an_entry_names_no_address_that_is_not_one),
        NET_TEST(an_address_by_hearsay_yields_to_the_members_own_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
