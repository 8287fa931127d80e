/* Seeds: who is met through one where no multicast comes, how often it is asked, and what cannot be got out
 * of a member by asking it so. */
#include <string.h>

#include "attack.h"
#include "build.h"
#include "inside.h"
#include "net.h"
#include "test.h"

/* Nobody hears the group. */
static struct net *no_multicast(void **state)
{
    struct net *net = *state;
    net->drop = net_drop_group;
    return net;
}

static bool is_knock(struct net *net, size_t i, const struct sent *s, struct wire_message *m)
{
    return witness_open(&net->nodes[i]->witness, s->data, s->len, m) == 0 && s->path.kind == PATH_UNICAST &&
           m->type == WIRE_HELLO;
}

/* Questions that node i asked of whoever stands somewhere, since then; the ports that it asked, in one bit
 * each from 40000 on. */
static size_t knocks(struct net *net, size_t i, int64_t since, unsigned *ports)
{
    size_t count = 0;
    unsigned asked = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        static struct wire_message m;
        const struct sent *s = &net->log[k];
        if (s->at >= since && addr_same(&s->from, &net->nodes[i]->addr) && is_knock(net, i, s, &m)) {
            assert_true((m.has & HAS_QUESTION) != 0 && m.to_boot == 0);
            assert_int_equal(s->len, QUESTION_SIZE);
            assert_in_range(s->path.addr.port, 40000, 40007);
            asked |= 1u << (s->path.addr.port - 40000);
            count++;
        }
    }
    if (ports != NULL) {
        *ports = asked;
    }
    return count;
}

static void a_seed_is_met_in_one_and_a_half_round_trips(void **state)
{
    struct net *net = no_multicast(state);
    net->delay = 5 * MS_US;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, 10 * SECOND_US);
    size_t b = net_member(net, "b@h2", 1);
    net_seed(net, b, a, 40000, 1);
    net_run(net, 2 * net->delay);
    assert_int_equal(net_listed(net, b), 1);
    net_run(net, net->delay);
    assert_int_equal(net_listed(net, a), 1);
    assert_int_equal(knocks(net, b, 0, NULL), 1);
}

static void who_knows_one_seed_is_told_of_everyone(void **state)
{
    struct net *net = *state;
    net_members(net, 8);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net->drop = net_drop_group;
    size_t i = net_member(net, "i@host", 1);
    net_seed(net, i, 3, 40000, 1);
    net_run(net, 10 * MS_US);
    assert_int_equal(net_listed(net, i), 8);
}

/* The seed alone has heard it: so it tells the others, whatever its rank. */
static void a_seed_vouches_for_who_comes_by_it(void **state)
{
    struct net *net = *state;
    net_members(net, 12);
    assert_true(net_wait(net, SECOND_US, net_whole));
    for (size_t seed = 0; seed < 4; seed++) {
        struct forged f = forge(0x5eed + seed, "f@host", 1, 90);
        struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        f.id.name.text[0] = (char)('w' + seed);
        f.clock = (uint64_t)net->now;
        forge_start(&f, &m, WIRE_HELLO);
        m.has |= HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
        forge_to(&m, 0, &net->nodes[seed]->addr);
        int64_t since = ++net->now;
        net_inject(net, seed, &f.addr, PATH_UNICAST, data, forge_seal(&f, &m, data));
        assert_int_equal(net_sent(net, seed, since, WIRE_ACK, NULL), 1);
        net_prove(net, seed, &f);
        net_run(net, 5 * MS_US);
        for (size_t i = 0; i < net->count; i++) {
            struct peer_view view;
            assert_true(attack_lists(net, i, f.id.boot, &view));
        }
    }
}

