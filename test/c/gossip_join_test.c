/* First contact: who is told of whom, and when; and all that must not suffice. */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "test.h"

static void two_meet_in_one_and_a_half_round_trips(void **state)
{
    struct net *net = *state;
    net->delay = 5 * MS_US;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, 10 * SECOND_US);
    size_t b = net_member(net, "b@h2", 2);
    net_run(net, 2 * net->delay);
    assert_int_equal(net_listed(net, b), 1);
    assert_int_equal(net_listed(net, a), 0);
    net_run(net, net->delay);
    assert_int_equal(net_listed(net, a), 1);

    const struct peer_view *p = &net_event(net, a, EVENT_UP)->peer;
    assert_true(p->id.boot == gossip_boot(net->nodes[b]->g));
    assert_true(name_same(&p->id.name, &net->nodes[b]->self.name));
    assert_int_equal(p->id.creation, 2);
    assert_int_equal(p->id.dist_port, 9100);
    assert_int_equal(p->status, STATUS_ALIVE);
    assert_int_equal(p->cookie, COOKIE_SAME);
    assert_int_equal(p->addr_count, 1);
    assert_true(addr_same(&p->addrs[0], &net->nodes[b]->addr));
    net_run(net, 20 * SECOND_US); /* and nothing more is told */
    assert_int_equal(net->nodes[a]->event_count, 1);
    assert_int_equal(net->nodes[b]->event_count, 1);
}

static void many_at_once_all_list_all(void **state)
{
    struct net *net = *state;
    net_members(net, 12);
    assert_true(net_wait(net, 300 * MS_US, net_whole));
    net_run(net, 10 * SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        assert_int_equal(net_events(net, i, EVENT_UP), 11);
        assert_int_equal(net_events(net, i, EVENT_DOWN), 0);
    }
}

static void they_meet_though_much_is_lost(void **state)
{
    struct net *net = *state;
    net->loss = 30;
    net->drop = net_drop_some;
    net_members(net, 5);
    assert_true(net_wait(net, 10 * SECOND_US, net_whole));
}

/* The first so many unicast datagrams are lost, whatever they are. */
static bool drop_first(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)from;
    (void)to;
    return s->path.kind == PATH_UNICAST && net->dark > 0 && net->dark-- > 0;
}

static void lost_answers_are_repeated(void **state)
{
    for (size_t lost = 1; lost <= 6; lost++) {
        struct net *net = net_again(state);
        net_member(net, "a@h1", 1);
        net_run(net, 5 * SECOND_US);
        net->dark = lost;
        net->drop = drop_first;
        net_member(net, "b@h2", 1);
        assert_true(net_wait(net, 250 * MS_US, net_whole)); /* long before the next beat */
    }
}

static void a_firewall_that_passes_no_unicast(void **state)
{
    struct net *net = *state;
    net->drop = net_drop_unicast;
    net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    net_member(net, "c@h3", 1);
    assert_true(net_wait(net, 5 * SECOND_US, net_whole));
}

/* A HELLO from a holder of the key, and what the member makes of each answer to its nonce. */
static void no_event_before_a_fresh_nonce_is_answered(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged f = forge(77, "f@h9", 1, 9);
    struct wire_message m;
    net_run(net, 3 * SECOND_US);
    int64_t since = net->now;
    forge_start(&f, &m, WIRE_HELLO);
    m.has |= HAS_QUESTION;
    net_say(net, a, &f, PATH_GROUP, &m);
    assert_int_equal(net_sent(net, a, since, WIRE_ACK, &m), 1);
    assert_int_equal(m.flags & WIRE_ASK, WIRE_ASK);
    assert_true(m.echo_count == 1 && m.echoes[0].boot == f.id.boot && m.echoes[0].nonce == f.nonce);
    assert_int_equal(net->log[net->log_count - 1].path.kind, PATH_UNICAST);
    assert_true(addr_same(&net->log[net->log_count - 1].path.addr, &f.addr));

    uint64_t boot = gossip_boot(net->nodes[a]->g), nonce = m.nonce;
    const struct {
        uint64_t boot, nonce;
    } wrong[] = {{boot, nonce + 1}, {boot, 0}, {boot + 1, nonce}, {f.id.boot, nonce}, {boot, f.nonce}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        forge_start(&f, &m, WIRE_ACK);
        forge_echo(&m, wrong[i].boot, wrong[i].nonce);
        net_say(net, a, &f, PATH_UNICAST, &m);
    }
    assert_int_equal(net->nodes[a]->event_count, 0);
    forge_echo(&m, boot, nonce); /* behind a wrong one: each counts by itself */
    net_say(net, a, &f, PATH_UNICAST, &m);
    assert_int_equal(net_events(net, a, EVENT_UP), 1);
}

