/* One name, several lives: restarts, twins, and our own name. */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "test.h"

static void trio(struct net *net)
{
    net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    net_member(net, "c@h3", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    net_forget_events(net);
}

/* Node i was told of a down for `reason`, then of an up, of the same name; `creation`: of the new one. */
static void assert_succession(struct net *net, size_t i, uint8_t reason, uint32_t creation)
{
    assert_int_equal(net_events(net, i, EVENT_DOWN), 1);
    assert_int_equal(net_events(net, i, EVENT_UP), 1);
    const struct event *down = net_event(net, i, EVENT_DOWN), *up = net_event(net, i, EVENT_UP);
    assert_true(down < up);
    assert_int_equal(down->reason, reason);
    assert_true(name_same(&down->peer.id.name, &up->peer.id.name));
    assert_true(down->peer.id.creation != creation && up->peer.id.creation == creation);
    assert_int_equal(net_events(net, i, EVENT_CONFLICT), 0);
}

/* The sidecar was killed, the BEAM behind it goes on: no down, no up, but an update with the new boot id. */
static void a_new_sidecar_of_the_same_beam(void **state)
{
    struct net *net = *state;
    trio(net);
    uint64_t old = gossip_boot(net->nodes[0]->g);
    net_restart(net, 0);
    net_run(net, 200 * MS_US);
    net_alive(net, 0);
    net_run(net, SECOND_US);
    assert_true(net_whole(net));
    for (size_t i = 1; i < net->count; i++) {
        assert_int_equal(net->nodes[i]->event_count, 1);
        const struct peer_view *p = &net_event(net, i, EVENT_UPDATE)->peer;
        assert_true(p->id.boot != old && p->id.boot == gossip_boot(net->nodes[0]->g));
        assert_true(name_same(&p->id.name, &net->nodes[0]->self.name));
    }
    assert_int_equal(net_events(net, 0, EVENT_CONFLICT), 0);
    net_forget_events(net);
    for (size_t k = 0, recorded = net->log_count; k < recorded; k++) { /* the old one does not come back */
        struct sent s = net->log[k];
        net_inject(net, 1, &s.from, s.path.kind, s.data, s.len);
    }
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net->nodes[1]->event_count, 0);
}

/* The whole node was killed and started again: the old life goes down at once, without a wait for its
 * silence. */
static void a_new_life_of_a_dead_node(void **state)
{
    struct net *net = *state;
    trio(net);
    net_restart(net, 0);
    net->nodes[0]->self.creation = 2;
    net_alive(net, 0);
    net_run(net, 1200 * MS_US);
    for (size_t i = 1; i < net->count; i++) {
        assert_succession(net, i, DOWN_SILENT, 2);
    }
    net_run(net, 5 * SECOND_US);
    assert_true(net_whole(net));
    assert_succession(net, 1, DOWN_SILENT, 2);
    assert_int_equal(net_events(net, 0, EVENT_CONFLICT), 0);
}

/* Two living nodes of one name: the first keeps it, everybody is told once, and the twins of each other. */
static void twins_are_told_once(void **state)
{
    struct net *net = *state;
    trio(net);
    size_t twin = net_member(net, "a@h1", 2);
    net_run(net, 60 * SECOND_US);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(net->nodes[i]->event_count, 1);
        const struct event *e = net_event(net, i, EVENT_CONFLICT);
        assert_true(e->peer.id.boot == gossip_boot(net->nodes[twin]->g));
        assert_true(e->other.id.boot == gossip_boot(net->nodes[0]->g));
        assert_true(addr_same(&e->peer.addrs[0], &net->nodes[twin]->addr));
        assert_true(addr_same(&e->other.addrs[0], &net->nodes[0]->addr));
    }
    const size_t twins[] = {0, twin};
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(net_events(net, twins[k], EVENT_CONFLICT), 1);
        assert_true(net_event(net, twins[k], EVENT_CONFLICT)->other.id.boot ==
                    gossip_boot(net->nodes[twins[k]]->g));
        assert_int_equal(net_listed(net, twins[k]), 2);
    }
}

