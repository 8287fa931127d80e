/* What others say of a member's end is looked into, each in its way: who may say it, when the accused has had
 * its time, and how often it is asked. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "insider.h"
#include "test.h"

#define SILENT (1251 * MS_US) /* longer than beats take, with T = 1 s */

static size_t probes_to(const struct net *net, const struct addr *a, int64_t since)
{
    static struct wire_message m;
    size_t n = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        n += s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, a) &&
             witness_open(&net->nodes[0]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_PROBE;
    }
    return n;
}

/* It proves itself with the same datagram: by then it is known for one moment, and what it says of others was
 * said before. */
static void what_a_stranger_says_of_others_as_it_comes_is_not_believed(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    struct forged x = forge(102, "x@h5", 1, 12);
    struct wire_message m;
    net_run(net, SILENT);
    for (size_t word = 0; word < 2; word++) {
        forge_start(&x, &m, WIRE_NEWS);
        forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
        forge_verdict(&m, VERDICT_SUSPECT, t.g.id.boot, 0);
        net_say(net, 0, &x, PATH_GROUP, &m);
        assert_int_equal(net_listed(net, 0), 3);
        assert_int_equal(net_events(net, 0, EVENT_UPDATE), word); /* from its second word on it is a peer */
    }
}

/* Who leaves says goodbye; a verdict is for those who cannot. */
static void what_one_says_of_its_own_end_is_no_verdict(void **state)
{
    const uint8_t verdicts[] = {VERDICT_SUSPECT, VERDICT_DEAD, VERDICT_LEFT, VERDICT_BEAM_EXIT};
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    int64_t since = ++net->now;
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        insider_accuse(net, &t.g, verdicts[i], t.g.id.boot, 0);
    }
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net->nodes[0]->event_count, 0);
    assert_int_equal(probes_to(net, &t.g.addr, since), 0);
    insider_accuse(net, &t.f, VERDICT_LEFT, t.g.id.boot, 0); /* which is not for want of believing it */
    net_run(net, FAREWELL_WAIT);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 1);
}

/* The accuser may be the deaf one: then this member needs as long as for any other death. A goodbye is not
 * told by who does not hear the other. */
static void the_death_of_who_was_just_heard_takes_as_long_as_any(void **state)
{
    const struct {
        uint8_t verdict;
        bool gone;
    } rows[] = {{VERDICT_DEAD, false}, {VERDICT_LEFT, true}, {VERDICT_BEAM_EXIT, true}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct insider_two t = insider_two(net);
        insider_accuse(net, &t.f, rows[i].verdict, t.g.id.boot, 0);
        net_run(net, FAREWELL_WAIT + SUSPICION / 2);
        if (net_events(net, 0, EVENT_DOWN) != rows[i].gone) {
            fail_msg("verdict %u: it is%s gone", rows[i].verdict, rows[i].gone ? " not" : "");
        }
    }
}

/* It was asked in vain for long enough, and has just answered; the watch has not noticed yet. */
static void who_is_heard_at_last_has_its_time_anew(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    int64_t since = ++net->now;
    while (probes_to(net, &t.g.addr, since) < 2) {
        net_run(net, MS_US);
        assert_true(net->now - since < 2 * SECOND_US);
    }
    net_run(net, FAREWELL_WAIT - PROBE_EVERY + 10 * MS_US);
    assert_int_equal(probes_to(net, &t.g.addr, since), 2); /* the next is to come */
    insider_beat(net, &t.g);
    insider_accuse(net, &t.f, VERDICT_LEFT, t.g.id.boot, 0);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
    net_run(net, 10 * MS_US);
    insider_beat(net, &t.g);
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
}

/* A suspicion gives it time to refute that; one in the same breath gives none. */
static void a_suspicion_of_this_moment_is_not_time_enough(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    struct wire_message m;
    net_run(net, SILENT);
    forge_start(&t.f, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_SUSPECT, t.g.id.boot, 0);
    forge_verdict(&m, VERDICT_DEAD, t.g.id.boot, 0);
    net_say(net, 0, &t.f, PATH_GROUP, &m);
    assert_int_equal(net_events(net, 0, EVENT_UPDATE), 1); /* it is suspected */
    net_run(net, FAREWELL_WAIT - 10 * MS_US);
    insider_accuse(net, &t.f, VERDICT_DEAD, t.g.id.boot, 0); /* almost */
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
    insider_beat(net, &t.g);
    net_run(net, 2 * FAREWELL_WAIT);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
}

/* However often it is said: one probe in 50 ms, and an end 150 ms after the first word. */
static void many_verdicts_about_one_are_looked_into_once(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    int64_t since = ++net->now;
    for (int64_t said = 0; said < FAREWELL_WAIT / MS_US; said += 5) {
        insider_accuse(net, &t.f, said % 2 ? VERDICT_BEAM_EXIT : VERDICT_LEFT, t.g.id.boot, 0);
        assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
        net_run(net, 5 * MS_US);
    }
    assert_in_range(probes_to(net, &t.g.addr, since), 2, FAREWELL_WAIT / FAREWELL_GAP);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 1);
}

/* All hear the same verdict at the same moment, the accused among them; few have asked it by the time that it
 * has refuted that. */
static void a_verdict_does_not_have_all_ask_at_once(void **state)
{
    enum { MEMBERS = 12 };
    struct net *net = *state;
    struct forged f = forge(100, "f@h3", 1, 50);
    struct wire_message m;
    attack_members(net, MEMBERS);
    for (size_t i = 0; i < MEMBERS; i++) {
        net_prove(net, i, &f);
    }
    int64_t since = ++net->now;
    forge_start(&f, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_LEFT, gossip_boot(net->nodes[1]->g), 0);
    for (size_t i = 0; i < MEMBERS; i++) {
        net_say(net, i, &f, PATH_GROUP, &m);
    }
    net_run(net, 2 * FAREWELL_WAIT);
    assert_in_range(probes_to(net, &net->nodes[1]->addr, since), 0, 3);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
    }
}

