/* Whose number may be set back. A machine that was set back to a snapshot counts from a lower number than
 * before, and so does one in whose name another has spoken: it is heard again when it answers, from where it
 * says that it is. That it lives, somewhere, is not enough. */
#include "attack.h"
#include "build.h"
#include "inside.h"
#include "kit/window.h"
#include "test.h"

/* Answers what this member asked all, with a low number; and says where it is, or does not. */
static void answer(struct net *net, struct forged *f, bool claims)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_ACK);
    m.own_count = claims;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    net_say(net, 0, f, PATH_UNICAST, &m);
}

static uint64_t replayed(const struct net *net)
{
    return gossip_stats(net->nodes[0]->g).replayed;
}

static void a_number_is_not_set_back_by_who_is_nowhere(void **state)
{
    const uint64_t back[] = {1, WINDOW_BITS + 1, 1000};
    for (size_t i = 0; i < COUNT(back); i++) {
        struct net *net = net_again(state);
        struct forged x = forge(101, "x@host", 1, 51);
        attack_members(net, 1);
        x.sequence = 2000;
        net_prove(net, 0, &x);
        net_run(net, 2 * NONCE_LIFE + 100 * MS_US); /* a nonce was made since it was heard */
        int64_t heard = inside_heard(net->nodes[0]->g, x.id.boot);
        uint64_t before = replayed(net);
        x.sequence -= back[i];
        answer(net, &x, false);
        assert_true(replayed(net) == before + 1);
        assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == heard);
        x.sequence--;
        answer(net, &x, true);
        assert_true(replayed(net) == before + 1);
        assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == net->now);
    }
}

/* What node 0 asks x where it is known to be. */
static uint64_t asked(struct net *net, struct forged *x)
{
    struct wire_message m;
    int64_t since = ++net->now;
    forge_start(x, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    net_say(net, 0, x, PATH_UNICAST, &m);
    assert_true(net_sent(net, 0, since, WIRE_ACK, &m) == 1 && m.to_boot == x->id.boot);
    return m.nonce;
}

static void say_nth(struct net *net, const struct forged *x, uint64_t sequence, uint8_t type, uint64_t nonce)
{
    struct wire_message m;
    struct forged nth = *x;
    nth.sequence = sequence - 1;
    forge_start(&nth, &m, type);
    m.sent_at = SECOND_US; /* long ago, and all at once */
    if (type == WIRE_ACK) {
        forge_echo(&m, gossip_boot(net->nodes[0]->g), nonce);
    }
    net_say(net, 0, &nth, type == WIRE_ACK ? PATH_UNICAST : PATH_GROUP, &m);
}

/* Its answers are on their way for long, and more datagrams overtake them than the window is wide: they tell
 * that it lives, each once, and in their order; of what was overtaken with them nothing else is news. */
static void answers_overtaken_by_many_set_nothing_back(void **state)
{
    struct net *net = *state;
    struct forged x = forge(101, "x@host", 1, 51);
    attack_members(net, 1);
    net_prove(net, 0, &x);
    net_run(net, NONCE_LIFE - net->now % NONCE_LIFE);
    uint64_t nonce = asked(net, &x), first = x.sequence + 1;
    say_nth(net, &x, first, WIRE_ACK, nonce); /* this one comes in time, */
    uint64_t late = first + 1, last = late + 2 * WINDOW_BITS;
    for (uint64_t k = late + 10; k <= last; k++) { /* and ten numbers come late */
        say_nth(net, &x, k, WIRE_HELLO, 0);
    }
    const struct {
        uint64_t number;
        uint8_t type;
        bool counts;
    } rows[] = {
        {late + 1, WIRE_ACK, true},
        {late + 2, WIRE_HELLO, false},
        {late + 1, WIRE_ACK, false},
        {late, WIRE_ACK, false},
        {first, WIRE_ACK, false},
        {last - 1, WIRE_HELLO, false},
        {late + 3, WIRE_ACK, true},
        {late + 3, WIRE_ACK, false},
        {last, WIRE_HELLO, false},
        {last - WINDOW_BITS, WIRE_ACK, true},
        {last - WINDOW_BITS + 1, WIRE_ACK, false},
        {last + 1, WIRE_HELLO, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        net_run(net, 10 * MS_US);
        uint64_t before = replayed(net);
        inside_forget_copies(net->nodes[0]->g); /* as if it had come long ago */
        say_nth(net, &x, rows[i].number, rows[i].type, nonce);
        bool counted = inside_heard(net->nodes[0]->g, x.id.boot) == net->now;
        if (counted != rows[i].counts || replayed(net) != before + !rows[i].counts) {
            fail_msg("row %zu: counted %d", i, counted);
        }
    }
    assert_int_equal(net_events(net, 0, EVENT_UPDATE), 0);
}

/* What has proven a member is an answer as any: a copy of it tells nothing, though many came since. */
static void a_copy_of_the_proof_is_no_overtaken_answer(void **state)
{
    struct net *net = *state;
    struct forged x = forge(101, "x@host", 1, 51);
    attack_members(net, 1);
    net_run(net, NONCE_LIFE - net->now % NONCE_LIFE);
    uint64_t nonce = net_challenge(net, 0, &x), proof = x.sequence + 1;
    say_nth(net, &x, proof, WIRE_ACK, nonce);
    assert_int_equal(net_events(net, 0, EVENT_UP), 1);
    for (uint64_t k = 1; k <= 2 * WINDOW_BITS; k++) {
        say_nth(net, &x, proof + k, WIRE_HELLO, 0);
    }
    net_run(net, 10 * MS_US);
    int64_t heard = inside_heard(net->nodes[0]->g, x.id.boot);
    inside_forget_copies(net->nodes[0]->g);
    say_nth(net, &x, proof, WIRE_ACK, nonce);
    assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == heard && heard < net->now);
}

/* Who was set back counts anew in this, too. */
static void answers_overtaken_after_a_setback_count(void **state)
{
    struct net *net = *state;
    struct forged x = forge(101, "x@host", 1, 51);
    attack_members(net, 1);
    x.sequence = 2000;
    net_prove(net, 0, &x);
    uint64_t nonce = asked(net, &x);
    say_nth(net, &x, ++x.sequence, WIRE_ACK, nonce);
    net_run(net, 2 * NONCE_LIFE + 100 * MS_US);
    x.sequence = 4;
    answer(net, &x, true);
    assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == net->now);
    nonce = asked(net, &x);
    say_nth(net, &x, 8, WIRE_ACK, nonce);
    for (uint64_t k = 20; k < 20 + 2 * WINDOW_BITS; k++) {
        say_nth(net, &x, k, WIRE_HELLO, 0);
    }
    net_run(net, 10 * MS_US);
    say_nth(net, &x, 9, WIRE_ACK, nonce);
    assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == net->now);
}