static void a_twin_inherits(void **state)
{
    for (int polite = 0; polite < 2; polite++) {
        struct net *net = net_again(state);
        trio(net);
        size_t twin = net_member(net, "a@h1", 2);
        net_run(net, 5 * SECOND_US);
        net_forget_events(net);
        if (polite) {
            net_leave(net, 0, DOWN_LEFT);
        } else {
            net_kill(net, 0);
        }
        net_run(net, 5 * SECOND_US);
        for (size_t i = 1; i < 3; i++) {
            assert_succession(net, i, polite ? DOWN_LEFT : DOWN_SILENT, 2);
            assert_true(net_event(net, i, EVENT_UP)->peer.id.boot == gossip_boot(net->nodes[twin]->g));
        }
    }
}

/* Whoever was told of a conflict is told of its end, or would dial neither of the two for ever. */
static void a_rival_that_goes_leaves_the_name_to_the_other(void **state)
{
    for (int polite = 0; polite < 2; polite++) {
        struct net *net = net_again(state);
        trio(net);
        size_t twin = net_member(net, "a@h1", 2);
        uint64_t boot = gossip_boot(net->nodes[twin]->g);
        net_run(net, 5 * SECOND_US);
        net_forget_events(net);
        if (polite) {
            net_leave(net, twin, DOWN_LEFT);
        } else {
            net_kill(net, twin);
        }
        net_run(net, 20 * SECOND_US);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(net->nodes[i]->event_count, 1);
            assert_true(net_event(net, i, EVENT_SETTLED)->peer.id.boot == boot);
            assert_int_equal(net_listed(net, i), 2);
        }
    }
}

/* The ghost of our own last sidecar, whom somebody still lists, is no conflict. */
static void the_own_ghost_is_no_conflict(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged ghost = forge(90, "a@h1", 1, 9), twin = forge(91, "a@h1", 2, 10);
    net_run(net, SECOND_US);
    net_prove(net, a, &ghost);
    assert_int_equal(net->nodes[a]->event_count, 0);
    net_prove(net, a, &twin);
    net_prove(net, a, &twin);
    assert_int_equal(net->nodes[a]->event_count, 1);
    const struct event *e = net_event(net, a, EVENT_CONFLICT);
    assert_true(e->peer.id.boot == 91 && e->other.id.boot == gossip_boot(net->nodes[a]->g));
    assert_int_equal(net_listed(net, a), 0);
}

/* A holder of the key that lies about another's name must not bring two peers of one name. */
static void a_buried_boot_id_keeps_its_name(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged liar = forge(90, "liar@h9", 1, 9), x = forge(91, "x@h10", 1, 10),
                  y = forge(92, "y@h11", 1, 11);
    struct wire_message m;
    net_run(net, SECOND_US);
    net_prove(net, a, &liar);
    net_prove(net, a, &x);
    net_prove(net, a, &y);
    net_run(net, 1251 * MS_US);
    forge_start(&liar, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_DEAD, x.id.boot, 0);
    net_say(net, a, &liar, PATH_GROUP, &m);
    net_run(net, FAREWELL_WAIT);
    assert_int_equal(net_events(net, a, EVENT_DOWN), 1);
    x.id.incarnation =
        1; /* back, with a higher incarnation, but the name of y: then y's own, again and again */
    x.id.name = y.id.name;
    forge_start(&liar, &m, WIRE_NEWS);
    forge_entry(&m, &x);
    net_say(net, a, &liar, PATH_GROUP, &m);
    struct forged y2 = forge(93, "y@h11", 3, 12);
    net_prove(net, a, &y2);
    net_run(net, 10 * SECOND_US); /* the witness looks on */
    assert_in_range(net_events(net, a, EVENT_UP), 3, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_new_sidecar_of_the_same_beam),
        NET_TEST(a_new_life_of_a_dead_node),
        NET_TEST(twins_are_told_once),
        NET_TEST(a_twin_inherits),
        NET_TEST(a_rival_that_goes_leaves_the_name_to_the_other),
        NET_TEST(the_own_ghost_is_no_conflict),
        NET_TEST(a_buried_boot_id_keeps_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
