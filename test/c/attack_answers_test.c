/* What strangers cause, counted in bytes: whatever is repeated to a group, all of it together sends three
 * times that at most, to the source that was named and to the group. Also while its members do not know the
 * same ones; with the longest names; and on every link. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "test.h"

#define MEMBERS  10
#define MISSED   MEMBERS /* the member that a half of them does not know */
#define SESSIONS 8       /* strangers that the attacker has recorded */
#define LONGEST  255     /* bytes of a name */

/* The upper half never hears of MISSED: not from itself, nor by vouch or page. */
static bool half_misses_one(struct net *net, size_t from, size_t to, const struct sent *s)
{
    static struct wire_message m;
    if (to < MEMBERS / 2 || to >= MEMBERS) {
        return false;
    }
    if (from == MISSED) {
        return true;
    }
    return witness_open(&net->nodes[to]->witness, s->data, s->len, &m) == 0 && m.entry_count > 0;
}

/* A beat, or a question, of somebody whom nobody has heard of, sealed with the group's key. */
static void record(struct net *net, uint64_t boot, bool question, uint64_t sequence, struct sent *out)
{
    static struct wire_message m;
    struct forged f = forge(boot, "gone@host", 1, 66);
    f.sequence = sequence;
    forge_start(&f, &m, WIRE_HELLO);
    m.sent_at = (uint64_t)net->now;
    if (question) {
        m.question = (uint8_t)(sequence % 4);
        m.has |= HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    }
    *out = (struct sent){.path = path_group()};
    out->len = (uint16_t)forge_seal(&f, &m, out->data);
}

/* What was answered by the group has no more than one member's share, copies by broadcast among it; how many
 * did so. */
static size_t demand_share(const struct net *net, int64_t since, size_t share)
{
    static struct wire_message m;
    size_t answers = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        if (s->at >= since && s->path.kind == PATH_GROUP &&
            witness_open(&net->nodes[0]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_ACK) {
            answers++;
            assert_in_range((s->path.once ? 1u : 2u) * s->len, 1, share);
        }
    }
    return answers;
}

/* Says recordings to the first `count` members, all from the victim, and demands that what they cause, each
 * and all, is bounded. */
static void demand_bound(struct net *net, size_t count)
{
    struct addr victim = VICTIM;
    int64_t begin = net->now + 1;
    size_t answers = 0, by_group = 0;
    for (uint64_t i = 0; i < SESSIONS; i++) {
        for (uint64_t sequence = 1; sequence < 9; sequence++) {
            struct sent recorded;
            record(net, 0x5000 + i, i % 2 != 0, sequence, &recorded);
            int64_t since = ++net->now;
            for (size_t to = 0; to < count; to++) {
                attack_replay(net, to, &recorded, &victim);
            }
            net_run(net, 300 * MS_US);
            size_t caused = attack_bytes(net, &victim, since);
            if (caused > 3 * (size_t)recorded.len) {
                fail_msg("stranger %u, datagram %u: %u bytes cause %zu", (unsigned)i, (unsigned)sequence,
                         recorded.len, caused);
            }
            by_group += demand_share(net, since, i % 2 != 0 ? recorded.len / 2u : recorded.len * 3u / 2);
        }
    }
    answers = attack_sent_to(net, &victim, begin, NULL);
    assert_true(answers > 0 && by_group > 0); /* strangers are answered, or this test tells nothing */
}

/* Vouches and pages were lost, or are not there yet: the halves do not know the same members. */
static void it_is_bounded_while_half_of_the_group_misses_a_member(void **state)
{
    struct net *net = *state;
    attack_members(net, MEMBERS);
    net->drop = half_misses_one;
    (void)net_member(net, "missed@host", 1);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(net_listed(net, 0), MEMBERS);
    assert_int_equal(net_listed(net, MEMBERS - 1), MEMBERS - 1);
    demand_bound(net, MEMBERS);
}

