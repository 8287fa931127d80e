/* Multicast that works one way, or not at all, while unicast works: who is deaf, or mute, says so once, and
 * when it is over; nobody else does. */
#include "build.h"
#include "net.h"
#include "test.h"

/* What comes to member `dark` by the group is lost; or what it says to the group. */
static bool deafen(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)from;
    return s->path.kind == PATH_GROUP && to == net->dark;
}

static bool silence(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)to;
    return s->path.kind == PATH_GROUP && from == net->dark;
}

static void settle(struct net *net, size_t members)
{
    static const char *const names[] = {"a@h1", "b@h2", "c@h3", "d@h4", "e@h5"};
    for (size_t i = 0; i < members; i++) {
        (void)net_member(net, names[i], 1);
    }
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 8 * SECOND_US);
    for (size_t i = 0; i < members; i++) {
        assert_int_equal(net_events(net, i, EVENT_LINK), 0);
    }
}

static void assert_only(const struct net *net, size_t teller, size_t events)
{
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_LINK), i == teller ? events : 0);
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
    }
}

static void the_deaf_says_so_and_nobody_else(void **state)
{
    struct net *net = *state;
    settle(net, 4);
    net->dark = 1;
    net->drop = deafen;
    net_run(net, 60 * SECOND_US);
    assert_only(net, 1, 1);
    struct link_view link = net_event(net, 1, EVENT_LINK)->link;
    assert_int_equal(link.deaf, 3);
    assert_int_equal(link.mute, 0);
    net->drop = NULL;
    net_run(net, 2 * SECOND_US);
    assert_only(net, 1, 2);
    link = net_event(net, 1, EVENT_LINK)->link;
    assert_true(link.deaf == 0 && link.mute == 0 && !link.lapsed);
}

static void the_mute_is_told_by_others_and_says_so(void **state)
{
    struct net *net = *state;
    settle(net, 5);
    net->dark = 0;
    net->drop = silence;
    net_run(net, 60 * SECOND_US);
    assert_only(net, 0, 1);
    struct link_view link = net_event(net, 0, EVENT_LINK)->link;
    assert_int_equal(link.deaf, 0);
    assert_in_range(link.mute, 2, 4);
    net->drop = NULL;
    net_run(net, 6 * SECOND_US);
    assert_only(net, 0, 2);
    link = net_event(net, 0, EVENT_LINK)->link;
    assert_true(link.deaf == 0 && link.mute == 0 && !link.lapsed);
}

/* It came by a seed, and says at once that it hears nobody by the group. The others are too new to each other
 * for their silence about that to be a word; but they might say so yet, and most will not. */
static void one_deaf_among_the_young_is_no_reason_for_the_others(void **state)
{
    struct net *net = *state;
    static const char *const names[] = {"a@h1", "b@h2", "c@h3", "d@h4", "e@h5"};
    net->dark = 4;
    net->drop = deafen;
    for (size_t i = 0; i < 5; i++) {
        (void)net_member(net, names[i], 1);
    }
    net_seed(net, 4, 0, net->nodes[0]->addr.port, 1);
    net_run(net, 30 * SECOND_US);
    assert_true(net_whole(net));
    assert_only(net, 4, 1);
    assert_in_range(net_event(net, 4, EVENT_LINK)->link.deaf, 1, 4);
}

/* Nobody else can tell which of the two it is: each says what it sees. */
static void of_two_each_says_what_it_sees(void **state)
{
    struct net *net = *state;
    settle(net, 2);
    net->dark = 0;
    net->drop = deafen;
    net_run(net, 30 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LINK), 1);
    assert_int_equal(net_event(net, 0, EVENT_LINK)->link.deaf, 1);
    assert_int_equal(net_events(net, 1, EVENT_LINK), 1);
    assert_int_equal(net_event(net, 1, EVENT_LINK)->link.mute, 1);
}

static bool lose_all_by_group(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    return s->path.kind == PATH_GROUP && from != to;
}

