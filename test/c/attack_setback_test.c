/* Whose number may be set back. A machine that was set back to a snapshot counts from a lower number than
 * before, and so does one in whose name another has spoken: it is heard again when it answers, from where it
 * says that it is. That it lives, somewhere, is not enough. */
#include "attack.h"
#include "build.h"
#include "inside.h"
#include "kit/window.h"
#include "test.h"

/* Answers what this member asked all, with a low number; and says where it is, or does not. */
static void answer(struct net *net, struct forged *f, bool claims)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_ACK);
    m.own_count = claims;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    net_say(net, 0, f, PATH_UNICAST, &m);
}

static uint64_t replayed(const struct net *net)
{
    return gossip_stats(net->nodes[0]->g).replayed;
}

static void a_number_is_not_set_back_by_who_is_nowhere(void **state)
{
    const uint64_t back[] = {1, WINDOW_BITS + 1, 1000};
    for (size_t i = 0; i < COUNT(back); i++) {
        struct net *net = net_again(state);
        struct forged x = forge(101, "x@host", 1, 51);
        attack_members(net, 1);
        x.sequence = 2000;
        net_prove(net, 0, &x);
        net_run(net, 2 * NONCE_LIFE + 100 * MS_US); /* a nonce was made since it was heard */
        int64_t heard = inside_heard(net->nodes[0]->g, x.id.boot);
        uint64_t before = replayed(net);
        x.sequence -= back[i];
        answer(net, &x, false);
        assert_true(replayed(net) == before + 1);
        assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == heard);
        x.sequence--;
        answer(net, &x, true);
        assert_true(replayed(net) == before + 1);
        assert_true(inside_heard(net->nodes[0]->g, x.id.boot) == net->now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_number_is_not_set_back_by_who_is_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
