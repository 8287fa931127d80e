/* The word of a member whose node has ended a connection on purpose: heard once, by the one it is for, about
 * the connection that there was; whatever is lost, said again, held back, or said by others. */
#include <stdlib.h>

#include "attack.h"
#include "build.h"
#include "test.h"

enum { A, B, C };

static size_t told(const struct net *net, size_t i)
{
    return net_events(net, i, EVENT_DISCONNECTED);
}

/* A ends its node's connection to B's. */
static int64_t disconnect(struct net *net)
{
    int64_t since = net->now;
    net_disconnected(net, A, gossip_boot(net->nodes[B]->g));
    return since;
}

static void the_other_side_is_told_once_and_nobody_else(void **state)
{
    struct net *net = *state;
    struct wire_message m;
    attack_members(net, 3);
    int64_t since = disconnect(net);
    net_run(net, 10 * MS_US);
    const struct event *e = net_event(net, B, EVENT_DISCONNECTED);
    assert_non_null(e);
    assert_int_equal(e->peer.id.boot, gossip_boot(net->nodes[A]->g));
    assert_true(e->ago_ms <= 1);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(net->nodes[B]->event_count, 1);
    assert_int_equal(net->nodes[A]->event_count + net->nodes[C]->event_count, 0);
    /* Acknowledged, so not said again; by unicast, under the other's boot id. */
    assert_int_equal(net_sent(net, A, since, WIRE_DISCONNECT, &m), 1);
    assert_true((m.has & HAS_TO) != 0 && m.to_boot == gossip_boot(net->nodes[B]->g));
}

static size_t lost;

static bool drop_first_words(struct net *net, size_t from, size_t to, const struct sent *s)
{
    static struct wire_message m;
    bool word = witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 &&
                m.type == WIRE_DISCONNECT && to == B;
    if (word && lost > 0) {
        lost--;
        return true;
    }
    return false;
}

/* Before 400 ms have passed, the soonest that anybody dials again. */
static void a_word_that_is_lost_is_said_again(void **state)
{
    for (size_t times = 1; times <= 4; times++) {
        struct net *net = times == 1 ? *state : net_again(state);
        attack_members(net, 2);
        net->drop = drop_first_words;
        lost = times;
        int64_t since = disconnect(net);
        net_run(net, 399 * MS_US);
        assert_int_equal(lost, 0);
        assert_int_equal(told(net, B), 1);
        /* It says how long ago that was. */
        int64_t gaps = ((1 << times) - 1) * DISCONNECT_GAP;
        int64_t ago = net_event(net, B, EVENT_DISCONNECTED)->ago_ms * MS_US;
        assert_true(ago <= gaps && ago > gaps - 2 * MS_US);
        net_run(net, 3 * SECOND_US);
        assert_int_equal(net_sent(net, A, since, WIRE_DISCONNECT, NULL), times + 1);
    }
}

static bool drop_acks(struct net *net, size_t from, size_t to, const struct sent *s)
{
    static struct wire_message m;
    (void)to;
    return from == B && witness_open(&net->nodes[from]->witness, s->data, s->len, &m) == 0 &&
           m.type == WIRE_ACK;
}

static void a_word_that_is_not_acknowledged_is_said_so_often_and_told_once(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    net->drop = drop_acks;
    int64_t since = disconnect(net);
    net_run(net, 5 * SECOND_US);
    assert_int_equal(net_sent(net, A, since, WIRE_DISCONNECT, NULL), DISCONNECTS);
    assert_int_equal(told(net, B), 1);
}

/* A firewall lets multicast pass and no unicast: then it is said to the group, and still one alone hears it.
 */
static void a_word_finds_its_way_where_no_unicast_passes(void **state)
{
    struct net *net = *state;
    attack_members(net, 3);
    net->drop = net_drop_unicast;
    int64_t since = disconnect(net);
    net_run(net, 399 * MS_US);
    assert_int_equal(told(net, B), 1);
    assert_int_equal(told(net, A) + told(net, C), 0);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(net_sent(net, A, since, WIRE_DISCONNECT, NULL), DISCONNECT_MUTE + 1);
}

/* One after the other: each is told, and the answer to one does not end the repetition of the next. */
static void each_word_is_told(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    net->drop = drop_first_words;
    for (size_t i = 1; i <= 5; i++) {
        lost = i % 2;
        (void)disconnect(net);
        net_run(net, 300 * MS_US);
        assert_int_equal(told(net, B), i);
    }
    struct wire_message m;
    int64_t since = net->now;
    lost = 1;
    (void)disconnect(net);
    (void)disconnect(net); /* at the same moment */
    net_run(net, 3 * SECOND_US);
    assert_int_equal(told(net, B), 6); /* the newest is what counts */
    assert_true(net_sent(net, A, since, WIRE_DISCONNECT, &m) >= 2);
    assert_int_equal(m.ended, (uint64_t)since + 1);
}

