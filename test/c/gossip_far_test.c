/* Members that do not hear each other by the group: who watches whom, how news comes to all, whose word
 * counts. */
#include "attack.h"
#include "build.h"
#include "far.h"
#include "kit/intervals.h"
#include "test.h"

static void each_is_asked_by_three_and_asks_three(void **state)
{
    struct net *net = far_apart(state, 12);
    size_t asked[NET_NODES] = {0}, all = 0;
    int64_t since = ++net->now;
    net_run(net, 9 * SECOND_US);
    for (size_t k = 0; k < net->log_count; k++) {
        struct wire_message m;
        const struct sent *s = &net->log[k];
        if (s->at < since || witness_open(&net->nodes[0]->witness, s->data, s->len, &m) != 0 ||
            m.type != WIRE_PROBE) {
            continue;
        }
        assert_true((m.flags & WIRE_FAR) != 0 && s->path.kind == PATH_UNICAST);
        asked[s->path.addr.ip[3] - 1]++;
        all++;
    }
    assert_in_range(all, 12 * 3 * 7, 12 * 3 * 8);
    for (size_t i = 0; i < net->count; i++) {
        assert_in_range(asked[i], 3 * 7, 3 * 8);
        assert_int_equal(net_events(net, i, EVENT_UPDATE), 0);
    }
}

/* It has asked this member as its seed, and then answers by the group: so that leads here from it. */
static void whose_proof_comes_by_the_group_is_near(void **state)
{
    for (int by_group = 0; by_group <= 1; by_group++) {
        struct net *net = net_again(state);
        size_t a = net_member(net, "a@h1", 1);
        struct forged f = forge(100, "f@h3", 1, 20);
        struct wire_message m;
        net_run(net, 3 * SECOND_US);
        forge_start(&f, &m, WIRE_HELLO);
        m.has |= HAS_QUESTION;
        forge_to(&m, 0, &net->nodes[a]->addr);
        net_say(net, a, &f, PATH_UNICAST, &m);
        forge_start(&f, &m, WIRE_ACK);
        forge_echo(&m, gossip_boot(net->nodes[a]->g), witness_nonce(&net->nodes[a]->witness));
        net_say(net, a, &f, by_group ? PATH_GROUP : PATH_UNICAST, &m);
        assert_int_equal(net_listed(net, a), 1);
        forge_start(&f, &m, WIRE_PROBE);
        m.flags = WIRE_ASK;
        size_t before = net->log_count;
        net_say(net, a, &f, PATH_UNICAST, &m);
        assert_int_equal(net->log_count, before + 1);
        assert_int_equal(
            witness_open(&net->nodes[a]->witness, net->log[before].data, net->log[before].len, &m), 0);
        assert_int_equal((m.flags & WIRE_FAR) == 0, by_group);
    }
}

/* Where all hear all, nobody asks, and nobody is told to be far. */
static void nobody_is_far_where_multicast_works(void **state)
{
    struct net *net = *state;
    far_add(net, 8);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 2 * SECOND_US); /* who came by the seed first is heard by the group now */
    int64_t since = ++net->now;
    net_run(net, 20 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_sent(net, i, since, WIRE_PROBE, NULL), 0);
        assert_int_equal(net_sent(net, i, since, WIRE_NEWS, NULL), 0);
    }
}

static void a_death_is_told_to_all_who_are_far(void **state)
{
    struct net *net = far_apart(state, 12);
    net_kill(net, 5);
    net_run(net, 2200 * MS_US);
    assert_int_equal(far_downs(net, DOWN_SILENT), 11);
}

static void a_goodbye_is_told_to_all_who_are_far(void **state)
{
    struct net *net = far_apart(state, 12);
    net_leave(net, 5, DOWN_LEFT);
    net_run(net, 600 * MS_US);
    assert_int_equal(far_downs(net, DOWN_LEFT), 11);
    net_forget_events(net);
    net_leave(net, 6, DOWN_BEAM_EXIT);
    net_run(net, 600 * MS_US);
    assert_int_equal(far_downs(net, DOWN_BEAM_EXIT), 10);
}

/* Who promises a longer interval than the others have is asked as often as they: its death is known as soon.
 */
static void a_death_of_one_with_a_longer_interval_is_told_as_soon(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.interval_ms = 5000;
    net->drop = net_drop_group;
    far_add(net, 11);
    size_t slow = net_add(net, "slow@host", 1, &options);
    net_alive(net, slow);
    net_seed(net, slow, 0, 40000, 1);
    assert_true(net_wait(net, 5 * SECOND_US, net_whole));
    net_run(net, 10 * SECOND_US);
    net_forget_events(net);
    net_kill(net, slow);
    net_run(net, 2200 * MS_US);
    assert_int_equal(far_downs(net, DOWN_SILENT), 11);
}

