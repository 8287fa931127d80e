/* A machine is copied while it runs: two processes of one boot id, one name, one sequence. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "test.h"

static void a_clone_is_noticed(void **state)
{
    struct net *net = *state;
    static struct prng chance[2];
    size_t z = net_member(net, "z@host", 1);
    net_run(net, 3 * SECOND_US);
    size_t twins[2];
    for (int i = 0; i < 2; i++) { /* the same until now; from now on they live apart */
        struct gossip_options options = net_options(net);
        chance[i] = prng_from(4711);
        options.random_context = &chance[i];
        twins[i] = net_add(net, "x@host", 1, &options);
    }
    assert_true(gossip_boot(net->nodes[twins[0]]->g) == gossip_boot(net->nodes[twins[1]]->g));
    chance[1] = prng_from(1234);
    net_alive(net, twins[0]);
    net_alive(net, twins[1]);
    net_run(net, 10 * SECOND_US);
    assert_true(gossip_boot(net->nodes[twins[0]]->g) != gossip_boot(net->nodes[twins[1]]->g));
    struct peer_view v; /* one is listed, the other is told of; and both are heard */
    assert_true(attack_lists_name(net, z, "x@host", &v));
    assert_int_equal(net_events(net, z, EVENT_CONFLICT), 1);
    net_forget_events(net);
    net_run(net, 20 * SECOND_US);
    assert_int_equal(net->nodes[z]->event_count, 0);
}

/* One's own words, heard again in whatever order, are no clone. */
static void an_echo_of_ones_own_words_is_no_clone(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    size_t recorded = net->log_count;
    for (int round = 0; round < 3; round++) {
        for (size_t k = 0; k < recorded; k++) {
            struct sent s = net->log[k];
            net_inject(net, 0, &s.from, s.path.kind, s.data, s.len);
        }
        net_run(net, SECOND_US);
    }
    assert_true(gossip_boot(net->nodes[0]->g) == boot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_clone_is_noticed),
        NET_TEST(an_echo_of_ones_own_words_is_no_clone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