/* Says one datagram in the name of node 1, with the highest number, and as if `ahead` from now, to each of
 * the others alone. */
static void speak_for(struct net *net, int64_t ahead)
{
    struct forged f = forge(gossip_boot(net->nodes[1]->g), "b@host", 1, 2);
    for (size_t i = 0; i < net->count; i++) {
        struct wire_message m;
        f.sequence = UINT64_MAX - 1;
        forge_start(&f, &m, WIRE_PROBE);
        m.sent_at = (uint64_t)(net->now + ahead);
        if (i != 1) {
            net_say(net, i, &f, PATH_UNICAST, &m);
        }
    }
}

/* Also where beats are so quick that a death is found out before a nonce is made anew, and the lie is one of
 * the time, too: it answers, and lives. */
static void who_is_spoken_for_is_not_taken_for_dead(void **state)
{
    const int64_t ahead[] = {0, SECOND_US, 3600 * SECOND_US};
    for (int round = 0; round < 30; round++) {
        struct net *net = net_again(state);
        int64_t phase = round / 3 * (NONCE_LIFE / 10);
        for (size_t i = 0; i < 4; i++) {
            struct gossip_options options = net_options(net);
            char name[] = "a@host";
            name[0] = (char)('a' + i);
            options.interval_ms = 100;
            net_alive(net, net_add(net, name, 1, &options));
        }
        net_run(net, 7 * SECOND_US);
        net_run(net, NONCE_LIFE - net->now % NONCE_LIFE + phase);
        net_forget_events(net);
        speak_for(net, ahead[round % 3]);
        net_run(net, 5 * SECOND_US);
        for (size_t i = 0; i < net->count; i++) {
            if (net_events(net, i, EVENT_DOWN) != 0) {
                fail_msg("a death is told in round %d", round);
            }
        }
        uint64_t before = replayed(net);
        net_run(net, 5 * SECOND_US);
        assert_true(replayed(net) == before); /* and its beats are heard again */
    }
}

static uint64_t refused(const struct net *net)
{
    return replayed(net) + gossip_stats(net->nodes[0]->g).stale;
}

/* The same to one member alone, again and again, which its subject cannot hear: what that says itself is old
 * there, or late, for as long as this goes on; but it answers, and is not taken for dead. */
static void who_is_spoken_for_without_end_is_not_taken_for_dead(void **state)
{
    for (int numbers = 0; numbers <= 1; numbers++) {
        struct net *net = net_again(state);
        attack_members(net, 4);
        struct forged f = forge(gossip_boot(net->nodes[1]->g), "b@host", 1, 2);
        struct wire_message m;
        net_forget_events(net);
        uint64_t before = refused(net);
        f.sequence = numbers ? 1U << 30 : 100;
        for (int i = 0; i < 120; i++) {
            forge_start(&f, &m, WIRE_PROBE);
            m.sent_at = (uint64_t)(net->now + 3600 * SECOND_US);
            net_say(net, 0, &f, PATH_UNICAST, &m);
            net_run(net, SECOND_US / 4);
        }
        assert_true(refused(net) > before + 20);
        for (size_t i = 0; i < net->count; i++) {
            assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
        }
        net_run(net, 3 * SECOND_US);
        before = refused(net);
        net_run(net, 10 * SECOND_US);
        assert_true(refused(net) == before); /* and it is well when that ends */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_number_is_not_set_back_by_who_is_nowhere),
        NET_TEST(answers_overtaken_by_many_set_nothing_back),
        NET_TEST(a_copy_of_the_proof_is_no_overtaken_answer),
        NET_TEST(answers_overtaken_after_a_setback_count),
        NET_TEST(who_is_spoken_for_is_not_taken_for_dead),
        NET_TEST(who_is_spoken_for_without_end_is_not_taken_for_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
