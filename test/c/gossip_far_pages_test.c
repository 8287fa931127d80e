/* Rosters of members that do not hear each other by the group: of whom their pages are asked, when, and how
 * often. */
#include "build.h"
#include "far.h"
#include "kit/intervals.h"
#include "test.h"

#define SETTLED 12

#define LONG_TAGS                                                                                            \
    "role=a_text_that_is_long_enough_for_few_entries_to_fit_on_a_page_as_it_is_with_many_members "           \
    "zone=and_another_one_for_the_rest_of_what_tags_may_take_of_that"

/* The k-th datagram of the log, if it is a request for a page that node i has said, or NULL. */
static const struct sent *request(const struct net *net, size_t i, size_t k, struct wire_message *m)
{
    const struct sent *s = &net->log[k];
    bool its = addr_same(&s->from, &net->nodes[i]->addr) &&
               witness_open(&net->nodes[i]->witness, s->data, s->len, m) == 0 && m->type == WIRE_ROSTER &&
               (m->has & HAS_TOTAL) == 0;
    return its ? s : NULL;
}

/* So many requests for pages that node i has said since the log was so long: for the first page, and for the
 * others; of the latter to node `to`, and for what stands after this boot id. */
struct requests {
    size_t first, others, others_to, after;
};

static struct requests requests_of(const struct net *net, size_t i, size_t to, uint64_t boot, size_t since)
{
    struct requests r = {0};
    for (size_t k = since; k < net->log_count; k++) {
        struct wire_message m;
        const struct sent *s = request(net, i, k, &m);
        if (s != NULL) {
            r.first += m.cursor == 0;
            r.others += m.cursor != 0;
            r.after += m.cursor >= boot;
            r.others_to += m.cursor != 0 && addr_same(&s->path.addr, &net->nodes[to]->addr);
        }
    }
    return r;
}

/* How often node i has begun to ask that node since the log was so long: what is asked again has the nonce of
 * the first time. */
static size_t pulls_of(const struct net *net, size_t i, size_t to, size_t since)
{
    size_t count = 0;
    uint64_t nonce = 0;
    for (size_t k = since; k < net->log_count; k++) {
        struct wire_message m;
        const struct sent *s = request(net, i, k, &m);
        if (s != NULL && m.nonce != nonce && addr_same(&s->path.addr, &net->nodes[to]->addr)) {
            nonce = m.nonce;
            count++;
        }
    }
    return count;
}

static struct net *far_of_many_pages(void **state)
{
    struct net *net = *state;
    net->drop = net_drop_group;
    far_add(net, SETTLED);
    for (size_t i = 0; i < SETTLED; i++) {
        net->nodes[i]->tags = build_tags(1, LONG_TAGS);
        net_alive(net, i);
    }
    net_run(net, 10 * SECOND_US);
    assert_true(net_whole(net));
    return net;
}

/* Each page comes 80 ms after it was asked for. How long that takes the first one shows, which is asked for
 * at 0, 20 and 60 ms; for the others one request is enough, or the second goes out just before they come. */
static void pages_that_come_from_far_away_are_waited_for(void **state)
{
    struct net *net = far_of_many_pages(state);
    net->delay = 40 * MS_US;
    int64_t since = net->now;
    far_add(net, 1);
    net_run(net, SECOND_US);
    assert_int_equal(net_listed(net, SETTLED), SETTLED);
    size_t first = 0, next = 0, pages = 0;
    uint64_t cursor = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        struct wire_message m;
        const struct sent *s = &net->log[k];
        if (s->at < since || !addr_same(&s->from, &net->nodes[SETTLED]->addr) ||
            witness_open(&net->nodes[SETTLED]->witness, s->data, s->len, &m) != 0 || m.type != WIRE_ROSTER) {
            continue;
        }
        assert_true(m.cursor >= cursor);
        first += m.cursor == 0;
        next += m.cursor != 0;
        pages += m.cursor > cursor;
        cursor = m.cursor;
    }
    assert_int_equal(first, 3);
    assert_in_range(pages, 2, SETTLED);
    assert_in_range(next, pages, pages + 1);
}

/* A thousand may come by one seed: it serves one page to each. Whom the page names are listed only after it
 * was read; so they must not be drawn before. */
static void the_other_pages_are_not_asked_of_the_seed(void **state)
{
    struct net *net = far_of_many_pages(state);
    size_t since = net->log_count;
    far_add(net, 1);
    net_run(net, 500 * MS_US);
    struct requests r = requests_of(net, SETTLED, 0, UINT64_MAX, since);
    assert_int_equal(net_listed(net, SETTLED), SETTLED);
    assert_int_equal(r.first, 1);
    assert_in_range(r.others, 1, 2 * SETTLED);
    assert_int_equal(r.others_to, 0);
}