static void a_recording_tells_nothing(void **state)
{
    struct net *net = *state;
    struct sent word;
    struct addr attacker = ATTACKER;
    attack_members(net, 3);
    int64_t since = disconnect(net);
    net_run(net, 10 * MS_US);
    assert_true(attack_record(net, A, WIRE_DISCONNECT, PATH_UNICAST, since, &word));
    assert_int_equal(told(net, B), 1);
    for (int i = 0; i < 20; i++) {
        attack_replay(net, B, &word, i % 2 ? &attacker : &net->nodes[A]->addr);
        attack_replay(net, C, &word, &net->nodes[A]->addr); /* which it is not for */
        net_run(net, 300 * MS_US);
    }
    assert_int_equal(told(net, B), 1);
    assert_int_equal(told(net, C), 0);
    assert_true(gossip_stats(net->nodes[C]->g).misdirected >= 20);
    /* Nor does it keep the next one from being told. */
    (void)disconnect(net);
    net_run(net, 10 * MS_US);
    assert_int_equal(told(net, B), 2);
}

/* Who is on the path takes the word away, lets the two connect anew, and passes it on. It names the time of
 * what it speaks of, so the owner knows that it is about an earlier connection; after FRESH it is not even
 * told. */
static void a_word_that_was_held_back_names_its_time(void **state)
{
    static const int64_t delays[] = {100 * MS_US, 900 * MS_US, 1900 * MS_US, 2500 * MS_US};
    for (size_t i = 0; i < COUNT(delays); i++) {
        struct net *net = i == 0 ? *state : net_again(state);
        struct sent word;
        attack_members(net, 2);
        net->drop = drop_first_words;
        lost = SIZE_MAX;
        int64_t since = disconnect(net);
        assert_true(attack_record(net, A, WIRE_DISCONNECT, PATH_UNICAST, since, &word));
        net_run(net, delays[i]);
        attack_replay(net, B, &word, &net->nodes[A]->addr);
        if (delays[i] > FRESH) {
            assert_int_equal(told(net, B), 0);
        } else {
            int64_t ago = net_event(net, B, EVENT_DISCONNECTED)->ago_ms * MS_US;
            assert_true(ago <= delays[i] && ago >= delays[i] - 5 * MS_US);
        }
    }
}

/* Somebody passes it on to where it was not sent, or changes a byte of it. */
static void a_word_counts_as_it_was_said_where_it_was_said(void **state)
{
    struct net *net = *state;
    struct sent word;
    attack_members(net, 2);
    net->drop = drop_first_words;
    lost = SIZE_MAX;
    int64_t since = disconnect(net);
    assert_true(attack_record(net, A, WIRE_DISCONNECT, PATH_UNICAST, since, &word));
    uint64_t forged = gossip_stats(net->nodes[B]->g).forged;
    struct sent changed = word;
    for (size_t at = SEAL_HEADER; at < word.len; at++) {
        changed.data[at] ^= 1;
        attack_replay(net, B, &changed, &net->nodes[A]->addr);
        changed.data[at] ^= 1;
    }
    assert_int_equal(gossip_stats(net->nodes[B]->g).forged - forged, word.len - SEAL_HEADER);
    changed.path.kind = PATH_GROUP;
    attack_replay(net, B, &changed, &net->nodes[A]->addr);
    struct addr own = net->nodes[B]->addr;
    net->nodes[B]->addr = build_addr(50, 40000); /* what comes there was sent elsewhere */
    attack_replay(net, B, &word, &net->nodes[A]->addr);
    net->nodes[B]->addr = own;
    assert_int_equal(told(net, B), 0);
    attack_replay(net, B, &word, &net->nodes[A]->addr);
    assert_int_equal(told(net, B), 1);
}

static void say(struct net *net, size_t to, struct forged *f, uint8_t way, uint64_t ended, uint64_t target)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_DISCONNECT);
    m.flags = WIRE_ASK;
    m.has |= HAS_DISCONNECT;
    m.ended = ended;
    if (target != 0) {
        m.target = target;
        m.has |= HAS_TARGET;
    }
    net_say(net, to, f, way, &m);
}

/* Who holds the key can speak of its own connection to the receiver, and of nothing else. */
static void a_member_speaks_for_itself_and_to_the_receiver(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "f@host", 1, 10);
    attack_members(net, 2);
    uint64_t a = gossip_boot(net->nodes[A]->g), b = gossip_boot(net->nodes[B]->g);
    say(net, A, &f, PATH_UNICAST, (uint64_t)net->now, 0); /* a stranger */
    assert_int_equal(told(net, A), 0);
    net_prove(net, A, &f);
    net_forget_events(net);
    net_run(net, 10 * MS_US);
    uint64_t now = (uint64_t)net->now;
    say(net, A, &f, PATH_GROUP, now, b);                                   /* to another */
    say(net, A, &f, PATH_GROUP, now, 0);                                   /* to nobody, and so to all */
    say(net, A, &f, PATH_UNICAST, now + 1, 0);                             /* to come */
    say(net, A, &f, PATH_UNICAST, now - (uint64_t)DISCONNECT_LIFE - 1, 0); /* long ago */
    struct wire_message m;
    forge_start(&f, &m, WIRE_DISCONNECT); /* when? */
    net_say(net, A, &f, PATH_UNICAST, &m);
    assert_int_equal(told(net, A), 0);
    assert_int_equal(net_sent(net, A, (int64_t)now, WIRE_ACK, NULL), 0);
    say(net, A, &f, PATH_GROUP, now - 1, a);
    say(net, A, &f, PATH_UNICAST, now, 0);
    assert_int_equal(told(net, A), 2);
    assert_int_equal(net_event(net, A, EVENT_DISCONNECTED)->peer.id.boot, f.id.boot);
    assert_int_equal(net_sent(net, A, (int64_t)now, WIRE_ACK, &m), 2);
    assert_true((m.has & HAS_DISCONNECT) != 0 && m.ended == now);
    /* Of what was before, nothing is told any more. */
    say(net, A, &f, PATH_UNICAST, now - 1, 0);
    assert_int_equal(told(net, A), 2);
}

