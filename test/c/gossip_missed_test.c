/* A newcomer of which the others have heard without knowing it: who lists it at last tells them, or each of
 * them looks it up, for a page each. */
#include "build.h"
#include "net.h"
#include "test.h"

enum { SETTLED = 12, TRIALS = 20 };

static bool deaf;       /* the newcomer, as yet; */
static int64_t asked;   /* of what it says meanwhile only what it says now arrives */
static bool vouch_lost; /* the first one is, */
static int64_t lost_at; /* and was */

/* What the others say to the group: no beat comes between the first vouch and the second. */
static bool hard_to_hear(struct net *net, size_t from, size_t to, const struct sent *s)
{
    static struct wire_message m;
    if (deaf && (to == SETTLED || (from == SETTLED && s->at > asked))) {
        return true;
    }
    if (!vouch_lost || from == SETTLED || s->path.kind != PATH_GROUP ||
        witness_open(&net->nodes[to]->witness, s->data, s->len, &m) != 0) {
        return false;
    }
    lost_at = m.type == WIRE_NEWS && lost_at == 0 ? s->at : lost_at;
    return lost_at != 0 &&
           (s->at == lost_at ? m.type == WIRE_NEWS : m.type == WIRE_HELLO && s->at - lost_at <= VOUCH_REPEAT);
}

static void settle(struct net *net)
{
    net_members(net, SETTLED);
    net_run(net, 10 * SECOND_US);
    assert_true(net_whole(net));
    net->drop = hard_to_hear;
}

/* What those said who were there before: pages, and requests for them. */
static size_t rosters(const struct net *net, int64_t since)
{
    size_t count = 0;
    for (size_t i = 0; i < SETTLED; i++) {
        count += net_sent(net, i, since, WIRE_ROSTER, NULL);
    }
    return count;
}

/* Requests alone: each of the newcomer's had a page for its answer. */
static size_t pages_asked_for(const struct net *net, int64_t since)
{
    return rosters(net, since) - net_sent(net, SETTLED, since, WIRE_ROSTER, NULL);
}

/* It is heard once, and hears nothing for 400 ms; by then everybody has waited for a vouch in vain. What it
 * hears first is somebody's beat, and so it asks by itself one who need not be among those whose turn it is
 * to vouch for it. */
static void who_proves_one_that_was_waited_for_in_vain_vouches_for_it(void **state)
{
    for (int trial = 0; trial < TRIALS; trial++) {
        struct net *net = net_again(state);
        vouch_lost = false;
        deaf = true;
        settle(net);
        int64_t since = asked = net->now;
        assert_int_equal(net_member(net, "n@host", 1), SETTLED);
        net_run(net, 400 * MS_US);
        deaf = false;
        assert_true(net_wait(net, 2 * SECOND_US, net_whole));
        net_run(net, SECOND_US);
        assert_int_equal(pages_asked_for(net, since), 0);
    }
}

/* The same, and the first vouch is lost. Who proves it answers it by the group, too, now and then; the
 * answer's digest tells of it, but the second vouch comes in some ms. */
static void what_answers_by_the_group_is_no_reason_to_look_up(void **state)
{
    for (int trial = 0; trial < TRIALS; trial++) {
        struct net *net = net_again(state);
        vouch_lost = true;
        lost_at = 0;
        deaf = true;
        settle(net);
        int64_t since = asked = net->now;
        assert_int_equal(net_member(net, "n@host", 1), SETTLED);
        net_run(net, 400 * MS_US);
        deaf = false;
        assert_true(net_wait(net, 2 * SECOND_US, net_whole));
        net_run(net, SECOND_US);
        assert_true(lost_at > since);
        assert_int_equal(pages_asked_for(net, since), 0);
    }
}

/* Nothing reaches the one whom the newcomer asks first for its roster. */
static bool first_is_mute(struct net *net, size_t from, size_t to, const struct sent *s)
{
    static struct wire_message m;
    bool asks = from == SETTLED && witness_open(&net->nodes[to]->witness, s->data, s->len, &m) == 0 &&
                m.type == WIRE_ROSTER;
    net->dark = asks && net->dark == NET_NODES ? to : net->dark;
    return asks && to == net->dark;
}

/* The newcomer's second choice is one who has answered it, and whom it has answered: so that one knows where
 * it is, and sends whole pages. The first has taken two requests in vain, which is all that may go to who
 * only says that it is there. */
static void who_has_answered_meanwhile_is_asked_next_for_the_roster(void **state)
{
    for (int trial = 0; trial < TRIALS; trial++) {
        struct net *net = net_again(state);
        deaf = vouch_lost = false;
        settle(net);
        net->drop = first_is_mute;
        net->dark = NET_NODES;
        int64_t since = net->now;
        assert_int_equal(net_member(net, "n@host", 1), SETTLED);
        net_run(net, 3 * PAGE_RETRY + 5 * MS_US);
        assert_true(net->dark < NET_NODES);
        assert_int_equal(net_listed(net, SETTLED), SETTLED);
        assert_int_equal(net_sent(net, SETTLED, since, WIRE_ROSTER, NULL), 3);
        assert_int_equal(rosters(net, since), 1); /* one page, and it was enough */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(who_proves_one_that_was_waited_for_in_vain_vouches_for_it),
        NET_TEST(what_answers_by_the_group_is_no_reason_to_look_up),
        NET_TEST(who_has_answered_meanwhile_is_asked_next_for_the_roster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
