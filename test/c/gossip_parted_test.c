/* Members that do not hear each other by the group, and were parted, or missed what was said: they find out,
 * and try again. */
#include <string.h>

#include "attack.h"
#include "far.h"
#include "kit/intervals.h"
#include "test.h"

static int64_t parted[NET_NODES], parted_twice;

/* News that is lost comes by the digest: here all of it, on its way to one, and so whatever it rides along
 * with. Noted is when somebody has told that one of another digest twice, T/2 apart. */
static bool drop_news(struct net *net, size_t from, size_t to, const struct sent *s)
{
    struct wire_message m;
    if (far_drop_news(net, from, to, s)) {
        return true;
    }
    if (to == FAR_UNTOLD && witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 &&
        m.group_size == net->count) {
        parted[from] = parted[from] == 0 ? net->now : parted[from];
        parted_twice = net->now - parted[from] >= SECOND_US / 2 ? net->now : parted_twice;
    }
    return false;
}

static bool is_due(struct net *net)
{
    return parted_twice != 0 || net_whole(net);
}

/* Who comes through at all is a matter of chance while the news rides along; then all do, once in 1.1875 T.
 */
static void lost_news_is_pulled(void **state)
{
    struct net *net = far_apart(state, 12);
    memset(parted, 0, sizeof parted);
    parted_twice = 0;
    net->drop = drop_news;
    far_add(net, 1);
    assert_false(is_due(net));
    assert_true(net_wait(net, NEWS_LIFE + 2500 * MS_US, is_due));
    net_run(net, 2 * MS_US);
    assert_true(net_whole(net));
}

static size_t missing, missed;

/* Whatever is said of one death does not come to one of those who do not watch him. */
static bool drop_word_of_a_death(struct net *net, size_t from, size_t to, const struct sent *s)
{
    struct wire_message m;
    if (net_drop_group(net, from, to, s)) {
        return true;
    }
    return to == missing && witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 &&
           m.verdict_count > 0;
}

static bool missed_is_down(struct net *net)
{
    return net_events(net, missing, EVENT_DOWN) == 1;
}

static void a_death_that_was_missed_is_found(void **state)
{
    struct net *net = far_apart(state, 12);
    missing = 3;
    for (missed = 4; missed + 1 < net->count && far_watches(net, missing, missed); missed++) {
    }
    assert_false(far_watches(net, missing, missed));
    net->drop = drop_word_of_a_death;
    net_kill(net, missed);
    net_run(net, 2200 * MS_US);
    assert_int_equal(far_downs(net, DOWN_SILENT), 10);
    assert_true(net_wait(net, 6 * SECOND_US, missed_is_down));
}

/* To one of those who are not linked with it no news comes. */
static void a_change_that_was_missed_is_pulled(void **state)
{
    struct net *net = far_apart(state, 12);
    net->drop = far_drop_news;
    far_changes_reach_all(net, NEWS_LIFE + 2500 * MS_US);
}

/* The first six hear nothing of the others, nor do these of them. */
static bool drop_between_halves(struct net *net, size_t from, size_t to, const struct sent *s)
{
    return net_drop_group(net, from, to, s) || (from < 6) != (to < 6);
}

/* They bury each other, and are one again a moment after the way is open; nobody dies of it later. */
static void halves_are_healed(struct net *net, int64_t apart, int64_t within)
{
    net->drop = drop_between_halves;
    net_run(net, apart);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 6);
    }
    net->drop = net_drop_group;
    assert_true(net_wait(net, within, net_whole));
    net_forget_events(net);
    net_run(net, 20 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
    }
    assert_true(net_whole(net));
}

static struct net *seedless(void **state)
{
    struct net *net = far_apart(state, 12);
    for (size_t i = 0; i < net->count; i++) {
        gossip_seeds(net->nodes[i]->g, net->now, NULL, 0);
    }
    return net;
}

static void halves_that_buried_each_other_become_one_by_a_seed(void **state)
{
    halves_are_healed(far_apart(state, 12), 10 * SECOND_US, 5 * SECOND_US);
}

static void halves_that_buried_each_other_become_one_without_a_seed(void **state)
{
    halves_are_healed(seedless(state), 10 * SECOND_US, 10 * SECOND_US);
}

/* Their tombstones are gone by then, too. */
static void who_was_lost_long_ago_is_still_sought(void **state)
{
    halves_are_healed(seedless(state), 600 * SECOND_US, 2 * LOST_GAP_MOST);
}

/* And for a day, but no longer. */
static void who_was_lost_is_sought_for_a_day(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.interval_ms = 60000;
    net->drop = net_drop_group;
    for (size_t i = 0; i < 2; i++) {
        net_alive(net, net_add(net, i == 0 ? "a@host" : "b@host", 1, &options));
    }
    net_seed(net, 1, 0, 40000, 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 200 * SECOND_US); /* until each has asked the other */
    gossip_seeds(net->nodes[1]->g, net->now, NULL, 0);
    net_kill(net, 0);
    net_run(net, 600 * SECOND_US);
    assert_int_equal(net_events(net, 1, EVENT_DOWN), 1);
    for (int hour = 0; hour < 25; hour++) {
        int64_t since = ++net->now;
        net_run(net, 3600 * SECOND_US);
        size_t asked = attack_sent_to(net, &net->nodes[0]->addr, since, NULL);
        if (hour < 23) {
            assert_in_range(asked, 3600 * SECOND_US / (LOST_GAP_MOST * 3 / 2),
                            3600 * SECOND_US / LOST_GAP_MOST * 2);
        } else if (hour > 23) {
            assert_int_equal(asked, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(lost_news_is_pulled),
        NET_TEST(a_death_that_was_missed_is_found),
        NET_TEST(a_change_that_was_missed_is_pulled),
        NET_TEST(halves_that_buried_each_other_become_one_by_a_seed),
        NET_TEST(halves_that_buried_each_other_become_one_without_a_seed),
        NET_TEST(who_was_lost_long_ago_is_still_sought),
        NET_TEST(who_was_lost_is_sought_for_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