static struct name longest_name(char first)
{
    char text[LONGEST + 1];
    memset(text, 'n', LONGEST);
    text[0] = first;
    text[LONGEST - 5] = '@';
    text[LONGEST] = '\0';
    return build_name(text);
}

static void add_longest(struct net *net, size_t count)
{
    struct gossip_options options = net_options(net);
    for (size_t i = 0; i < count; i++) {
        size_t node = net_add(net, "a@host", 1, &options);
        net->nodes[node]->self.name = longest_name((char)('a' + i));
        net_alive(net, node);
    }
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
    net_run(net, 7 * SECOND_US);
}

static void it_is_bounded_where_members_have_the_longest_names(void **state)
{
    struct net *net = *state;
    add_longest(net, 5);
    demand_bound(net, 5);
}

/* A newcomer answers by the group, and somebody else says that again, from the victim: whose nonce it was
 * asks there. */
static void who_answers_from_elsewhere_is_asked_there_with_three_times_the_bytes(void **state)
{
    static struct wire_message m;
    struct net *net = *state;
    struct addr victim = VICTIM;
    add_longest(net, 3);
    struct forged f = forge(0x6000, "n@h", 1, 66);
    forge_start(&f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    m.sent_at = (uint64_t)net->now;
    struct sent answer = {.path = path_group()};
    answer.len = (uint16_t)forge_seal(&f, &m, answer.data);
    int64_t since = ++net->now;
    for (size_t to = 0; to < 3; to++) {
        attack_replay(net, to, &answer, &victim);
    }
    net_run(net, 300 * MS_US);
    assert_int_equal(attack_sent_to(net, &victim, since, NULL), 1);
    assert_in_range(attack_bytes(net, &victim, since), 1, 3 * (size_t)answer.len);
}

/* A peer's fresh datagram comes from an address that it does not call its own: it is probed there, by those
 * whose turn it is. */
static void a_new_address_is_tried_with_three_times_the_bytes(void **state)
{
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct sent beat;
    struct gossip_options options = net_options(net);
    size_t peer = net_add(net, "p@h", 1, &options);
    net_alive(net, peer);
    add_longest(net, 6);
    net->dark = peer;
    net->drop = net_drop_dark;
    int64_t since = ++net->now;
    while (!attack_record(net, peer, WIRE_HELLO, PATH_GROUP, since, &beat)) {
        net_run(net, 10 * MS_US);
    }
    since = ++net->now;
    for (size_t to = 1; to < net->count; to++) {
        attack_replay(net, to, &beat, &victim);
    }
    net_run(net, 50 * MS_US);
    assert_true(attack_sent_to(net, &victim, since, NULL) > 0);
    assert_in_range(attack_bytes(net, &victim, since), 1, 3 * (size_t)beat.len);
}

/* Off the link, or by unicast: nothing, and no more than three times the bytes. */
static void a_new_address_said_to_one_is_tried_with_three_times_the_bytes(void **state)
{
    static struct wire_message m;
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct forged f = forge(0x6000, "n@h", 1, 50);
    add_longest(net, 1);
    struct node *n = net->nodes[0];
    net_prove(net, 0, &f);
    for (uint8_t source = SOURCE_FAR + 1;
         source-- > SOURCE_NEAR;) { /* the nearer one is tried, and then not again */
        uint8_t data[DATAGRAM_MAX];
        struct path path = {.kind = PATH_UNICAST, .source = source, .addr = victim, .local = n->addr};
        int64_t since = ++net->now;
        forge_start(&f, &m, WIRE_PROBE);
        m.own_count = 0;
        m.sent_at = (uint64_t)net->now;
        forge_to(&m, gossip_boot(n->g), &n->addr);
        size_t len = forge_seal(&f, &m, data);
        net_inject_path(net, 0, &path, data, len);
        assert_int_equal(attack_sent_to(net, &victim, since, NULL), source != SOURCE_FAR);
        assert_in_range(attack_bytes(net, &victim, since), 0, 3 * len);
    }
}

/* Who asks for a probe of another may not be where he seems to be: the relay's own word and the other's
 * answer, together, are no longer than that allows. */
static void what_a_relay_answers_is_bounded(void **state)
{
    static struct wire_message m;
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct forged f = forge(0x6000, "n@h", 1, 66);
    char pairs[TAGS_MAX];
    memset(pairs, 'v', sizeof pairs);
    memcpy(pairs, "k=", 2);
    pairs[sizeof pairs - 1] = '\0';
    add_longest(net, 2);
    net->nodes[0]->tags = build_tags(1, pairs);
    net_alive(net, 0);
    net_run(net, 3 * SECOND_US);
    net_prove(net, 0, &f);
    f.addr = victim;
    for (int i = 0; i < 2; i++) { /* the first time he is asked there, too */
        forge_start(&f, &m, WIRE_PROBE_FOR);
        m.own_count = 0;
        m.id.name.len = 0;
        m.target = gossip_boot(net->nodes[1]->g);
        m.has |= HAS_TARGET;
        int64_t since = ++net->now;
        forge_to(&m, gossip_boot(net->nodes[0]->g), &net->nodes[0]->addr);
        uint8_t plain[WIRE_MESSAGE_MAX];
        size_t len = wire_encode(&m, plain, sizeof plain) + SEAL_OVERHEAD;
        net_say(net, 0, &f, PATH_UNICAST, &m);
        net_run(net, 50 * MS_US);
        assert_int_equal(attack_sent_to(net, &victim, since, NULL), 2);
        assert_in_range(attack_bytes(net, &victim, since), 1, 3 * len);
    }
}

/* A member of several links answers by the group on the one where it was asked: on each it would be once
 * more. */
static void an_answer_by_the_group_goes_out_on_one_link(void **state)
{
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct sent mute;
    attack_members(net, 2);
    record(net, 0x7000, true, QUESTION_MUTE, &mute);
    int64_t since = ++net->now;
    attack_replay(net, 0, &mute, &victim);
    size_t answers = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        if (s->at >= since && s->path.kind == PATH_GROUP) {
            answers++;
            assert_int_equal(s->path.addr.ifindex, victim.ifindex);
        }
    }
    assert_int_equal(answers, 1);
}