/* It cannot make another flood: what it causes is bounded as all answers are. */
static void a_flood_of_words_is_answered_within_bounds(void **state)
{
    struct net *net = *state;
    struct forged f = forge(100, "f@host", 1, 10);
    attack_members(net, 2);
    net_prove(net, A, &f);
    net_run(net, 10 * MS_US);
    int64_t since = net->now;
    for (uint64_t i = 0; i < UINT64_C(10) * ANSWER_RATE; i++) {
        say(net, A, &f, PATH_UNICAST, (uint64_t)since - 5000 + i, 0);
    }
    assert_true(net_sent(net, A, since, WIRE_ACK, NULL) <= ANSWER_RATE);
}

/* To the group go so many, whoever disconnects from whomever. */
static void the_group_hears_few_words(void **state)
{
    struct net *net = *state;
    enum { MANY = 100 };
    static struct forged f[MANY];
    attack_members(net, 1);
    struct gossip_options options = net_options(net);
    options.max_peers = 2 * MANY;
    size_t x = net_add(net, "x@host", 1, &options);
    net_alive(net, x);
    net_run(net, 3 * SECOND_US);
    for (size_t i = 0; i < MANY; i++) {
        char name[] = "f00@host";
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        f[i] = forge(1000 + i, name, 1, (uint8_t)(100 + i));
        net_prove(net, x, &f[i]);
    }
    int64_t since = ++net->now;
    for (size_t i = 0; i < MANY; i++) {
        net_disconnected(net, x, f[i].id.boot);
    }
    net_run(net, 150 * MS_US);
    size_t group = 0, words = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        static struct wire_message m;
        const struct sent *s = &net->log[k];
        if (s->at >= since && witness_open(&net->nodes[x]->witness, s->data, s->len, &m) == 0 &&
            m.type == WIRE_DISCONNECT) {
            words++;
            group += s->path.kind == PATH_GROUP;
        }
    }
    assert_int_equal(words, MANY * 4);
    assert_true(group >= DISCONNECT_BURST && group <= DISCONNECT_BURST + DISCONNECT_RATE);
}

/* Of who is not listed, to whom nothing can be said, or by who is not announced. */
static void what_means_nothing_says_nothing(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    int64_t since = net->now;
    net_disconnected(net, A, 4711);
    net_disconnected(net, A, 0);
    net_disconnected(net, A, gossip_boot(net->nodes[A]->g));
    uint64_t a = gossip_boot(net->nodes[A]->g);
    net_leave(net, B, DOWN_LEFT);
    net_disconnected(net, B, a);
    net_run(net, SECOND_US);
    net_disconnected(net, B, a);
    net_run(net, SECOND_US);
    for (size_t i = A; i <= B; i++) {
        assert_int_equal(net_sent(net, i, since, WIRE_DISCONNECT, NULL), 0);
        assert_int_equal(told(net, i), 0);
    }
}

/* The receiver's sidecar starts anew just then: the word names another boot id, and is nobody's. */
static void a_word_dies_with_whom_it_was_for(void **state)
{
    struct net *net = *state;
    attack_members(net, 2);
    net->drop = drop_first_words;
    lost = 3;
    int64_t since = disconnect(net);
    net_restart(net, B);
    net_alive(net, B);
    net_run(net, 5 * SECOND_US);
    assert_int_equal(told(net, B), 0);
    assert_true(net_sent(net, A, since, WIRE_DISCONNECT, NULL) <= DISCONNECTS);
    assert_true(net_whole(net));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(the_other_side_is_told_once_and_nobody_else),
        NET_TEST(a_word_that_is_lost_is_said_again),
        NET_TEST(a_word_that_is_not_acknowledged_is_said_so_often_and_told_once),
        NET_TEST(a_word_finds_its_way_where_no_unicast_passes),
        NET_TEST(each_word_is_told),
        NET_TEST(a_recording_tells_nothing),
        NET_TEST(a_word_that_was_held_back_names_its_time),
        NET_TEST(a_word_counts_as_it_was_said_where_it_was_said),
        NET_TEST(a_member_speaks_for_itself_and_to_the_receiver),
        NET_TEST(a_flood_of_words_is_answered_within_bounds),
        NET_TEST(the_group_hears_few_words),
        NET_TEST(what_means_nothing_says_nothing),
        NET_TEST(a_word_dies_with_whom_it_was_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