/* So it refutes before it answers, and nobody is told of it twice. */
static void the_buried_is_told_so_with_the_question(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "f@h3", 1, 10);
    struct wire_message m;
    f.id.incarnation = 7;
    (void)net_member(net, "a@h1", 1);
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    net_run(net, 5 * SECOND_US);
    assert_int_equal(net_event(net, 0, EVENT_DOWN)->reason, DOWN_SILENT);
    int64_t since = ++net->now;
    for (int buried = 1; buried >= 0; buried--) {
        forge_start(&f, &m, WIRE_HELLO);
        m.has |= HAS_QUESTION;
        net_say(net, 0, &f, PATH_GROUP, &m);
        assert_int_equal(net_sent(net, 0, since, WIRE_ACK, &m), 1);
        assert_true((m.flags & WIRE_ASK) != 0 && m.to_boot == f.id.boot);
        assert_int_equal(m.verdict_count, buried);
        if (buried) {
            assert_int_equal(m.verdicts[0].verdict, VERDICT_DEAD);
            assert_true(m.verdicts[0].boot == f.id.boot);
            assert_int_equal(m.verdicts[0].incarnation, 7);
        }
        since = ++net->now;
        f.id.boot = 101; /* another, who never was here */
        f.sequence = 0;
    }
}

/* Somebody with the key has spoken in its name, and used up all numbers for long: it is heard with the first
 * answer all the same, also when it was asked just before that. */
static void who_is_spoken_for_is_heard_with_its_next_answer(void **state)
{
    struct net *net = *state;
    struct insider_two t = insider_two(net);
    struct wire_message m, asked;
    net_run(net, NONCE_LIFE - net->now % NONCE_LIFE + MS_US);
    int64_t since = ++net->now;
    forge_start(&t.f, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    net_say(net, 0, &t.f, PATH_UNICAST, &m); /* the answer to this asks, too */
    assert_int_equal(net_sent(net, 0, since, WIRE_ACK, &asked), 1);
    net_run(net, 10 * MS_US);
    struct forged liar = t.f;
    liar.sequence += 1000000;
    insider_beat(net, &liar);
    uint64_t replayed = gossip_stats(net->nodes[0]->g).replayed;
    insider_beat(net, &t.f);
    assert_int_equal(gossip_stats(net->nodes[0]->g).replayed, replayed + 1); /* it is mute */
    forge_start(&t.f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[0]->g), asked.nonce);
    net_run(net, MS_US); /* what it says now, it says later than the lie was said */
    net_say(net, 0, &t.f, PATH_UNICAST, &m);
    for (int i = 0; i < 10; i++) {
        insider_beat(net, &t.f);
        net_run(net, 900 * MS_US);
    }
    assert_int_equal(gossip_stats(net->nodes[0]->g).replayed, replayed + 1);
    assert_int_equal(net_events(net, 0, EVENT_UPDATE), 0); /* nor has it been missed */
}

static uint8_t status_of(const struct net *net, uint64_t boot)
{
    struct peer_view v;
    assert_true(attack_lists(net, 0, boot, &v));
    return v.status;
}

/* As a relay: that the other has answered it, or that it has heard the other. It counts with the nonce of
 * the question that it answers, and without one nobody has asked. */
static void what_a_relay_says_unasked_is_not_believed(void **state)
{
    const uint16_t says[] = {HAS_TARGET, HAS_RELAY | HAS_HEARD};
    for (size_t k = 0; k < COUNT(says); k++) {
        struct net *net = net_again(state);
        struct insider_two t = insider_two(net);
        net_run(net, SILENT + 50 * MS_US); /* it is watched by now */
        insider_accuse(net, &t.f, VERDICT_SUSPECT, t.g.id.boot, 0);
        uint64_t boot = gossip_boot(net->nodes[0]->g);
        uint64_t nonce = witness_nonce(&net->nodes[0]->witness);
        const struct wire_echo echoes[] = {{0, 0}, {boot, nonce + 1}, {boot + 1, nonce}, {boot, nonce}};
        for (size_t i = 0; i < COUNT(echoes); i++) {
            struct wire_message m;
            assert_int_equal(status_of(net, t.g.id.boot), STATUS_SUSPECT);
            forge_start(&t.f, &m, WIRE_ACK);
            if (echoes[i].boot != 0) {
                forge_echo(&m, echoes[i].boot, echoes[i].nonce);
            }
            m.target = m.relay = t.g.id.boot;
            m.heard_ms = 10;
            m.has |= says[k];
            net_say(net, 0, &t.f, PATH_UNICAST, &m);
        }
        assert_int_equal(status_of(net, t.g.id.boot), STATUS_ALIVE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(what_a_stranger_says_of_others_as_it_comes_is_not_believed),
        NET_TEST(what_one_says_of_its_own_end_is_no_verdict),
        NET_TEST(the_death_of_who_was_just_heard_takes_as_long_as_any),
        NET_TEST(who_is_heard_at_last_has_its_time_anew),
        NET_TEST(a_suspicion_of_this_moment_is_not_time_enough),
        NET_TEST(many_verdicts_about_one_are_looked_into_once),
        NET_TEST(a_verdict_does_not_have_all_ask_at_once),
        NET_TEST(the_buried_is_told_so_with_the_question),
        NET_TEST(who_is_spoken_for_is_heard_with_its_next_answer),
        NET_TEST(what_a_relay_says_unasked_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