static bool is_type(const struct net *net, size_t i, const struct sent *s, uint8_t type)
{
    static struct wire_message m;
    return witness_open(&net->nodes[i]->witness, s->data, s->len, &m) == 0 && m.type == type;
}

/* Its source is not on the link (as io says): what answers it stays there, and asks it by the group. */
static void nothing_leaves_the_link_for_a_stranger(void **state)
{
    struct net *net = *state;
    struct addr victim = VICTIM;
    attack_members(net, 3);
    int64_t since = ++net->now;
    size_t group = net->log_count;
    for (uint64_t i = 0; i < SESSIONS; i++) {
        struct sent recorded;
        record(net, 0x9000 + i, i % 2 != 0, 1, &recorded);
        struct path far = {.kind = PATH_GROUP, .source = SOURCE_FAR, .addr = victim};
        net_inject_path(net, 0, &far, recorded.data, recorded.len);
    }
    static struct wire_message m; /* it echoes what was for all, from where it does not say that it is */
    struct forged f = forge(0xa000, "n@h", 1, 66);
    forge_start(&f, &m, WIRE_ACK);
    m.flags = WIRE_ASK;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    m.sent_at = (uint64_t)net->now;
    uint8_t data[DATAGRAM_MAX];
    struct path far = {.kind = PATH_GROUP, .source = SOURCE_FAR, .addr = victim};
    net_inject_path(net, 0, &far, data, forge_seal(&f, &m, data));
    far.kind = PATH_UNICAST; /* and by unicast */
    far.local = net->nodes[0]->addr;
    m.echo_count = 0;
    forge_to(&m, gossip_boot(net->nodes[0]->g), &net->nodes[0]->addr);
    net_inject_path(net, 0, &far, data, forge_seal(&f, &m, data));
    net_run(net, 100 * MS_US);
    assert_int_equal(attack_sent_to(net, &victim, since, NULL), 0);
    size_t asked = 0;
    for (; group < net->log_count; group++) {
        asked += net->log[group].path.kind == PATH_GROUP && is_type(net, 0, &net->log[group], WIRE_ACK);
    }
    assert_true(asked > 0);
}