/* Also off the link, where nothing else goes to strangers: no more than came. */
static void a_seed_answers_with_no_more_than_it_was_asked(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    size_t a = net_add(net, "a@host", 1, &options);
    net->nodes[a]->tags = build_tags(1, "role=web version=1.4.2 zone=a");
    net_alive(net, a);
    net_run(net, 7 * SECOND_US);
    for (uint8_t source = SOURCE_NEAR; source <= SOURCE_FAR; source++) {
        for (uint16_t size = 100; size <= QUESTION_SIZE; size += 4) {
            struct forged f = forge(1000u * (source + 1u) + size, "s@host", 1, 60);
            struct wire_message m;
            uint8_t data[DATAGRAM_MAX];
            struct path path = {
                .kind = PATH_UNICAST, .source = source, .addr = f.addr, .local = net->nodes[a]->addr};
            int64_t since = ++net->now;
            forge_start(&f, &m, WIRE_HELLO);
            m.has |= HAS_QUESTION;
            m.own_count = 0;
            m.pad_to = (uint16_t)(size - SEAL_OVERHEAD);
            forge_to(&m, 0, &path.local);
            size_t len = forge_seal(&f, &m, data);
            net_inject_path(net, a, &path, data, len);
            assert_in_range(attack_bytes(net, &f.addr, since), 0, len);
            assert_true(len < QUESTION_SIZE || attack_sent_to(net, &f.addr, since, NULL) == 1);
            net_inject_path(net, a, &path, data, len); /* and once for each datagram */
            assert_in_range(attack_sent_to(net, &f.addr, since, NULL), 0, 1);
            net_run(net, 20 * MS_US); /* nothing is repeated */
            assert_in_range(attack_sent_to(net, &f.addr, since, NULL), 0, 1);
        }
    }
}

static void a_recorded_question_to_a_seed_lists_nobody(void **state)
{
    struct net *net = no_multicast(state);
    struct addr attacker = ATTACKER;
    struct sent question;
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1);
    net_seed(net, b, a, 40000, 1);
    net_run(net, SECOND_US);
    assert_true(attack_record(net, b, WIRE_HELLO, PATH_UNICAST, 0, &question));
    net_kill(net, b);
    net_run(net, 80 * SECOND_US); /* it is buried, and forgotten */
    net_forget_events(net);
    int64_t since = ++net->now;
    inside_forget_copies(net->nodes[a]->g);
    attack_replay(net, a, &question, &attacker);
    assert_int_equal(attack_sent_to(net, &attacker, since, NULL), 1);
    inside_forget_copies(net->nodes[a]->g);
    attack_replay(net, a, &question, &attacker);
    net_run(net, 5 * SECOND_US);
    assert_int_equal(attack_sent_to(net, &attacker, since, NULL), 1);
    assert_int_equal(net->nodes[a]->event_count, 0);
}

/* A peer whose echo was lost, or who knows this member by others only. */
static void a_peer_that_asks_a_seed_is_answered_whatever_its_number(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged f = forge(77, "f@h9", 1, 9);
    net_run(net, 7 * SECOND_US);
    net_prove(net, a, &f);
    for (uint8_t k = 0; k < 20; k++) {
        struct wire_message m;
        int64_t since = ++net->now;
        forge_start(&f, &m, WIRE_HELLO);
        m.sent_at = (uint64_t)net->now;
        m.question = k;
        m.has |= HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
        forge_to(&m, 0, &net->nodes[a]->addr);
        net_say(net, a, &f, PATH_UNICAST, &m);
        assert_int_equal(net_sent(net, a, since, WIRE_ACK, &m), 1);
        assert_true(m.echo_count == 1 && m.echoes[0].nonce == f.nonce);
    }
}

/* In vain: quickly at first, then ever more seldom. */
static void a_seed_where_nobody_is_is_asked_ever_more_seldom(void **state)
{
    struct net *net = no_multicast(state);
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1);
    net_kill(net, b);
    net_seed(net, a, b, 40000, 1);
    int64_t since = net->now;
    net_run(net, 200 * MS_US - 1);
    assert_int_equal(knocks(net, a, 0, NULL), 10);
    net_run(net, since + SECOND_US - net->now);
    assert_in_range(knocks(net, a, 0, NULL), 14, 16);
    net_run(net, since + 60 * SECOND_US - net->now);
    assert_in_range(knocks(net, a, 0, NULL), 20, 24);
    since = net->now;
    net_run(net, 600 * SECOND_US);
    assert_in_range(knocks(net, a, since, NULL), 600 / 30, 600 / 22);
}

static void a_seed_that_was_met_is_left_alone(void **state)
{
    struct net *net = *state; /* so that beats come */
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1);
    net_seed(net, b, a, 40000, 8);
    net_run(net, 300 * MS_US);
    int64_t since = net->now;
    net_run(net, 60 * SECOND_US);
    assert_int_equal(knocks(net, b, since, NULL), 0);
}