static void a_nonce_grows_old(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged f = forge(77, "f@h9", 1, 9);
    struct wire_message m;
    net_run(net, SECOND_US);
    forge_start(&f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[a]->g), witness_nonce(&net->nodes[a]->witness));
    net_run(net, 2 * NONCE_LIFE);
    net_say(net, a, &f, PATH_UNICAST, &m);
    assert_int_equal(net_listed(net, a), 0);
    assert_true(witness_nonce(&net->nodes[a]->witness) !=
                m.echoes[0].nonce); /* it has a new one meanwhile, */
    net_prove(net, a, &f);          /* which counts */
    assert_int_equal(net_listed(net, a), 1);
}

/* Everything that two members said when they met, said again to one who has restarted. */
static void a_recording_introduces_nobody(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    size_t b = net_member(net, "b@h2", 1);
    size_t c = net_member(net, "c@h3", 1);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    net_leave(net, c, DOWN_LEFT);
    net_run(net, SECOND_US);
    net_kill(net, b);
    net_kill(net, c);
    net_restart(net, a);
    net_forget_events(net);
    net_alive(net, a);
    size_t recorded = net->log_count;
    for (size_t k = 0; k < recorded; k++) {
        struct sent s = net->log[k];
        net_inject(net, a, &s.from, s.path.kind, s.data, s.len);
        net_run(net, MS_US);
    }
    assert_true(recorded > 20);
    net_run(net, 5 * SECOND_US);
    assert_int_equal(net->nodes[a]->event_count, 0);
    assert_int_equal(net_listed(net, a), 0);
}

/* The same to one who goes on running: nothing is news to it. */
static void a_recording_changes_nothing(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    while (net->log[net->log_count - 1].at + 10 * MS_US > net->now) {
        net_run(net, MS_US); /* or what is on its way would be heard for the first time */
    }
    net_forget_events(net);
    struct gossip_stats s = gossip_stats(net->nodes[a]->g);
    uint64_t replayed = s.replayed + s.copies;
    size_t theirs = 0, recorded = net->log_count;
    for (size_t k = 0; k < recorded; k++) {
        struct sent again = net->log[k];
        theirs += !addr_same(&again.from, &net->nodes[a]->addr);
        net_inject(net, a, &again.from, again.path.kind, again.data, again.len);
    }
    s = gossip_stats(net->nodes[a]->g);
    assert_int_equal(s.replayed + s.copies - replayed, theirs);
    assert_int_equal(net->log_count, recorded); /* it did not answer, either */
    assert_int_equal(net->nodes[a]->event_count, 0);
}

static void who_is_not_announced_is_silent(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    size_t a = net_add(net, "a@h1", 1, &options);
    size_t b = net_member(net, "b@h2", 1);
    struct forged f = forge(77, "f@h9", 1, 9);
    for (uint8_t type = 0; type < 20; type++) {
        struct wire_message m;
        forge_start(&f, &m, type);
        m.flags = WIRE_ASK;
        m.has = HAS_QUESTION | HAS_CURSOR | HAS_TARGET;
        forge_echo(&m, gossip_boot(net->nodes[a]->g), 1);
        net_say(net, a, &f, type % 2 ? PATH_GROUP : PATH_UNICAST, &m);
        net_run(net, 100 * MS_US);
    }
    net_command(net, a, COMMAND_PULSE);
    net_run(net, 30 * SECOND_US);
    assert_int_equal(net_sent(net, a, 0, 0, NULL), 0);
    assert_int_equal(net->nodes[a]->event_count, 0);
    assert_int_equal(net_listed(net, b), 0);
    net_alive(net, a); /* and when it is, it is found */
    assert_true(net_wait(net, SECOND_US, net_whole));
}

/* A stranger's goodbye, and one without a name, are no reason to answer; nor is a stranger's vouch to
 * believe. */
static void strangers_who_get_no_answer(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    struct forged f = forge(77, "f@h9", 1, 9), about = forge(78, "g@h10", 1, 10);
    struct wire_message m;
    net_run(net, 3 * SECOND_US);
    int64_t since = net->now + 1;
    net->now = since;
    forge_start(&f, &m, WIRE_BYE);
    net_say(net, a, &f, PATH_GROUP, &m);
    forge_start(&f, &m, WIRE_HELLO);
    m.id.name.len = 0;
    net_say(net, a, &f, PATH_GROUP, &m);
    forge_echo(&m, gossip_boot(net->nodes[a]->g), witness_nonce(&net->nodes[a]->witness));
    net_say(net, a, &f, PATH_GROUP, &m); /* nameless, though it answers */
    assert_int_equal(net_sent(net, a, since, 0, NULL), 0);
    forge_start(&f, &m, WIRE_NEWS);
    forge_entry(&m, &about);
    net_say(net, a, &f, PATH_GROUP, &m);
    assert_int_equal(net->nodes[a]->event_count, 0);
    assert_int_equal(gossip_stats(net->nodes[a]->g).unproven, 4);

    net_prove(net, a, &f); /* the same vouch from one who is proven */
    net_say(net, a, &f, PATH_GROUP, &m);
    assert_int_equal(net_events(net, a, EVENT_UP), 2);
    const struct peer_view *p = &net_event(net, a, EVENT_UP)->peer;
    assert_true(p->id.boot == 78 && p->id.dist_port == about.id.dist_port &&
                addr_same(&p->addrs[0], &about.addr));
}