/* When member 5 asks a far one next, in a network of this seed. */
static int64_t asks_at(uint64_t seed)
{
    struct net *net = net_from(seed);
    int64_t at = 0;
    far_part(net, 12);
    int64_t since = net->now + SECOND_US;
    net_run(net, 3 * SECOND_US);
    for (size_t k = 0; k < net->log_count && at == 0; k++) {
        struct wire_message m;
        const struct sent *s = &net->log[k];
        bool its = s->at >= since && addr_same(&s->from, &net->nodes[5]->addr);
        if (its && witness_open(&net->nodes[5]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_PROBE) {
            at = s->at;
        }
    }
    net_free(net);
    return at;
}

/* Its goodbye takes 10 ms. A question of it then would be taken for a sign of life. */
static void who_leaves_says_nothing_but_goodbye(void **state)
{
    struct net *net = *state;
    uint64_t seed = 0;
    int64_t at = 0;
    for (size_t tries = 0; tries < 20 && at == 0; tries++) { /* it may have none to ask */
        seed = prng_u64(&net->prng);
        at = asks_at(seed);
    }
    assert_true(at > 0);
    net_free(net);
    *state = net = net_from(seed);
    far_part(net, 12);
    net_run(net, at - 5 * MS_US - net->now);
    int64_t since = net->now;
    net_leave(net, 5, DOWN_LEFT);
    net_run(net, 600 * MS_US);
    size_t said = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        said += net->log[k].at > since && addr_same(&net->log[k].from, &net->nodes[5]->addr);
    }
    size_t goodbyes =
        net_sent(net, 5, since + 1, WIRE_BYE, NULL) + net_sent(net, 5, since + 1, WIRE_NEWS, NULL);
    assert_int_equal(said, goodbyes);
    assert_int_equal(far_downs(net, DOWN_LEFT), 11);
}

/* Nobody who answers is taken for gone. */
static void nobody_is_down(const struct net *net)
{
    for (size_t i = 0; i < net->count; i++) {
        for (size_t k = 0; k < net->nodes[i]->event_count; k++) {
            const struct event *e = &net->nodes[i]->events[k];
            bool answers = e->peer.id.boot > VERDICT_BEAM_EXIT; /* an insider does not */
            assert_false(e->type == EVENT_DOWN && answers);
        }
    }
}

/* One lie, told to one: it comes to the accused in time, whatever it is, and so does a second one. Two play
 * false; three could be all whom the one who is told is linked with, as SECURITY.md says. */
static void what_an_insider_says_of_the_far_is_refuted(void **state)
{
    for (uint8_t verdict = VERDICT_SUSPECT; verdict <= VERDICT_BEAM_EXIT; verdict++) {
        (void)net_again(state);
        struct net *net = far_apart(state, 12);
        struct wire_message m;
        uint32_t incarnation = 0;
        for (uint8_t number = 1; number <= 2; number++) {
            struct forged x = far_insider(net, 3, number);
            x.clock = (uint64_t)net->now;
            forge_start(&x, &m, WIRE_NEWS);
            forge_verdict(&m, verdict, gossip_boot(net->nodes[7]->g), incarnation);
            net_say(net, 3, &x, PATH_UNICAST, &m);
            net_run(net, 700 * MS_US);
            nobody_is_down(net);
            struct peer_view view;
            assert_true(attack_lists(net, 0, gossip_boot(net->nodes[7]->g), &view));
            assert_true(view.id.incarnation > incarnation);
            incarnation = view.id.incarnation;
        }
    }
}

/* Of the far others tell what they say of themselves. A lie that is told so has a higher incarnation: its
 * subject has to have a yet higher one, or all would go on to believe it. */
static void a_lie_about_a_far_one_is_refuted_by_itself(void **state)
{
    struct net *net = far_apart(state, 12);
    struct forged x = far_insider(net, 3, 5);
    struct peer_view view;
    struct wire_message m;
    uint64_t boot = gossip_boot(net->nodes[7]->g);
    assert_true(attack_lists(net, 3, boot, &view));
    uint16_t port = view.id.dist_port;
    struct forged lie = forge(boot, "h@host", 1, 8);
    lie.id = view.id;
    lie.id.dist_port = (uint16_t)(port + 1);
    lie.id.incarnation = view.id.incarnation + 1;
    lie.addr = net->nodes[7]->addr;
    forge_start(&x, &m, WIRE_NEWS);
    forge_entry(&m, &lie);
    net_say(net, 3, &x, PATH_UNICAST, &m);
    assert_true(attack_lists(net, 3, boot, &view));
    assert_int_equal(view.id.dist_port, port + 1);
    net_run(net, 2 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_true(i == 7 || attack_lists(net, i, boot, &view));
        if (i != 7 && view.id.dist_port != port) {
            fail_msg("node %zu believes it", i);
        }
    }
}

