/* Who passes on what to whom: along the links of those who watch each other, and to the group. */
#include "build.h"
#include "far.h"
#include "kit/rank.h"
#include "test.h"

enum { NEAR = 8, FAR_ONE = NEAR };

/* The boot ids of a roster and its owner. */
struct members {
    size_t count;
    uint64_t boots[2 * NET_NODES];
};

static struct members members_of(const struct net *net)
{
    struct members all = {.count = net->count};
    for (size_t i = 0; i < net->count; i++) {
        all.boots[i] = gossip_boot(net->nodes[i]->g);
    }
    return all;
}

static size_t rank_of(const struct members *all, size_t count, uint64_t member, uint64_t subject)
{
    size_t before = 0;
    for (size_t i = 0; i < count; i++) {
        before +=
            all->boots[i] != subject && rank_weight(all->boots[i], subject) > rank_weight(member, subject);
    }
    return before;
}

static bool are_linked(const struct members *all, uint64_t a, uint64_t b)
{
    return rank_of(all, all->count, a, b) < ANSWERERS || rank_of(all, all->count, b, a) < ANSWERERS;
}

/* Datagrams of a type from node `from` since then, to one or to the group (NULL), with an entry about a boot
 * id; 0: whatever they tell. */
static size_t told(const struct net *net, size_t from, const struct addr *to, uint8_t type, uint64_t boot,
                   int64_t since)
{
    size_t count = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        static struct wire_message m;
        const struct sent *s = &net->log[k];
        bool there = to == NULL ? s->path.kind == PATH_GROUP
                                : s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, to);
        if (s->at >= since && there && addr_same(&s->from, &net->nodes[from]->addr) &&
            witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 && m.type == type) {
            count += boot == 0 || wire_entry_of(&m, boot) < m.entry_count;
        }
    }
    return count;
}

/* What changes about a member is said to its links, and to no other. */
static void a_change_is_said_to_the_links(void **state)
{
    struct net *net = far_apart(state, 12);
    struct members all = members_of(net);
    for (size_t i = 0; i < net->count; i++) {
        int64_t since = ++net->now;
        net->nodes[i]->tags = build_tags(1, "role=web");
        net_alive(net, i);
        for (size_t k = 0; k < net->count; k++) {
            bool linked = k != i && are_linked(&all, all.boots[i], all.boots[k]);
            assert_int_equal(told(net, i, &net->nodes[k]->addr, WIRE_HELLO, 0, since), linked ? 1 : 0);
        }
        net_run(net, 50 * MS_US);
    }
}

/* Where nobody is near, the group is not told what others say: nobody would hear it. */
static void what_others_say_is_not_said_to_a_group_of_nobody(void **state)
{
    struct net *net = far_apart(state, 12);
    int64_t since = ++net->now;
    far_add(net, 1);
    net_run(net, SECOND_US);
    assert_true(net_whole(net));
    for (size_t i = 1; i < 12; i++) { /* the first is the seed, which vouches for it */
        assert_int_equal(told(net, i, NULL, WIRE_NEWS, gossip_boot(net->nodes[12]->g), since), 0);
    }
}

static bool drop_group_of_one(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    return s->path.kind == PATH_GROUP && (from == FAR_ONE) != (to == FAR_ONE);
}

/* Some who hear one another, and one who hears nobody, nor is heard. */
static struct net *one_apart(void **state)
{
    struct net *net = *state;
    net->drop = drop_group_of_one;
    far_add(net, NEAR + 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 10 * SECOND_US);
    return net;
}

/* Of all who hear it at once, those tell the far who are linked with them, and among the first three by rank.
 */
static void what_the_group_hears_the_first_three_tell_the_far(void **state)
{
    struct net *net = one_apart(state);
    struct members all = members_of(net);
    struct forged f = forge(0x6000, "f@h3", 1, 60), x = forge(0, "x@h4", 1, 61);
    bool expected[NEAR];
    size_t first = 0, linked = 0;
    for (size_t i = 0; i < NEAR; i++) {
        net_prove(net, i, &f);
    }
    net_run(net, 20 * MS_US);
    uint64_t far = all.boots[FAR_ONE];
    all.boots[NEAR] = f.id.boot; /* those who count in ranks stand in front */
    all.boots[NEAR + 1] = far;
    all.count = NEAR + 3;
    for (uint64_t boot = 0x7000; first == 0 || linked == first; boot++) {
        x.id.boot = all.boots[NEAR + 2] = boot;
        first = linked = 0;
        for (size_t i = 0; i < NEAR; i++) {
            bool links = are_linked(&all, all.boots[i], far);
            expected[i] = links && rank_of(&all, NEAR + 1, all.boots[i], boot) < ANSWERERS;
            linked += links;
            first += expected[i];
        }
    }
    int64_t since = ++net->now;
    for (size_t i = 0; i < NEAR; i++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_NEWS);
        forge_entry(&m, &x);
        net_say(net, i, &f, PATH_GROUP, &m);
    }
    net_run(net, 10 * MS_US);
    for (size_t i = 0; i < NEAR; i++) {
        size_t sent = told(net, i, &net->nodes[FAR_ONE]->addr, WIRE_NEWS, x.id.boot, since);
        assert_int_equal(sent, expected[i] ? 1 : 0);
        assert_int_equal(told(net, i, NULL, WIRE_NEWS, x.id.boot, since), 0);
    }
}

/* What came by unicast is said to the group, once, by the one who heard it; and not to the one who told it,
 * nor to its subject. */