/* The first questions (number 0) that a member has sent since. */
static size_t begun(struct net *net, size_t i, int64_t since)
{
    size_t count = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        struct wire_message m;
        const struct sent *s = &net->log[k];
        count += s->at >= since && addr_same(&s->from, &net->nodes[i]->addr) &&
                 witness_open(&net->nodes[i]->witness, s->data, s->len, &m) == 0 &&
                 (m.has & HAS_QUESTION) != 0 && m.question == 0;
    }
    return count;
}

/* A cable is plugged in, a second network comes up: those who are there beat once in T, and need not be
 * waited for. */
static void a_member_whose_reach_grows_asks_like_a_newcomer(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1), b = net_member(net, "b@h2", 2);
    net->dark = b;
    net->drop = net_drop_dark;
    net_run(net, 30 * SECOND_US); /* both beat steadily, alone */
    assert_int_equal(net_listed(net, a) + net_listed(net, b), 0);
    net->drop = NULL;
    gossip_reaches_more(net->nodes[b]->g, net->now);
    net_run(net, 4 * net->delay);
    assert_true(net_whole(net));
    assert_int_equal(net_listed(net, a), 1);
}

static void a_link_that_flaps_makes_no_flood(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, 30 * SECOND_US);
    int64_t since = net->now;
    for (int i = 0; i < 1000; i++) {
        gossip_reaches_more(net->nodes[a]->g, net->now);
        net_run(net, 5 * MS_US);
    }
    size_t count = begun(net, a, since);
    assert_true(count >= 4);     /* as often as is allowed: at once, */
    assert_true(count <= 4 + 5); /* and once in each of the 5 s */
    net_run(net, 2 * SECOND_US);
    assert_true(begun(net, a, since) > 0);
    assert_int_equal(begun(net, a, net->now - 500 * MS_US), 0); /* and it is over */
}

/* Some of the others miss its questions, and the vouches: the first three beats come soon. */
static void who_has_joined_is_heard_again(void **state)
{
    struct net *net = *state;
    struct wire_message m;
    net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    net_run(net, 6 * SECOND_US);
    int64_t since = ++net->now;
    size_t c = net_member(net, "c@h3", 1);
    do { /* it asks until two have vouched for it, or four times */
        net_run(net, MS_US);
        assert_true(net_sent(net, c, since, WIRE_HELLO, &m) > 0 && net->now - since < SECOND_US / 2);
    } while ((m.has & HAS_QUESTION) != 0);
    size_t before = net_sent(net, c, since, WIRE_HELLO, NULL) - 1;
    net_run(net, (JOINED_BEATS - 1) * BEAT_AGAIN);
    assert_int_equal(net_sent(net, c, since, WIRE_HELLO, NULL), before + JOINED_BEATS);
    net_run(net, SECOND_US / 2); /* from now on every T */
    assert_int_equal(net_sent(net, c, since, WIRE_HELLO, NULL), before + JOINED_BEATS);
}

static void who_is_not_announced_asks_nobody(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    size_t a = net_add(net, "a@h1", 1, &options);
    gossip_reaches_more(net->nodes[a]->g, net->now);
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net_sent(net, a, 0, 0, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(two_meet_in_one_and_a_half_round_trips),
        NET_TEST(many_at_once_all_list_all),
        NET_TEST(they_meet_though_much_is_lost),
        NET_TEST(lost_answers_are_repeated),
        NET_TEST(a_firewall_that_passes_no_unicast),
        NET_TEST(no_event_before_a_fresh_nonce_is_answered),
        NET_TEST(a_nonce_grows_old),
        NET_TEST(a_recording_introduces_nobody),
        NET_TEST(a_recording_changes_nothing),
        NET_TEST(who_is_not_announced_is_silent),
        NET_TEST(strangers_who_get_no_answer),
        NET_TEST(a_member_whose_reach_grows_asks_like_a_newcomer),
        NET_TEST(a_link_that_flaps_makes_no_flood),
        NET_TEST(who_has_joined_is_heard_again),
        NET_TEST(who_is_not_announced_asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