/* One lie told to one who does not hear the subject itself: `verdict`, after it was suspected for 20 ms, or
 * at once. */
static void lie(struct net *net, struct forged *x, size_t to, uint64_t boot, uint8_t verdict, bool suspected)
{
    struct wire_message m;
    if (suspected) {
        forge_start(x, &m, WIRE_NEWS);
        forge_verdict(&m, VERDICT_SUSPECT, boot, 0);
        net_say(net, to, x, PATH_UNICAST, &m);
        net_run(net, 20 * MS_US);
    }
    forge_start(x, &m, WIRE_NEWS);
    forge_verdict(&m, verdict, boot, 0);
    net_say(net, to, x, PATH_UNICAST, &m);
}

/* With 30 ms of delay the word comes to the accused, and its refutation back, in 0.2 s: the verdict waits for
 * that, whether somebody suspected it before or not. */
static void a_lie_is_refuted_over_long_ways(void **state)
{
    for (uint8_t round = 1; round <= 2; round++) {
        struct net *net = net_again(state);
        size_t lied_of = 7;
        far_part(net, 12);
        while (far_watches(net, 3, lied_of) || far_watches(net, lied_of, 3)) {
            lied_of = (lied_of + 1) % 12;
            lied_of += lied_of == 3;
        }
        uint64_t boot = gossip_boot(net->nodes[lied_of]->g);
        net->delay = 30 * MS_US;
        net_run(net, 3 * SECOND_US);
        struct forged x = far_insider(net, 3, round);
        lie(net, &x, 3, boot, VERDICT_DEAD, round == 1);
        net_run(net, 900 * MS_US);
        for (size_t i = 0; i < net->count; i++) {
            struct peer_view view;
            assert_true(i == lied_of || attack_lists(net, i, boot, &view));
            for (size_t k = 0; k < net->nodes[i]->event_count; k++) {
                const struct event *e = &net->nodes[i]->events[k];
                assert_false(e->type == EVENT_DOWN && e->peer.id.boot == boot);
            }
        }
    }
}

static void say_where(struct net *net, size_t to, struct forged *x, const struct forged *about)
{
    struct wire_message m;
    forge_start(x, &m, WIRE_NEWS);
    forge_entry(&m, about);
    net_say(net, to, x, PATH_UNICAST, &m);
}

/* Where a far one is now others tell, with a higher incarnation; of one that was heard a moment ago they do
 * not. */
static void others_tell_where_a_far_one_is_now(void **state)
{
    struct net *net = far_apart(state, 12);
    struct forged one = far_insider(net, 3, 1), two = far_insider(net, 3, 2),
                  z = forge(0x7000, "z@h4", 1, 61);
    struct addr before = z.addr, later = build_addr(62, 40000);
    say_where(net, 3, &one, &z);
    assert_true(attack_believes(net, 3, z.id.boot, &before));
    net_run(net, 600 * MS_US);
    z.addr = later;
    z.id.incarnation = 1;
    say_where(net, 3, &one, &z);
    assert_true(attack_believes(net, 3, z.id.boot, &before));
    net_run(net, 700 * MS_US);
    z.id.incarnation = 2;
    say_where(net, 3, &two, &z);
    struct peer_view view;
    assert_true(attack_lists(net, 3, z.id.boot, &view));
    assert_int_equal(view.addr_count, 1);
    assert_true(addr_same(&view.addrs[0], &later));
    assert_true(net_events(net, 3, EVENT_UPDATE) > 0);
}

/* By unicast nobody may speak of those who are near: they would not hear it. */
static void a_whisper_about_the_near_counts_for_nothing(void **state)
{
    struct net *net = *state;
    attack_members(net, 6);
    struct forged x = far_insider(net, 1, 1);
    struct wire_message m;
    net_forget_events(net);
    net_kill(net, 4);
    forge_start(&x, &m, WIRE_NEWS);
    x.clock = m.sent_at = (uint64_t)net->now;
    forge_verdict(&m, VERDICT_LEFT, 4711, 0);
    m.verdicts[0].boot = net->nodes[4]->witness.sent_boot;
    int64_t since = ++net->now;
    net_say(net, 1, &x, PATH_UNICAST, &m);
    net_run(net, 500 * MS_US);
    assert_int_equal(far_downs(net, DOWN_LEFT), 0);
    assert_int_equal(net_sent(net, 1, since, WIRE_NEWS, NULL), 0);
}

static size_t deaf;

static bool drop_to_the_deaf(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    return s->path.kind == PATH_GROUP && to == deaf && from != to;
}