/* A network that passes no multicast at all. */
static void all_are_deaf_and_mute_where_none_passes(void **state)
{
    struct net *net = *state;
    settle(net, 4);
    net->drop = lose_all_by_group;
    net_run(net, 30 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        const struct link_view *link = &net_event(net, i, EVENT_LINK)->link;
        assert_int_equal(net_events(net, i, EVENT_LINK), 2);
        assert_true(link->deaf > 0 && link->mute > 0);
    }
}

static void who_is_alone_or_cut_off_says_nothing(void **state)
{
    struct net *net = *state;
    size_t alone = net_member(net, "a@h1", 1);
    net_run(net, 60 * SECOND_US);
    assert_int_equal(net_events(net, alone, EVENT_LINK), 0);
    (void)net_member(net, "b@h2", 1);
    (void)net_member(net, "c@h3", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net->dark = alone; /* its cable is pulled, and plugged in again before anybody is taken for dead */
    net->drop = net_drop_dark;
    net_run(net, 1500 * MS_US);
    net->drop = NULL;
    net_run(net, 20 * SECOND_US);
    net->drop = net_drop_dark; /* and after that */
    net_run(net, 40 * SECOND_US);
    net->drop = NULL;
    net_run(net, 20 * SECOND_US);
    assert_true(net_whole(net));
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_LINK), 0);
    }
}

/* All of them are gone without a word: there is nobody of whom it could be told. */
static void it_lapses_when_nobody_is_left(void **state)
{
    struct net *net = *state;
    settle(net, 3);
    net->drop = lose_all_by_group;
    net_run(net, 30 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LINK), 2);
    net_kill(net, 1);
    net_kill(net, 2);
    net_run(net, 60 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LINK), 4);
    const struct link_view *link = &net_event(net, 0, EVENT_LINK)->link;
    assert_true(link->deaf == 0 && link->mute == 0 && link->lapsed);
}

/* It says a message of this type; by unicast: that it does not hear, or that it does. */
static void say(struct net *net, size_t i, struct forged *f, struct path path, uint8_t type, uint8_t flags)
{
    struct wire_message m;
    uint8_t sealed[DATAGRAM_MAX];
    forge_start(f, &m, type);
    m.sent_at = (uint64_t)net->now;
    m.flags |= flags;
    if (path.kind == PATH_UNICAST) {
        forge_to(&m, gossip_boot(net->nodes[i]->g), &net->nodes[i]->addr);
        path.local = net->nodes[i]->addr;
    }
    net_inject_path(net, i, &path, sealed, forge_seal(f, &m, sealed));
}

static void say_unheard(struct net *net, size_t i, struct forged *f, uint8_t source)
{
    struct path path = path_unicast(&f->addr);
    path.source = source;
    say(net, i, f, path, WIRE_ACK, WIRE_FAR);
}

/* Of three peers one says that it does not hear: the others are asked, and say otherwise when they answer. */
static void one_word_is_not_enough(void **state)
{
    struct net *net = *state;
    settle(net, 3);
    struct forged liar = forge(77, "z@h9", 1, 9);
    net_prove(net, 0, &liar);
    int64_t since = ++net->now;
    for (int second = 0; second < 60; second++) {
        for (size_t i = 0; i < 3; i++) {
            say(net, i, &liar, (struct path){.kind = PATH_GROUP, .addr = liar.addr}, WIRE_HELLO, 0);
        }
        say_unheard(net, 0, &liar, SOURCE_NEAR);
        net_run(net, SECOND_US);
    }
    assert_int_equal(net_listed(net, 0), 3);
    assert_int_equal(net_events(net, 0, EVENT_LINK), 0);
    assert_in_range(net_sent(net, 0, since, WIRE_PROBE, NULL), 2 * 60 / WORDS_AGAIN - 10, 2 * 60);
}