/* Who stood there has gone; whoever is there next is met, too. */
static void a_seed_that_has_gone_is_asked_again(void **state)
{
    struct net *net = no_multicast(state);
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1);
    net_seed(net, b, a, 40000, 1);
    net_run(net, SECOND_US);
    assert_int_equal(net_listed(net, b), 1);
    net->drop = NULL; /* the goodbye is heard */
    net_leave(net, a, DOWN_LEFT);
    net_run(net, 20 * MS_US);
    net->drop = net_drop_group;
    assert_int_equal(net_listed(net, b), 0);
    int64_t since = net->now;
    net_run(net, 10 * SECOND_US);
    assert_in_range(knocks(net, b, since, NULL), 3, 5);
    net_alive(net, a);
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net_listed(net, b), 1);
    assert_int_equal(net_listed(net, a), 1);
}

static void its_own_address_is_not_asked(void **state)
{
    struct net *net = no_multicast(state);
    size_t a = net_member(net, "a@h1", 1);
    unsigned ports;
    net_seed(net, a, a, 40000, 1);
    net_run(net, 10 * SECOND_US);
    assert_int_equal(knocks(net, a, 0, &ports), 0);
    net_seed(net, a, a, 40000, 8); /* but who else is on this machine */
    net_run(net, 10 * SECOND_US);
    assert_true(knocks(net, a, 0, &ports) > 0);
    assert_int_equal(ports, 0xfe);
}

static void whichever_port_a_seed_has_is_found(void **state)
{
    for (uint16_t first = 39993; first <= 40000; first++) {
        struct net *net = net_again(state);
        net->drop = net_drop_group;
        size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1);
        net_seed(net, b, a, first, 8);
        net_run(net, 150 * MS_US);
        assert_int_equal(net_listed(net, b), 1);
        assert_int_equal(net_listed(net, a), 1);
    }
}

/* All ports of all seeds at once would be 256 datagrams. */
static void all_seeds_together_are_asked_at_a_bounded_rate(void **state)
{
    struct net *net = no_multicast(state);
    struct seed seeds[SEEDS_MAX + 1];
    size_t a = net_member(net, "a@h1", 1);
    for (size_t i = 0; i < COUNT(seeds); i++) {
        seeds[i] = (struct seed){.addr = build_addr((uint8_t)(100 + i), 40000), .ports = 8};
    }
    gossip_seeds(net->nodes[a]->g, net->now, seeds, COUNT(seeds));
    int64_t since = net->now;
    net_run(net, 10 * MS_US);
    assert_int_equal(knocks(net, a, since, NULL), 2 * SEEDS_MAX);
    for (int second = 0; second < 30; second++) {
        int64_t begin = net->now;
        net_run(net, SECOND_US);
        assert_in_range(knocks(net, a, begin, NULL), 0, 8 * (SEED_BURST + SECOND_US / SEED_PERIOD));
    }
    for (size_t i = 0; i < COUNT(seeds); i++) { /* none has to wait for the others */
        assert_true((attack_sent_to(net, &seeds[i].addr, since, NULL) >= 12) == (i < SEEDS_MAX));
    }
}

static void seeds_that_are_told_again_go_on_and_others_end(void **state)
{
    struct net *net = no_multicast(state);
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 1), c = net_member(net, "c@h3", 1);
    net_kill(net, b);
    net_seed(net, a, b, 40000, 1);
    net_run(net, 60 * SECOND_US);
    int64_t since = ++net->now;
    net_seed(net, a, b, 40000, 1);
    net_run(net, SECOND_US);
    assert_in_range(knocks(net, a, since, NULL), 0, 1);
    net_seed(net, a, c, 40000, 1);
    since = ++net->now;
    net_run(net, 60 * SECOND_US);
    assert_int_equal(net_listed(net, a), 1);
    assert_int_equal(attack_sent_to(net, &net->nodes[b]->addr, since, NULL), 0);
}