/* A subnet's broadcast address (as io says) is nobody's, neither a stranger's nor a peer's. */
static void nothing_is_believed_of_a_source_that_is_nobodys(void **state)
{
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct sent recorded;
    attack_members(net, 2);
    record(net, 0xb000, true, 1, &recorded);
    struct path nobody = {.kind = PATH_GROUP, .source = SOURCE_NOBODY, .addr = victim};
    size_t sent = net->log_count;
    uint64_t before = gossip_stats(net->nodes[0]->g).misdirected;
    net_inject_path(net, 0, &nobody, recorded.data, recorded.len);
    assert_int_equal(net->log_count, sent);
    assert_int_equal(gossip_stats(net->nodes[0]->g).misdirected, before + 1);
}

/* The last node joins unheard by node 3, whose answers do not reach it. */
static bool unheard_by_one(struct net *net, size_t from, size_t to, const struct sent *s)
{
    return (to == 3 && (from == net->dark || is_type(net, to, s, WIRE_NEWS))) ||
           (from == 3 && to == net->dark);
}

static bool unlooked_by_one(struct net *net, size_t from, size_t to, const struct sent *s)
{
    return unheard_by_one(net, from, to, s) || (to == 3 && is_type(net, to, s, WIRE_ACK));
}

/* It hears the last node, and does not ask it, as a stranger is asked: for an echo, and with one. */
static bool unasked_by_one(struct net *net, size_t from, size_t to, const struct sent *s)
{
    static struct wire_message m;
    return from == 3 && to == net->dark && witness_open(&net->nodes[to]->witness, s->data, s->len, &m) == 0 &&
           m.type == WIRE_ACK && m.echo_count > 0;
}

/* Whom one member has missed it is told by a peer: no stranger need be asked for that. */
static void who_is_missed_is_learnt_from_a_peer(void **state)
{
    struct net *net = *state;
    attack_members(net, 5);
    net->dark = 5;
    net->drop = unheard_by_one;
    assert_int_equal(net_member(net, "late@host", 1), 5);
    net_run(net, 150 * MS_US);
    assert_int_equal(net_listed(net, 3), 4);
    assert_int_equal(net_listed(net, 4), 5);
    net->drop = unasked_by_one;
    struct peer_view v;
    int64_t since = net->now;
    while (!attack_lists(net, 3, gossip_boot(net->nodes[5]->g), &v) && net->now - since < 3 * SECOND_US) {
        net_run(net, 10 * MS_US);
    }
    /* the stranger's next beat, the wait for a vouch, and the next beat of any peer: a T each at most, and it
     * is not rare that four others all beat soon before */
    assert_in_range(net->now - since, 1, 2 * SECOND_US + VOUCH_WAIT_MAX);
}

/* Nobody is told of the last node. */
static bool untold(struct net *net, size_t from, size_t to, const struct sent *s)
{
    return to != net->dark && is_type(net, from, s, WIRE_NEWS);
}

/* How many of five, who have met for some seconds, did not ask the last one themselves: each of them has
 * asked for its page alone. */
