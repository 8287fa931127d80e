#include "network.h"

#include "test.h"

enum { TRIES = 200000 };

static struct options some_options(void)
{
    return (struct options){.nodes = 4, .delay_min = 25, .delay_max = 100};
}

static bool lost(struct network *n, int64_t now, uint32_t from, uint32_t to)
{
    int64_t due[2];
    return network_deliver(n, now, from, to, PATH_UNICAST, due) == 0;
}

/* A share is right when it is within four standard deviations of independent draws. */
static void assert_share(unsigned hits, unsigned tries, double share, double tolerance)
{
    double found = (double)hits / tries;
    assert_true(found > share - tolerance && found < share + tolerance);
}

static void losses_have_the_rate_asked_for(void **state)
{
    (void)state;
    static const double rates[] = {1, 10, 30, 90};
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct network n;
        struct options o = some_options();
        o.loss = rates[i];
        network_init(&n, &o, 7);
        unsigned hits = 0, pairs = 0;
        bool before = false;
        for (int64_t t = 0; t < TRIES; t++) {
            bool now = lost(&n, t, 0, 1);
            hits += now;
            pairs += now && before;
            before = now;
        }
        assert_share(hits, TRIES, rates[i] / 100, 0.005);
        assert_share(pairs, TRIES, rates[i] / 100 * rates[i] / 100, 0.005); /* each by itself */
        network_free(&n);
    }
}

static void bursts_have_the_same_mean_and_the_length_asked_for(void **state)
{
    (void)state;
    struct network n;
    struct options o = some_options();
    o.loss = 10;
    o.burst_ms = 200;
    network_init(&n, &o, 3);
    int64_t step = MS_US, bad = 0, bursts = 0;
    bool before = false;
    for (int64_t i = 0; i < 10 * TRIES; i++) {
        bool now = lost(&n, i * step, 0, 1);
        bad += now;
        bursts += now && !before;
        before = now;
    }
    assert_share((unsigned)bad, 10 * TRIES, 0.10, 0.02);
    assert_true(bad / bursts > 170 && bad / bursts < 230); /* milliseconds */
    network_free(&n);
}

/* The state is drawn from the exact law, however seldom a link is looked at. */
static void bursts_do_not_depend_on_how_often_one_looks(void **state)
{
    (void)state;
    static const int64_t gaps[] = {100, 50 * MS_US, 10 * SECOND_US};
    for (size_t g = 0; g < COUNT(gaps); g++) {
        struct network n;
        struct options o = some_options();
        o.loss = 20;
        o.burst_ms = 5;
        network_init(&n, &o, 11);
        unsigned hits = 0;
        for (int64_t i = 0; i < TRIES; i++) {
            hits += lost(&n, i * gaps[g], 0, 1);
        }
        assert_share(hits, TRIES, 0.20, gaps[g] < MS_US ? 0.05 : 0.005);
        network_free(&n);
    }
}

static void bursts_of_links_are_independent_and_of_receivers_are_not(void **state)
{
    (void)state;
    for (uint8_t at = BURST_AT_LINK; at <= BURST_AT_RECEIVER; at++) {
        struct network n;
        struct options o = some_options();
        o.loss = 20;
        o.burst_ms = 5;
        o.burst_at = at;
        network_init(&n, &o, 5);
        unsigned both = 0;
        for (int64_t i = 0; i < TRIES; i++) {
            bool one = lost(&n, i * SECOND_US, 0, 2);
            both += lost(&n, i * SECOND_US, 1, 2) && one;
        }
        assert_share(both, TRIES, at == BURST_AT_LINK ? 0.04 : 0.20, 0.006);
        network_free(&n);
    }
}