static void goes_deaf(struct net *net, size_t i)
{
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net->drop = drop_to_the_deaf;
    deaf = i;
    net_run(net, 10 * SECOND_US);
    far_add(net, 1);
    net_run(net, 2 * SECOND_US);
    assert_true(net_whole(net));
}

static void who_goes_deaf_is_whole_within_two_intervals(void **state)
{
    struct net *net = *state;
    far_add(net, 8);
    goes_deaf(net, 2);
}

/* Somebody who watches none of the others; how many they are: there is nobody such. */
static size_t without_watch(const struct net *net)
{
    for (size_t i = 1; i < net->count; i++) {
        size_t watched = 0;
        for (size_t k = 0; k < net->count; k++) {
            watched += k != i && far_watches(net, i, k);
        }
        if (watched == 0) {
            return i;
        }
    }
    return net->count;
}

/* It asks nobody whether that lives, and those who watch it hear it. */
static void who_goes_deaf_and_watches_nobody_hears_of_others(void **state)
{
    struct net *net = *state;
    far_add(net, 8);
    for (size_t tries = 0; tries < 500 && without_watch(net) == net->count; tries++) {
        uint64_t seed = prng_u64(&net->prng);
        net_free(net);
        *state = net = net_from(seed);
        far_add(net, 8);
    }
    assert_true(without_watch(net) < net->count);
    goes_deaf(net, without_watch(net));
}

static void what_changes_about_a_far_one_is_told_to_all(void **state)
{
    far_changes_reach_all(far_apart(state, 12), 100 * MS_US);
}

static size_t asker, asked;
static int64_t lost_at;

/* One question of the asker's. */
static bool drop_a_question(struct net *net, size_t from, size_t to, const struct sent *s)
{
    struct wire_message m;
    if (net_drop_group(net, from, to, s)) {
        return true;
    }
    bool its = lost_at == 0 && from == asker && to == asked &&
               witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_PROBE;
    lost_at = its ? s->at : lost_at;
    return its;
}

/* Where a question is lost, the next follows at 1.25 T of silence. It is as short as any, and it is one of
 * them: the next comes as long after it. */
static void a_question_that_is_lost_costs_one_more(void **state)
{
    struct net *net = far_apart(state, 12);
    for (size_t i = 0; i < 12 * 12; i++) {
        bool one_way = far_watches(net, i / 12, i % 12) && !far_watches(net, i % 12, i / 12);
        asker = one_way && i / 12 != i % 12 ? i / 12 : asker;
        asked = one_way && i / 12 != i % 12 ? i % 12 : asked;
    }
    assert_int_not_equal(asker, asked);
    lost_at = 0;
    net->drop = drop_a_question;
    net_run(net, 4 * SECOND_US);
    assert_true(lost_at > 0);
    int64_t at[8] = {0};
    size_t count = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        struct wire_message m;
        const struct sent *s = &net->log[k];
        if (s->at >= lost_at && addr_same(&s->from, &net->nodes[asker]->addr) &&
            addr_same(&s->path.addr, &net->nodes[asked]->addr) &&
            witness_open(&net->nodes[asker]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_PROBE) {
            assert_int_equal(m.id.name.len, 0);
            assert_true(count < COUNT(at));
            at[count++] = s->at;
        }
    }
    assert_in_range(count, 4, 5);
    assert_in_range(at[1] - at[0], 50 * MS_US, 170 * MS_US); /* with LOOK_GAP */
    for (size_t i = 2; i < count; i++) {
        assert_in_range(at[i] - at[i - 1], 1125 * MS_US, 1188 * MS_US);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(each_is_asked_by_three_and_asks_three),
        NET_TEST(a_question_that_is_lost_costs_one_more),
        NET_TEST(whose_proof_comes_by_the_group_is_near),
        NET_TEST(nobody_is_far_where_multicast_works),
        NET_TEST(a_death_is_told_to_all_who_are_far),
        NET_TEST(a_goodbye_is_told_to_all_who_are_far),
        NET_TEST(a_death_of_one_with_a_longer_interval_is_told_as_soon),
        NET_TEST(who_leaves_says_nothing_but_goodbye),
        NET_TEST(what_an_insider_says_of_the_far_is_refuted),
        NET_TEST(a_lie_about_a_far_one_is_refuted_by_itself),
        NET_TEST(a_lie_is_refuted_over_long_ways),
        NET_TEST(others_tell_where_a_far_one_is_now),
        NET_TEST(a_whisper_about_the_near_counts_for_nothing),
        NET_TEST(who_goes_deaf_is_whole_within_two_intervals),
        NET_TEST(who_goes_deaf_and_watches_nobody_hears_of_others),
        NET_TEST(what_changes_about_a_far_one_is_told_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