static void what_one_is_told_goes_to_the_group_and_not_back(void **state)
{
    struct net *net = one_apart(state);
    struct members all = members_of(net);
    struct forged y, z = forge(0, "z@h4", 1, 61);
    uint64_t about = 0x7000;
    uint8_t number;
    size_t to;
    all.count = NEAR + 3;
    do { /* both who tells and of whom it tells are linked with the one who is told */
        about++;
        number = (uint8_t)(about % 9 + 1);
        to = about % NEAR;
        all.boots[NEAR + 1] = number;
        all.boots[NEAR + 2] = about;
    } while (rank_of(&all, all.count, all.boots[to], number) >= ANSWERERS ||
             rank_of(&all, all.count, all.boots[to], about) >= ANSWERERS);
    z.id.boot = about;
    y = far_insider(net, to, number);
    int64_t since = ++net->now;
    struct wire_message m;
    forge_start(&y, &m, WIRE_NEWS);
    forge_entry(&m, &z);
    net_say(net, to, &y, PATH_UNICAST, &m);
    net_run(net, 100 * MS_US);
    assert_int_equal(told(net, to, NULL, WIRE_NEWS, about, since), 1);
    assert_int_equal(told(net, FAR_ONE, NULL, WIRE_NEWS, about, since), 0); /* nobody is near to that one */
    assert_int_equal(told(net, to, &y.addr, WIRE_NEWS, about, since), 0);
    assert_int_equal(told(net, to, &z.addr, WIRE_NEWS, about, since), 0);
    assert_true(told(net, to, &z.addr, WIRE_PROBE, 0, since) > 0); /* though it is linked with both */
    assert_true(told(net, to, &y.addr, WIRE_PROBE, 0, since - SECOND_US) > 0);
}

/* Whom it is told of as far, or by one who is far, a member asks at once and again, if it is to watch it. Who
 * is near is listened to. */
static void who_is_told_of_as_far_is_asked_at_once(void **state)
{
    const struct {
        bool by_group, far, asked;
    } rows[] = {{true, false, false}, {true, true, true}, {false, false, true}};
    for (size_t row = 0; row < COUNT(rows); row++) {
        struct net *net = net_again(state);
        net->drop = drop_group_of_one;
        far_add(net, NEAR + 1);
        assert_true(net_wait(net, 2 * SECOND_US, net_whole));
        net_run(net, 10 * SECOND_US);
        struct members all = members_of(net);
        struct forged teller = rows[row].by_group ? forge(9, "f@h3", 1, 60) : far_insider(net, 0, 9);
        struct forged x = forge(0x7000, "x@h4", 1, 61);
        if (rows[row].by_group) {
            net_prove(net, 0, &teller);
        }
        all.boots[all.count++] = teller.id.boot;
        all.boots[all.count++] = x.id.boot;
        do {
            x.id.boot = ++all.boots[all.count - 1];
        } while (rank_of(&all, all.count, all.boots[0], x.id.boot) >= ANSWERERS);
        int64_t since = ++net->now;
        struct wire_message m;
        forge_start(&teller, &m, WIRE_NEWS);
        forge_entry(&m, &x);
        m.entries[0].far = rows[row].far;
        net_say(net, 0, &teller, rows[row].by_group ? PATH_GROUP : PATH_UNICAST, &m);
        net_run(net, 200 * MS_US);
        size_t asked = told(net, 0, &x.addr, WIRE_PROBE, 0, since);
        assert_in_range(asked, rows[row].asked ? 3 : 0, rows[row].asked ? 4 : 0);
    }
}

/* What comes at once and fits into no datagram follows in the next, and none of it is lost. */
static void more_than_one_datagram_holds_is_told_in_several(void **state)
{
    enum { EACH = 4, SUBJECTS = 2 * EACH };
    struct net *net = far_apart(state, 12);
    struct members all = members_of(net);
    size_t to = 0, link = 1;
    all.boots[all.count++] = 1;
    for (uint64_t i = 0; i < SUBJECTS; i++) {
        all.boots[all.count++] = 0x7000 + i;
    }
    while (to == link || !are_linked(&all, all.boots[to], all.boots[link])) {
        link = (link + 1) % 12;
        to += link == 0;
    }
    struct forged y = far_insider(net, to, 1);
    int64_t since = ++net->now;
    for (uint8_t n = 0; n < SUBJECTS; n += EACH) {
        struct wire_message m;
        forge_start(&y, &m, WIRE_NEWS);
        for (uint8_t i = 0; i < EACH; i++) {
            char name[] = "a@h4";
            name[0] = (char)('a' + n + i);
            struct forged x = forge(0x7000u + n + i, name, 1, (uint8_t)(61 + n + i));
            forge_entry(&m, &x);
            m.entries[i].tags = build_tags(
                1, "role=a_text_that_is_long_enough_for_few_entries_to_fit_into_a_datagram_as_many_do_"
                   "without_any "
                   "zone=and_another_one_for_the_rest_of_what_tags_may_take_of_that_which_is_256_bytes");
        }
        net_say(net, to, &y, PATH_UNICAST, &m);
    }
    net_run(net, 10 * MS_US);
    assert_in_range(told(net, to, &net->nodes[link]->addr, WIRE_NEWS, 0, since), 2, 3);
    for (uint64_t i = 0; i < SUBJECTS; i++) {
        assert_int_equal(told(net, to, &net->nodes[link]->addr, WIRE_NEWS, 0x7000 + i, since), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_change_is_said_to_the_links),
        NET_TEST(what_others_say_is_not_said_to_a_group_of_nobody),
        NET_TEST(what_the_group_hears_the_first_three_tell_the_far),
        NET_TEST(what_one_is_told_goes_to_the_group_and_not_back),
        NET_TEST(who_is_told_of_as_far_is_asked_at_once),
        NET_TEST(more_than_one_datagram_holds_is_told_in_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