static void delays_duplicates_and_reordering_are_as_asked_for(void **state)
{
    (void)state;
    struct network n;
    struct options o = some_options();
    o.duplicate = 5;
    o.reorder = 3;
    network_init(&n, &o, 9);
    unsigned twice = 0, late = 0;
    int64_t least = INT64_MAX, most = 0, sum = 0;
    for (int64_t i = 0; i < TRIES; i++) {
        int64_t due[2];
        unsigned copies = network_deliver(&n, 1000, 0, 1, PATH_GROUP, due);
        assert_in_range(copies, 1, 2);
        twice += copies == 2;
        int64_t delay = due[0] - 1000;
        if (delay > 100) {
            late++;
            assert_true(delay >= 25 + MS_US && delay <= 100 + 20 * MS_US);
            continue;
        }
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        sum += delay;
    }
    assert_int_equal(least, 25);
    assert_int_equal(most, 100);
    assert_share((unsigned)(sum / (TRIES - late)), 1, 62.5, 1);
    assert_share(twice, TRIES, 0.05, 0.003);
    assert_share(late, TRIES, 0.03, 0.003);
    network_free(&n);
}

static void reach_is_what_was_taken_away(void **state)
{
    (void)state;
    static const struct {
        uint8_t sender, hearer;
        bool group, unicast;
    } rows[] = {
        {0, 0, true, true},
        {REACH_NO_SENDING, 0, false, false},
        {0, REACH_NO_SENDING, true, true},
        {REACH_NO_HEARING, 0, true, true},
        {0, REACH_NO_HEARING, false, false},
        {REACH_MUTE, 0, false, true},
        {0, REACH_MUTE, true, true},
        {0, REACH_DEAF, false, true},
        {REACH_DEAF, 0, true, true},
        {0, REACH_NO_UNICAST, true, false},
        {REACH_NO_UNICAST, 0, true, true},
    };
    struct network n;
    struct options o = some_options();
    network_init(&n, &o, 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        network_lose(&n, 0, 0, rows[i].sender);
        network_lose(&n, 0, 1, rows[i].hearer);
        assert_int_equal(network_reaches(&n, 0, 1, PATH_GROUP), rows[i].group);
        assert_int_equal(network_reaches(&n, 0, 1, PATH_UNICAST), rows[i].unicast);
        assert_true(network_reaches(&n, 0, 0, PATH_GROUP)); /* oneself is always heard */
        assert_int_equal(lost(&n, 0, 0, 1), !rows[i].unicast);
    }
    network_free(&n);
}

static void sides_are_cut_one_way_and_remembered_for_a_while(void **state)
{
    (void)state;
    struct network n;
    struct options o = some_options();
    network_init(&n, &o, 1);
    n.reach[1].side = 1;
    network_cut(&n, 0, 0, 1, true);
    assert_false(network_reaches(&n, 0, 1, PATH_GROUP));
    assert_true(network_reaches(&n, 1, 0, PATH_GROUP));
    assert_true(network_reaches(&n, 0, 2, PATH_UNICAST));
    network_cut(&n, SECOND_US, 0, 1, false);
    assert_true(network_reaches(&n, 0, 1, PATH_GROUP));
    assert_true(network_was_separated(&n, SECOND_US + NETWORK_HEALED - 1, 0, 1));
    assert_false(network_was_separated(&n, SECOND_US + NETWORK_HEALED, 0, 1));
    assert_false(network_was_separated(&n, SECOND_US, 1, 0));
    assert_false(network_was_silenced(&n, 0, 0));
    network_lose(&n, 0, 0, REACH_NO_SENDING);
    assert_true(network_was_silenced(&n, 60 * SECOND_US, 0));
    network_lose(&n, 60 * SECOND_US, 0, 0);
    assert_true(network_was_silenced(&n, 60 * SECOND_US + NETWORK_HEALED - 1, 0));
    assert_false(network_was_silenced(&n, 60 * SECOND_US + NETWORK_HEALED, 0));
    network_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_have_the_rate_asked_for),
        cmocka_unit_test(bursts_have_the_same_mean_and_the_length_asked_for),
        cmocka_unit_test(bursts_do_not_depend_on_how_often_one_looks),
        cmocka_unit_test(bursts_of_links_are_independent_and_of_receivers_are_not),
        cmocka_unit_test(delays_duplicates_and_reordering_are_as_asked_for),
        cmocka_unit_test(reach_is_what_was_taken_away),
        cmocka_unit_test(sides_are_cut_one_way_and_remembered_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
