/* Challenges: one is for whom and where it was sent, and for its second and the next. Whoever else says the
 * answer, or from elsewhere, or later, proves nothing; and nobody can guess one. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "test.h"

#define F_BOOT 100

/* What node 0 has asked one who began to ask where it is. */
struct asked {
    struct forged f;
    uint64_t nonce;
    int64_t at;
};

/* A settled member, alone, asks f at its address; `into` a second. */
static struct asked ask(struct net *net, int64_t into)
{
    struct asked q = {.f = forge(F_BOOT, "f@host", 1, 50)};
    struct wire_message m;
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    net_run(net, NONCE_LIFE - net->now % NONCE_LIFE + into);
    q.at = net->now;
    forge_start(&q.f, &m, WIRE_HELLO);
    m.has |= HAS_QUESTION;
    net_say(net, 0, &q.f, PATH_GROUP, &m);
    assert_int_equal(net_sent(net, 0, q.at, WIRE_ACK, &m), 1);
    assert_true((m.has & HAS_TO) != 0 && m.to_boot == F_BOOT && addr_same(&m.to, &q.f.addr));
    q.nonce = m.nonce;
    return q;
}

/* Whether it is listed when it says so, `own` being what it calls its address. */
static bool counts(struct net *net, struct forged *f, uint64_t nonce, const struct addr *own)
{
    struct peer_view v;
    struct wire_message m;
    forge_start(f, &m, WIRE_ACK);
    m.own[0] = *own;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), nonce);
    net_say(net, 0, f, PATH_UNICAST, &m);
    return attack_lists(net, 0, f->id.boot, &v);
}

static void only_who_was_asked_can_answer(void **state)
{
    struct net *net = *state;
    struct asked q = ask(net, 0);
    struct forged other = forge(F_BOOT + 1, "g@host", 1, 50);
    assert_false(counts(net, &other, q.nonce, &other.addr));
    assert_true(counts(net, &q.f, q.nonce, &q.f.addr));
}

/* From where it was asked, or from another of its own addresses; but where it was asked must be one of them.
 */
static void only_where_it_was_asked_can_it_answer(void **state)
{
    const struct addr home = build_addr(50, 40000), other = build_addr(51, 40000);
    struct addr port = home;
    port.port = 40001;
    const struct {
        struct addr from, own;
        bool counts;
    } rows[] = {{home, home, true},    {home, other, true}, {other, home, true},
                {other, other, false}, {port, port, false}, {port, home, true}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct asked q = ask(net, 0);
        q.f.addr = rows[i].from;
        if (counts(net, &q.f, q.nonce, &rows[i].own) != rows[i].counts) {
            fail_msg("row %zu: it should%s count", i, rows[i].counts ? "" : " not");
        }
        assert_true(!rows[i].counts || attack_believes(net, 0, F_BOOT, &home));
        assert_false(attack_believes(net, 0, F_BOOT, &other));
        assert_false(attack_believes(net, 0, F_BOOT, &port));
    }
}

/* What was asked of all tells that one lives, and where only if it says so itself. */
static void an_answer_to_what_all_were_asked_proves_no_address(void **state)
{
    struct net *net = *state;
    struct forged f = forge(F_BOOT, "f@host", 1, 50);
    struct addr other = build_addr(51, 40000);
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    assert_false(counts(net, &f, witness_nonce(&net->nodes[0]->witness), &other));
    assert_true(counts(net, &f, witness_nonce(&net->nodes[0]->witness), &f.addr));
}

/* In its second and in the next one, also when it is slept through. */
static void an_answer_counts_for_two_seconds_at_most(void **state)
{
    for (int64_t into = 0; into < NONCE_LIFE; into += 450 * MS_US) {
        for (int64_t later = 0; later <= 3 * NONCE_LIFE; later += 250 * MS_US) {
            for (int how = 0; how < 3; how++) {
                struct net *net = net_again(state);
                struct asked q = ask(net, into);
                uint64_t nonce = q.nonce;
                int64_t second = q.at / NONCE_LIFE;
                if (how == 2) { /* the one for all, in a beat */
                    struct sent beat;
                    while (!attack_record(net, 0, WIRE_HELLO, PATH_GROUP, q.at, &beat)) {
                        net_run(net, MS_US);
                    }
                    nonce = witness_nonce(&net->nodes[0]->witness);
                    second = beat.at / NONCE_LIFE;
                }
                if (how == 1) {
                    net_sleep(net, later);
                } else {
                    net_run(net, later);
                }
                bool may = (net->now + net->slept) / NONCE_LIFE - second <= 1;
                if (counts(net, &q.f, nonce, &q.f.addr) != may) {
                    fail_msg("way %d, %lld ms into a second, %lld ms later: it should%s count", how,
                             (long long)(into / MS_US), (long long)(later / MS_US), may ? "" : " not");
                }
            }
        }
    }
}

/* Two members that differ in nothing but chance ask the same of the same, at the same time. */
static void nobody_can_guess_a_challenge(void **state)
{
    uint64_t bound[2], for_all[2];
    for (int i = 0; i < 2; i++) {
        net_free(*state);
        *state = net_from((uint64_t)i + 1);
        struct net *net = *state;
        bound[i] = ask(net, 0).nonce;
        for_all[i] = witness_nonce(&net->nodes[0]->witness);
    }
    assert_true(bound[0] != bound[1]);
    assert_true(for_all[0] != for_all[1]);
    assert_true(bound[0] != for_all[0] && bound[1] != for_all[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(only_who_was_asked_can_answer),
        NET_TEST(only_where_it_was_asked_can_it_answer),
        NET_TEST(an_answer_to_what_all_were_asked_proves_no_address),
        NET_TEST(an_answer_counts_for_two_seconds_at_most),
        NET_TEST(nobody_can_guess_a_challenge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
