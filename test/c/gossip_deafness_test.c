/* A member that could hear nobody for a while: what happened meanwhile was said then, and is not said again.
 * It finds it out as soon as it hears others again, from their digests and one roster. */
#include "kit/intervals.h"
#include "net.h"
#include "test.h"

enum { DEAF, GONE = 5, GONE_TOO = 7, MEMBERS = 10, TRIALS = 3 };

/* 4 T of silence would make anybody a watcher, 0.75 s before it buries. */
#define SOON (BACKSTOP * SECOND_US - SECOND_US)

/* The others hear it all the while, and so do not bury it. */
static bool drop_to_the_deaf(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)from;
    (void)s;
    return to == DEAF;
}

static struct net *settled(void **state)
{
    struct net *net = net_again(state);
    net_members(net, MEMBERS);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 6 * SECOND_US);
    assert_true(net_whole(net));
    net_forget_events(net);
    return net;
}

static const struct event *told_of(const struct net *net, size_t subject, uint8_t type)
{
    const struct node *n = net->nodes[DEAF];
    const struct event *last = NULL;
    for (size_t i = 0; i < n->event_count; i++) {
        const struct event *e = &n->events[i];
        last = e->type == type && name_same(&e->peer.id.name, &net->nodes[subject]->self.name) ? e : last;
    }
    return last;
}

static bool is_down(struct net *net)
{
    return told_of(net, GONE, EVENT_DOWN) != NULL;
}

static bool is_replaced(struct net *net)
{
    const struct event *e = told_of(net, GONE, EVENT_UPDATE);
    return e != NULL && e->peer.id.boot == gossip_boot(net->nodes[GONE]->g);
}

/* It says goodbye or does not, and is followed by another life or is not. */
static void end(struct net *net, bool says, bool follows)
{
    if (says) {
        net_leave(net, GONE, DOWN_BEAM_EXIT);
        net_run(net, 50 * MS_US);
    }
    if (follows) {
        net_restart(net, GONE);
        net->nodes[GONE]->self.creation++;
        net_alive(net, GONE);
    } else {
        net_kill(net, GONE);
    }
}

static void ends_are_found_out(void **state, bool stopped, int64_t within)
{
    for (int trial = 0; trial < TRIALS * 4; trial++) {
        struct net *net = settled(state);
        net->drop = drop_to_the_deaf;
        net->nodes[DEAF]->paused = stopped;
        net_run(net, 200 * MS_US);
        end(net, (trial & 1) != 0, (trial & 2) != 0);
        net_run(net, 5 * SECOND_US);
        assert_false(is_down(net));
        net->drop = NULL;
        net->nodes[DEAF]->paused = false;
        assert_true(net_wait(net, within, is_down));
    }
}

static void who_was_deaf_finds_out_who_has_gone(void **state)
{
    ends_are_found_out(state, false, 2 * SECOND_US);
}

/* What waited in its sockets was too much for them. To itself no time has passed, so that it has just heard
 * everybody; and the others have buried it, and help it when they know it again. */
static void who_was_stopped_finds_out_who_has_gone(void **state)
{
    ends_are_found_out(state, true, SOON);
}

/* Another has gone, too, so that the others list fewer than this member does. */
static void who_was_deaf_finds_out_who_has_another_sidecar(void **state)
{
    for (int trial = 0; trial < TRIALS * 2; trial++) {
        struct net *net = settled(state);
        net->drop = drop_to_the_deaf;
        net_run(net, 200 * MS_US);
        net_restart(net, GONE);
        net_alive(net, GONE);
        net_kill(net, GONE_TOO);
        net_run(net, 5 * SECOND_US);
        net->drop = NULL;
        assert_true(net_wait(net, SOON, is_replaced));
        net_run(net, 6 * SECOND_US);
        assert_false(is_down(net));
        assert_non_null(told_of(net, GONE_TOO, EVENT_DOWN));
    }
}

/* Others who know no more than it does are not asked: in a group of a thousand a roster is 80 pages. */
static void who_was_deaf_and_missed_nothing_asks_for_nothing(void **state)
{
    for (int trial = 0; trial < TRIALS; trial++) {
        struct net *net = settled(state);
        net->drop = trial == 0 ? drop_to_the_deaf : net_drop_dark; /* or all have buried it */
        net->dark = DEAF;
        net_run(net, 5 * SECOND_US);
        net->drop = NULL;
        int64_t since = net->now;
        net_run(net, 3 * SECOND_US);
        assert_true(net_whole(net));
        assert_int_equal(net_sent(net, DEAF, since, WIRE_ROSTER, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(who_was_deaf_finds_out_who_has_gone),
        NET_TEST(who_was_stopped_finds_out_who_has_gone),
        NET_TEST(who_was_deaf_finds_out_who_has_another_sidecar),
        NET_TEST(who_was_deaf_and_missed_nothing_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