/* Where multicast keeps to the link, one that is beyond a router never hears it. */
static void who_is_off_the_link_is_not_expected_to_hear(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, SECOND_US);
    struct forged far = forge(77, "z@h9", 1, 9);
    net_prove(net, a, &far);
    for (int second = 0; second < 60; second++) {
        say_unheard(net, a, &far, SOURCE_FAR);
        net_run(net, SECOND_US);
    }
    assert_int_equal(net_listed(net, a), 1);
    assert_int_equal(net_events(net, a, EVENT_LINK), 0);
}

/* So said, it is one of two: the only peer there is. */
static void the_word_of_the_only_peer_counts(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, SECOND_US);
    struct forged near = forge(77, "z@h9", 1, 9);
    net_prove(net, a, &near);
    for (int second = 0; second < 20; second++) {
        say_unheard(net, a, &near, SOURCE_NEAR);
        net_run(net, SECOND_US);
    }
    assert_int_equal(net_events(net, a, EVENT_LINK), 2); /* and it is not heard by the group either */
    const struct link_view *link = &net_event(net, a, EVENT_LINK)->link;
    assert_true(link->deaf == 1 && link->mute == 1);
}

/* For a while one beats on links 1 to `links`, all but the first of which bring copies; another answers on
 * link 2, and is not heard by the group. */
static void beat_on(struct net *net, size_t a, struct forged *f, struct forged *other, uint32_t links)
{
    for (int second = 0; second < 30; second++) {
        struct wire_message m;
        uint8_t sealed[DATAGRAM_MAX];
        forge_start(f, &m, WIRE_HELLO);
        m.sent_at = (uint64_t)net->now;
        size_t len = forge_seal(f, &m, sealed);
        struct path path = {.kind = PATH_GROUP, .addr = f->addr};
        for (path.addr.ifindex = 1; path.addr.ifindex <= links; path.addr.ifindex++) {
            net_inject_path(net, a, &path, sealed, len);
        }
        path = path_unicast(&other->addr);
        path.addr.ifindex = 2;
        say(net, a, other, path, WIRE_ACK, 0);
        net_run(net, SECOND_US);
    }
}

static void copies_by_a_second_link_are_heard(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, SECOND_US);
    struct forged f = forge(77, "z@h9", 1, 9), other = forge(78, "y@h8", 1, 8);
    net_prove(net, a, &f);
    net_prove(net, a, &other);
    beat_on(net, a, &f, &other, 2);
    assert_int_equal(net_listed(net, a), 2);
    assert_int_equal(net_events(net, a, EVENT_LINK), 0);
    beat_on(net, a, &f, &other, 1);
    assert_int_equal(net_events(net, a, EVENT_LINK), 1);
    assert_int_equal(net_event(net, a, EVENT_LINK)->link.ifindex, 2);
    assert_int_equal(net_event(net, a, EVENT_LINK)->link.deaf, 1);
}

/* A life that is over takes with it what was told of its links. */
static void a_new_life_begins_anew(void **state)
{
    struct net *net = *state;
    settle(net, 3);
    net->drop = lose_all_by_group;
    net_run(net, 30 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LINK), 2);
    net->drop = NULL;
    net_leave(net, 0, DOWN_LEFT);
    net_run(net, SECOND_US);
    net_alive(net, 0);
    net_run(net, 20 * SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
    assert_int_equal(net_events(net, 0, EVENT_LINK), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(the_deaf_says_so_and_nobody_else),
        NET_TEST(the_mute_is_told_by_others_and_says_so),
        NET_TEST(one_deaf_among_the_young_is_no_reason_for_the_others),
        NET_TEST(of_two_each_says_what_it_sees),
        NET_TEST(all_are_deaf_and_mute_where_none_passes),
        NET_TEST(who_is_alone_or_cut_off_says_nothing),
        NET_TEST(it_lapses_when_nobody_is_left),
        NET_TEST(one_word_is_not_enough),
        NET_TEST(who_is_off_the_link_is_not_expected_to_hear),
        NET_TEST(the_word_of_the_only_peer_counts),
        NET_TEST(copies_by_a_second_link_are_heard),
        NET_TEST(a_new_life_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