static void what_is_no_seed_is_left_out(void **state)
{
    struct net *net = no_multicast(state);
    size_t a = net_member(net, "a@h1", 1);
    const uint8_t group[4] = {233, 252, 1, 33};
    struct seed wrong[] = {
        {.addr = build_addr(9, 0), .ports = 1},
        {.addr = build_addr(9, 40000), .ports = 0},
        {.addr = build_addr(9, 40000), .ports = 9},
        {.addr = build_addr(9, 65530), .ports = 8},
        {.addr = {0}, .ports = 1},
        {.addr = addr_ipv4(group, 40000, 0), .ports = 1},
    };
    gossip_seeds(net->nodes[a]->g, net->now, wrong, COUNT(wrong));
    net_run(net, 10 * SECOND_US);
    assert_int_equal(knocks(net, a, 0, NULL), 0);
}

static void who_is_not_announced_asks_no_seed(void **state)
{
    struct net *net = no_multicast(state);
    struct gossip_options options = net_options(net);
    size_t a = net_member(net, "a@h1", 1), b = net_add(net, "b@h2", 1, &options);
    net_seed(net, b, a, 40000, 1);
    net_run(net, 10 * SECOND_US);
    assert_int_equal(knocks(net, b, 0, NULL), 0);
    net_alive(net, b);
    net_run(net, 10 * MS_US);
    assert_int_equal(net_listed(net, b), 1);
    net_leave(net, b, DOWN_LEFT);
    net_run(net, 20 * MS_US);
    int64_t since = net->now;
    net_run(net, 60 * SECOND_US);
    assert_int_equal(knocks(net, b, since, NULL), 0);
    net_alive(net, b); /* and comes back by it */
    net_run(net, 10 * MS_US);
    assert_int_equal(net_listed(net, b), 1);
}

/* The nonce is for whoever stands at this address, and for nobody else. */
static void only_who_stands_at_the_seed_answers_for_it(void **state)
{
    struct net *net = no_multicast(state);
    size_t a = net_member(net, "a@h1", 1);
    struct forged there = forge(77, "f@h9", 1, 9), elsewhere = forge(78, "g@h9", 1, 10);
    struct seed seed = {.addr = there.addr, .ports = 1};
    struct wire_message m;
    struct sent question;
    gossip_seeds(net->nodes[a]->g, net->now, &seed, 1);
    net_run(net, 1);
    assert_int_equal(attack_sent_to(net, &there.addr, 0, &question), 1);
    assert_int_equal(witness_open(&net->nodes[a]->witness, question.data, question.len, &m), 0);
    uint64_t nonce = m.nonce;

    forge_start(&elsewhere, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[a]->g), nonce);
    net_say(net, a, &elsewhere, PATH_UNICAST, &m);
    assert_int_equal(net_listed(net, a), 0);
    gossip_seeds(net->nodes[a]->g, net->now, NULL, 0); /* nor does anybody who is asked no more */
    forge_start(&there, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[a]->g), nonce);
    net_say(net, a, &there, PATH_UNICAST, &m);
    assert_int_equal(net_listed(net, a), 0);
    gossip_seeds(net->nodes[a]->g, net->now, &seed, 1);
    net_say(net, a, &there, PATH_UNICAST, &m);
    assert_int_equal(net_listed(net, a), 1);
    assert_true(attack_believes(net, a, there.id.boot, &there.addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_seed_is_met_in_one_and_a_half_round_trips),
        NET_TEST(who_knows_one_seed_is_told_of_everyone),
        NET_TEST(a_seed_vouches_for_who_comes_by_it),
        NET_TEST(a_seed_answers_with_no_more_than_it_was_asked),
        NET_TEST(a_recorded_question_to_a_seed_lists_nobody),
        NET_TEST(a_peer_that_asks_a_seed_is_answered_whatever_its_number),
        NET_TEST(a_seed_where_nobody_is_is_asked_ever_more_seldom),
        NET_TEST(a_seed_that_was_met_is_left_alone),
        NET_TEST(a_seed_that_has_gone_is_asked_again),
        NET_TEST(its_own_address_is_not_asked),
        NET_TEST(whichever_port_a_seed_has_is_found),
        NET_TEST(all_seeds_together_are_asked_at_a_bounded_rate),
        NET_TEST(seeds_that_are_told_again_go_on_and_others_end),
        NET_TEST(what_is_no_seed_is_left_out),
        NET_TEST(who_is_not_announced_asks_no_seed),
        NET_TEST(only_who_stands_at_the_seed_answers_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