static bool drop_all_news(struct net *net, size_t from, size_t to, const struct sent *s)
{
    struct wire_message m;
    return net_drop_group(net, from, to, s) ||
           (witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 && m.entry_count > 0 &&
            m.type != WIRE_ROSTER);
}

/* Who is asked for the second page does not know yet who asks, and serves nothing. It asks back, and is asked
 * again when it has its answer: after a round trip, and not when a page would be late. */
static void who_did_not_know_who_asks_is_asked_again_at_once(void **state)
{
    struct net *net = far_of_many_pages(state);
    size_t since = net->log_count, requests = 0;
    int64_t at[3] = {0};
    net->drop = drop_all_news;
    net->delay = 15 * MS_US;
    far_add(net, 1);
    net_run(net, SECOND_US);
    for (size_t k = since; k < net->log_count && requests < 3; k++) {
        struct wire_message m;
        const struct sent *s = request(net, SETTLED, k, &m);
        if (s != NULL && m.cursor != 0) {
            at[requests++] = s->at;
        }
    }
    assert_int_equal(requests, 3);
    assert_in_range(at[1] - at[0], 2 * net->delay, 2 * net->delay + 2 * PAGE_PACE);
    assert_in_range(at[2] - at[1], 2 * net->delay, 2 * net->delay + 2 * PAGE_PACE);
}

/* The one that changes is linked with the untold one in neither direction, and has the lowest boot id of
 * those: so it stands on an early page. */
static struct requests requests_for_one_that_changed(struct net *net)
{
    size_t changed = SETTLED;
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < SETTLED; i++) {
        uint64_t boot = gossip_boot(net->nodes[i]->g);
        bool linked = far_watches(net, i, FAR_UNTOLD) || far_watches(net, FAR_UNTOLD, i);
        if (i != FAR_UNTOLD && !linked && boot < lowest) {
            changed = i;
            lowest = boot;
        }
    }
    assert_int_not_equal(changed, SETTLED);
    net->drop = far_drop_news;
    net->nodes[changed]->tags = build_tags(2, "role=another");
    net_alive(net, changed);
    size_t since = net->log_count;
    net_run(net, 4 * SECOND_US);
    return requests_of(net, FAR_UNTOLD, 0, lowest, since);
}

/* Once a page has told what was missing, the others would tell nothing. Now and then it is told otherwise,
 * and nothing is pulled: then another network has to show it. */
static void a_roster_is_pulled_no_further_than_it_differs(void **state)
{
    struct requests r = {0};
    for (size_t tries = 0; tries < 16 && r.first == 0; tries++) {
        (void)net_again(state);
        r = requests_for_one_that_changed(far_of_many_pages(state));
        assert_int_equal(r.after, 0);
    }
    assert_in_range(r.first, 1, 4);
}

#define ASKERS 4

/* It has room for two: so its roster differs from everybody's for good, while all the others agree. Who is
 * linked with it pulls it after 0.5 s, 1 s, 2 s, ... from when it sees that: 7 times in the first minute, and
 * so often again once anything is new. */
static void who_differs_for_good_is_pulled_ever_more_seldom(void **state)
{
    struct net *net = far_apart(state, ASKERS);
    struct gossip_options options = net_options(net);
    options.max_peers = 2;
    size_t full = net_add(net, "z@host", 1, &options), all[3] = {0};
    size_t pulled[3][ASKERS] = {0};
    net_alive(net, full);
    net_seed(net, full, 0, net->nodes[0]->addr.port, 1);
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net_listed(net, full), 2);
    for (size_t minute = 0; minute < COUNT(pulled); minute++) {
        size_t since = net->log_count;
        if (minute == 2) {
            far_add(net, 1);
        }
        net_run(net, 60 * SECOND_US);
        for (size_t i = 0; i < ASKERS; i++) {
            pulled[minute][i] = pulls_of(net, i, full, since);
        }
    }
    for (size_t i = 0; i < ASKERS; i++) {
        print_message("%zu pulled it %zu, %zu and %zu times in a minute\n", i, pulled[0][i], pulled[1][i],
                      pulled[2][i]);
        /* It may have seen it late in the first minute, or something new in it. */
        assert_in_range(pulled[0][i] + pulled[1][i], 0, 8 + 4);
        assert_in_range(pulled[2][i], 0, 10);
        for (size_t minute = 0; minute < COUNT(all); minute++) {
            all[minute] += pulled[minute][i];
        }
    }
    assert_in_range(all[0], 1, ASKERS * 8);
    assert_in_range(all[1], 0, ASKERS * 4);
    assert_in_range(all[2], all[1] + 1, ASKERS * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(pages_that_come_from_far_away_are_waited_for),
        NET_TEST(the_other_pages_are_not_asked_of_the_seed),
        NET_TEST(who_did_not_know_who_asks_is_asked_again_at_once),
        NET_TEST(a_roster_is_pulled_no_further_than_it_differs),
        NET_TEST(who_differs_for_good_is_pulled_ever_more_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
