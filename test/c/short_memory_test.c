/* Members whose allocator refuses. They may learn less meanwhile; they are never silent, and whole again soon
 * after. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "inside.h"
#include "kit/timers.h"
#include "listener.h"
#include "net.h"
#include "refuse.h"
#include "test.h"

static struct net *refusing(void **state, uint32_t percent, bool timers_only)
{
    struct net *net = net_again(state);
    refuse_start(net->prng, percent, timers_only ? sizeof(struct timer) : 1);
    net->inside = refuse_inside;
    return net;
}

/* What was refused is counted, by whoever was refused it. */
static void assert_counted(struct net *net)
{
    uint64_t counted = 0;
    for (size_t i = 0; i < net->count; i++) {
        struct gossip_stats s = gossip_stats(net->nodes[i]->g);
        counted += s.timers_refused + s.refused_memory;
    }
    assert_true(refuse_count() > 0);
    assert_int_equal(counted, refuse_count());
}

/* Everybody beats, whatever is refused. */
static void assert_heard(const struct net *net, int64_t since, size_t least)
{
    for (size_t i = 0; i < net->count; i++) {
        assert_true(net_sent(net, i, since, WIRE_HELLO, NULL) >= least);
    }
}

static const uint32_t PERCENT[] = {20, 40, 60, 80, 95};

static void twelve_that_join_while_memory_is_short(void **state)
{
    for (size_t k = 0; k < COUNT(PERCENT); k++) {
        struct net *net = refusing(state, PERCENT[k], false);
        net_members(net, 12);
        net_run(net, 8 * SECOND_US);
        assert_heard(net, 0, 8);
        assert_counted(net);
        refuse_percent(0);
        assert_true(net_wait(net, 5 * SECOND_US, net_whole));
    }
}

static void twelve_that_come_and_go_while_memory_is_short(void **state)
{
    for (size_t k = 0; k < COUNT(PERCENT); k++) {
        struct net *net = refusing(state, 0, false);
        net_members(net, 12);
        assert_true(net_wait(net, 2 * SECOND_US, net_whole));
        refuse_percent(PERCENT[k]);
        int64_t since = net->now;
        for (size_t i = 0; i < 4; i++) { /* one dies and comes back, one leaves, one is another */
            net_restart(net, 3 * i);

            net_alive(net, 3 * i);
            net_leave(net, 3 * i + 1, DOWN_LEFT);
            net_run(net, SECOND_US);
            net_alive(net, 3 * i + 1);
            net->nodes[3 * i + 2]->self.creation++;
            net_alive(net, 3 * i + 2);
            net_run(net, SECOND_US);
        }
        assert_heard(net, since, 6);
        assert_true(refuse_count() > 0);
        refuse_percent(0);
        assert_true(net_wait(net, 5 * SECOND_US, net_whole));
    }
}

/* Their tags are told as soon as there is memory to keep them. */
static void twelve_that_have_tags_while_memory_is_short(void **state)
{
    struct net *net = refusing(state, 60, false);
    net_members(net, 12);
    for (size_t i = 0; i < net->count; i++) {
        net->nodes[i]->tags = build_tags(1, "role=db");
        net_alive(net, i);
    }
    net_run(net, 8 * SECOND_US);
    assert_counted(net);
    refuse_percent(0);
    assert_true(net_wait(net, 5 * SECOND_US, net_whole));
    net_run(net, 2 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        for (size_t k = 0; k < net->count; k++) {
            struct peer_view seen = {0};
            assert_true(k == i || attack_lists(net, i, gossip_boot(net->nodes[k]->g), &seen));
            assert_true(k == i || tags_same(&seen.tags, &net->nodes[k]->tags));
        }
    }
}

/* The heap of timers never gets a byte. The dead are missed as soon as ever, and forgotten; so are rivals. */
static void a_peer_whose_timers_find_no_room_is_watched_all_the_same(void **state)
{
    struct net *net = refusing(state, 100, true);
    net_members(net, 6);
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    for (size_t i = 0; i < 3; i++) {
        net_kill(net, i);
    }
    int64_t killed = net->now;
    assert_true(net_wait(net, 10 * SECOND_US, net_whole));
    assert_true(net->now - killed <= 2250 * MS_US);
    struct forged rival = forge(100, "d@host", 2, 20);
    net_prove(net, 4, &rival);
    net_run(net, SECOND_US);
    assert_int_equal(inside_members(net->nodes[4]->g), 6);
    net_run(net, TOMBSTONE_LIFE);
    assert_int_equal(inside_members(net->nodes[4]->g), 3);
    net_run(net, TOMBSTONE_LIFE);
    for (size_t i = 3; i < net->count; i++) {
        assert_int_equal(inside_members(net->nodes[i]->g), 2);
        assert_int_equal(inside_timers(net->nodes[i]->g), 0);
        assert_true(gossip_stats(net->nodes[i]->g).timers_refused > 0);
        assert_int_equal(gossip_stats(net->nodes[i]->g).refused_memory, 0);
    }
}