static size_t ask_for_one_page(struct net *net)
{
    static struct wire_message m;
    for (char name[] = "a@host"; name[0] < 'f'; name[0]++) {
        (void)net_member(net, name, 1);
    }
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 2 * SECOND_US);
    net->dark = 5;
    net->drop = untold;
    int64_t since = ++net->now;
    assert_int_equal(net_member(net, "late@host", 1), 5);
    assert_true(net_wait(net, 1100 * MS_US, net_whole)); /* the next beat of any who knows it */
    size_t unasked = 0;
    for (size_t i = 0; i < 5; i++) {
        if (net_sent(net, i, since, WIRE_ACK, NULL) == 0) { /* it was not its turn to ask it itself */
            assert_int_equal(net_sent(net, i, since, WIRE_ROSTER, &m), 1);
            assert_true((m.has & HAS_TOTAL) == 0 && m.cursor == gossip_boot(net->nodes[5]->g) - 1);
            unasked++;
        }
    }
    return unasked;
}

/* The young have met some only, and ask for all; but after a T they lack no more than others do. In one
 * network of 200 it is everybody's turn to ask the newcomer. */
static void the_young_who_miss_just_one_ask_for_its_page_alone(void **state)
{
    size_t unasked = ask_for_one_page(*state);
    for (size_t tries = 0; tries < 8 && unasked == 0; tries++) {
        unasked = ask_for_one_page(net_again(state));
    }
    assert_in_range(unasked, 1, 2);
}

/* One member has buried somebody who lives, and is alone in that: a peer's page says so, and then the buried
 * is told, where it is known to be, and refutes. */
static void whom_one_alone_has_buried_it_lists_again(void **state)
{
    struct net *net = *state;
    attack_members(net, 6);
    struct wire_message m;
    struct peer_view v;
    struct forged liar = forge(0x8000, "liar@host", 1, 60);
    struct sent beat;
    uint64_t boot = gossip_boot(net->nodes[5]->g);
    int64_t since = ++net->now;
    while (!attack_record(net, 5, WIRE_HELLO, PATH_GROUP, since, &beat)) {
        net_run(net, MS_US);
    }
    net_prove(net, 3, &liar); /* not sooner: it is silent until it lies, and would be buried */
    net->dark = 5;
    net->drop = unlooked_by_one;
    net_run(net, 1260 * MS_US);
    assert_true(attack_lists(net, 3, boot, &v));
    forge_start(&liar, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_DEAD, boot, v.id.incarnation);
    net_say(net, 3, &liar, PATH_GROUP, &m);
    net_run(net, 2 * FAREWELL_WAIT); /* it looks for itself, in vain: no relay's answer comes, either */
    assert_false(attack_lists(net, 3, boot, &v));
    assert_true(attack_lists(net, 4, boot, &v));
    forge_start(&liar, &m, WIRE_BYE);
    net_say(net, 3, &liar, PATH_GROUP, &m);
    net->drop = unasked_by_one;
    since = net->now;
    while (!attack_lists(net, 3, boot, &v) && net->now - since < 5 * SECOND_US) {
        net_run(net, 10 * MS_US);
    }
    assert_in_range(net->now - since, 1, 2500 * MS_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(it_is_bounded_while_half_of_the_group_misses_a_member),
        NET_TEST(it_is_bounded_where_members_have_the_longest_names),
        NET_TEST(who_answers_from_elsewhere_is_asked_there_with_three_times_the_bytes),
        NET_TEST(a_new_address_is_tried_with_three_times_the_bytes),
        NET_TEST(a_new_address_said_to_one_is_tried_with_three_times_the_bytes),
        NET_TEST(what_a_relay_answers_is_bounded),
        NET_TEST(an_answer_by_the_group_goes_out_on_one_link),
        NET_TEST(nothing_leaves_the_link_for_a_stranger),
        NET_TEST(nothing_is_believed_of_a_source_that_is_nobodys),
        NET_TEST(who_is_missed_is_learnt_from_a_peer),
        NET_TEST(the_young_who_miss_just_one_ask_for_its_page_alone),
        NET_TEST(whom_one_alone_has_buried_it_lists_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
