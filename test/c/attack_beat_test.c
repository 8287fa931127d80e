/* When a member beats. Who holds the key can be many at once, and can accuse whom he likes: he makes no beat
 * later than it has promised to be by more than a little, and no refutation. */
#include "attack.h"
#include "build.h"
#include "insider.h"
#include "test.h"

/* A member that beats every 100 ms, alone, and settled. */
static void begin(struct net *net)
{
    struct gossip_options options = net_options(net);
    options.max_peers = 1000;
    options.interval_ms = 100;
    net_alive(net, net_add(net, "a@h1", 1, &options));
    net_run(net, 7 * SECOND_US);
}

static uint64_t interval_ms(const struct net *net)
{
    return gossip_stats(net->nodes[0]->g).interval_ms;
}

/* Hundreds of lives of one name, all heard in person: one of them is a member. */
static void rivals_do_not_slow_the_beats(void **state)
{
    struct net *net = *state;
    begin(net);
    struct forged owner = forge(100, "x@host", 1, 50);
    net_prove(net, 0, &owner);
    for (uint32_t i = 0; i < 300; i++) {
        struct forged rival = forge(1000 + i, "x@host", 2 + i, (uint8_t)(100 + i % 150));
        net_prove(net, 0, &rival);
        assert_true(interval_ms(net) == 100);
    }
    assert_int_equal(net_listed(net, 0), 1);
    assert_int_equal(net_events(net, 0, EVENT_UP), 1);
    for (int i = 0; i < 3; i++) {
        insider_beat(net, &owner);
        net_run(net, 50 * MS_US);
        assert_true(interval_ms(net) == 100);
    }
}

/* So many come at once, and all of them are heard. */
static void come(struct net *net, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        char name[] = "000@host";
        for (size_t digit = 3, rest = i; digit > 0; digit--, rest /= 10) {
            name[digit - 1] = (char)('0' + rest % 10);
        }
        struct forged f = forge(1000 + i, name, 1, (uint8_t)(100 + i));
        net_prove(net, 0, &f);
    }
}

static int64_t next_beat(struct net *net)
{
    struct sent s;
    int64_t since = net->now + 1;
    while (!attack_record(net, 0, WIRE_HELLO, PATH_GROUP, since, &s)) {
        net_run(net, 100);
    }
    return s.at;
}

/* A beat has promised the next one within 100 ms. Then so many come, all of them heard, that T is 200 ms: the
 * next beat may be put off by a fifth of that. */
static void a_beat_is_put_off_by_a_fifth_at_most(void **state)
{
    int64_t longest = 0;
    for (int round = 0; round < 8; round++) {
        struct net *net = net_again(state);
        begin(net);
        int64_t last = next_beat(net);
        come(net, 110);
        assert_in_range(interval_ms(net), 198, 202);
        int64_t gap = next_beat(net) - last;
        longest = gap > longest ? gap : longest;
        if (gap > 100 * MS_US + interval_for(0, 111) / RECONSIDER_PART) {
            fail_msg("the next beat comes after %lld us", (long long)gap);
        }
    }
    assert_true(longest > 100 * MS_US); /* it is put off */
}

static void suspect(struct net *net, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_SUSPECT, gossip_boot(net->nodes[0]->g), UINT16_MAX);
    for (int i = 0; i < 3; i++) {
        m.verdicts[0].incarnation++;
        net_say(net, 0, f, PATH_GROUP, &m);
    }
}

/* Of many verdicts the first is refuted at once, and those that follow 50 ms later, by one beat: not when the
 * next beat is due, and no later than that. */
static void a_refutation_is_not_put_off(void **state)
{
    struct net *net = *state;
    begin(net);
    struct forged f = forge(100, "insider@h3", 1, 50);
    struct wire_message m;
    struct sent s;
    net_prove(net, 0, &f);
    (void)next_beat(net);
    come(net, 60); /* which puts off the beats that are due */
    int64_t accused = ++net->now;
    suspect(net, &f);
    assert_int_equal(net_sent(net, 0, accused, WIRE_HELLO, &m), 1);
    assert_int_equal(m.id.incarnation, UINT16_MAX + 2);
    net_run(net, REFUTE_GAP);
    assert_int_equal(net_sent(net, 0, accused, WIRE_HELLO, &m), 2);
    assert_int_equal(m.id.incarnation, UINT16_MAX + 4);
    assert_true(attack_record(net, 0, WIRE_HELLO, PATH_GROUP, accused, &s));
    assert_true(s.at == accused + REFUTE_GAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(rivals_do_not_slow_the_beats),
        NET_TEST(a_beat_is_put_off_by_a_fifth_at_most),
        NET_TEST(a_refutation_is_not_put_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