static void say_left(struct net *net, struct forged *f, uint64_t boot)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_LEFT, boot, 0);
    net_say(net, 0, f, PATH_GROUP, &m);
}

static size_t probes_to(const struct net *net, size_t i, int64_t since)
{
    size_t n = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        n += s->at >= since && addr_same(&s->from, &net->nodes[0]->addr) && s->path.kind == PATH_UNICAST &&
             addr_same(&s->path.addr, &net->nodes[i]->addr);
    }
    return n;
}

/* Others say that it has left, and the moment in which that can be refuted finds no room: it is probed all
 * the same, though it is not silent yet. What is said again counts as soon as there is room. */
static void a_goodbye_that_others_tell_of_while_there_is_no_room(void **state)
{
    struct net *net = refusing(state, 100, true);
    struct forged f = forge(100, "insider@h3", 1, 50);
    net_members(net, 4);
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    net_forget_events(net);
    uint64_t living = gossip_boot(net->nodes[2]->g), dead = gossip_boot(net->nodes[1]->g);
    int64_t beaten = net->now; /* its next beat has just come */
    while (net_sent(net, 1, beaten, WIRE_HELLO, NULL) == 0) {
        net_run(net, MS_US);
    }
    net_run(net, MS_US);
    net_kill(net, 1);
    int64_t since = net->now;
    uint64_t refused = refuse_count();
    say_left(net, &f, dead);
    say_left(net, &f, living);
    assert_true(refuse_count() > refused);
    net_run(net, 250 * MS_US);
    assert_true(probes_to(net, 1, since) >= 2 && probes_to(net, 1, since) <= 4);
    assert_true(probes_to(net, 2, since) >= 1);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 0);
    refuse_percent(0);
    say_left(net, &f, dead);
    say_left(net, &f, living);
    net_run(net, FAREWELL_WAIT + 10 * MS_US);
    const struct event *down = net_event(net, 0, EVENT_DOWN);
    assert_int_equal(net_events(net, 0, EVENT_DOWN), 1);
    assert_true(down->peer.id.boot == dead);
    assert_int_equal(down->reason, DOWN_LEFT);
}

/* Who only listens keeps what it can, counts the others, and lists them with their next beat. */
static void a_listener_whose_memory_is_short(void **state)
{
    struct prng prng = prng_from(3);
    struct listener_options options = {
        .keys = build_ring("k"), .max_rows = 100, .random = prng_fill, .random_context = &prng};
    for (size_t k = 0; k < COUNT(PERCENT); k++) {
        struct net *net = net_again(state);
        struct listener *l = listener_new(&options, net->now);
        assert_non_null(l);
        refuse_start(prng, PERCENT[k], 1);
        net_members(net, 12);
        size_t heard = 0;
        for (int second = 0; second < 10; second++) {
            net_run(net, SECOND_US);
            refuse_percent(second < 5 ? PERCENT[k] : 0);
            refuse_inside(true);
            for (; heard < net->log_count; heard++) {
                const struct sent *s = &net->log[heard];
                const struct path path = {.kind = s->path.kind, .addr = s->from};
                listener_receive(l, net->now, 0, &path, s->data, s->len);
            }
            refuse_inside(false);
        }
        struct listener_summary s = listener_summary(l);
        assert_true(refuse_count() > 0);
        assert_int_equal(s.unlisted, refuse_count());
        assert_int_equal(s.heard, 12);
        listener_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(twelve_that_join_while_memory_is_short),
        NET_TEST(twelve_that_come_and_go_while_memory_is_short),
        NET_TEST(twelve_that_have_tags_while_memory_is_short),
        NET_TEST(a_goodbye_that_others_tell_of_while_there_is_no_room),
        NET_TEST(a_peer_whose_timers_find_no_room_is_watched_all_the_same),
        NET_TEST(a_listener_whose_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
