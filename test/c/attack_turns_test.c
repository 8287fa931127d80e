/* Who answers a stranger, how often, and at what length: each rule by itself, of which all together keep what
 * a stranger causes below three times what it sent (attack_answers_test.c has the sum). */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "kit/rank.h"
#include "test.h"

#define PEERS 8
/* Turn k of a subject is turn k + 1 of the one before: of neighbours the same orders would be counted again
 * and again. */
#define SPACE UINT64_C(32)

struct group {
    struct forged peers[PEERS];
    size_t known; /* of these */
    uint64_t self;
};

static void list_peer(struct net *net, struct group *g)
{
    char name[] = "p0@host";
    name[1] = (char)('0' + g->known);
    g->peers[g->known] = forge(100 + SPACE * g->known, name, 1, (uint8_t)(20 + g->known));
    net_prove(net, 0, &g->peers[g->known++]);
}

/* A settled member that lists all but one. */
static struct group begin(struct net *net)
{
    struct group g = {.known = 0};
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    g.self = gossip_boot(net->nodes[0]->g);
    list_peer(net, &g);
    struct wire_message m, asked; /* the first tells that it knows nobody else */
    assert_int_equal(net_sent(net, 0, 0, WIRE_ROSTER, &asked), 1);
    forge_start(&g.peers[0], &m, WIRE_ROSTER);
    forge_echo(&m, g.self, asked.nonce);
    m.cursor = UINT64_MAX;
    m.has |= HAS_CURSOR | HAS_TOTAL;
    net_say(net, 0, &g.peers[0], PATH_UNICAST, &m);
    while (g.known < PEERS - 1) {
        list_peer(net, &g);
    }
    return g;
}

static void all_beat(struct net *net, struct group *g, size_t count)
{
    struct wire_message m;
    for (size_t i = 0; i < count; i++) {
        forge_start(&g->peers[i], &m, WIRE_HELLO);
        net_say(net, 0, &g->peers[i], PATH_GROUP, &m);
    }
}

/* How many of these come before the member itself, in that turn. */
static size_t before(const struct group *g, size_t first, size_t count, uint64_t subject, uint64_t turn)
{
    size_t n = 0;
    for (size_t i = first; i < count; i++) {
        n += rank_weight(g->peers[i].id.boot, subject + turn) > rank_weight(g->self, subject + turn);
    }
    return n;
}

/* Says a beat or a question of a stranger; whether it is answered. */
static bool answers(struct net *net, struct forged *f, bool question, uint64_t sequence, uint8_t number)
{
    struct wire_message m;
    size_t seen = net->log_count;
    forge_start(f, &m, WIRE_HELLO);
    m.question = number;
    m.has = question ? HAS_QUESTION : 0;
    f->sequence = sequence - 1;
    net_say(net, 0, f, PATH_GROUP, &m);
    assert_in_range(net->log_count - seen, 0, 1);
    return net->log_count > seen;
}

static void a_question_is_answered_by_three_in_turn(void **state)
{
    struct net *net = *state;
    struct group g = begin(net);
    size_t answered = 0;
    for (uint64_t subject = 1000; subject < 1000 + 30 * SPACE; subject += SPACE) {
        struct forged f = forge(subject, "s@host", 1, 60);
        all_beat(net, &g, g.known);
        for (uint8_t k = 0; k < 10; k++) {
            bool turn = before(&g, 0, g.known, subject, k) < 3;
            assert_int_equal(answers(net, &f, true, k + 1u, k), turn);
            answered += turn;
        }
    }
    assert_in_range(answered, 60, 240);
    net_run(net, 1300 * MS_US); /* who was not heard since does not count */
    all_beat(net, &g, 3);
    for (uint64_t subject = 2000; subject < 2030; subject++) {
        struct forged f = forge(subject, "s@host", 1, 60);
        assert_int_equal(answers(net, &f, true, 1, 0), before(&g, 0, 3, subject, 0) < 3);
    }
}

/* Who was listed since it was first heard does not count: they have not heard the same. */
static void a_beat_is_answered_by_one_in_turn(void **state)
{
    struct net *net = *state;
    struct group g = begin(net);
    size_t answered = 0;
    struct forged first = forge(3000, "s@host", 1, 60);
    (void)answers(net, &first, false, 1, 0);
    for (uint64_t subject = 1000; subject < 1000 + 20 * SPACE; subject += SPACE) {
        struct forged f = forge(subject, "s@host", 1, 60);
        for (uint64_t s = 1; s < 20; s++) {
            bool turn = before(&g, 0, g.known, subject, s) < 1;
            assert_int_equal(answers(net, &f, false, s, 0), turn);
            answered += turn;
        }
    }
    assert_in_range(answered, 10, 150);
    net_run(net, SECOND_US); /* in which answers to one source are to be had again */
    size_t old = g.known, differ = 0;
    list_peer(net, &g);
    for (uint64_t s = 2; s < 1000; s++) {
        bool turn = before(&g, 0, old, first.id.boot, s) < 1;
        differ += turn && before(&g, old, g.known, first.id.boot, s) > 0;
        assert_int_equal(answers(net, &first, false, s, 0), turn);
    }
    assert_true(differ > 0);
}

/* Nothing is repeated to a stranger: what is no newer than what it said last is not answered. */
static void a_number_is_answered_once(void **state)
{
    struct net *net = *state;
    struct forged f = forge(1000, "s@host", 1, 60);
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    assert_true(answers(net, &f, true, 5, 0));
    assert_false(answers(net, &f, true, 5, 0));
    assert_false(answers(net, &f, true, 4, 1));
    assert_true(answers(net, &f, true, 6, 1));
}

/* By unicast, until two in a row lead to nothing: a firewall may pass none. */
static void who_does_not_hear_is_answered_by_the_group(void **state)
{
    struct net *net = *state;
    struct forged f = forge(1000, "s@host", 1, 60);
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    for (uint64_t i = 1; i < 6; i++) {
        size_t seen = net->log_count;
        assert_true(answers(net, &f, true, i, 0));
        assert_int_equal(net->log[seen].path.kind, i <= 2 ? PATH_UNICAST : PATH_GROUP);
    }
}

/* Whoever they are, and wherever: so many answers go out in all. */
static void answers_to_all_sources_are_limited(void **state)
{
    struct net *net = *state;
    size_t wanted = ANSWER_RATE_ALL + 500, answered = 0;
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    for (size_t i = 0; i < wanted; i++) {
        struct forged f = forge(1000 + i, "s@host", 1, (uint8_t)(3 + i % 250));
        f.addr.ip[2] = (uint8_t)(i / 250);
        answered += answers(net, &f, true, 1, 0);
    }
    assert_int_equal(answered, ANSWER_RATE_ALL);
}

/* A settled member of the longest name, alone, is asked this by a stranger; what it answers. */
static size_t answer_of_a_long_name(struct net *net, size_t name_len, const struct path *path,
                                    const struct forged *f, const struct wire_message *asked,
                                    struct wire_message *answer, size_t *asked_len)
{
    char name[256];
    struct forged by = *f;
    struct wire_message m = *asked;
    uint8_t data[DATAGRAM_MAX];
    memset(name, 'n', sizeof name);
    memcpy(name + name_len - 5, "@host", 6);
    (void)net_member(net, name, 1);
    net_run(net, 7 * SECOND_US);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    for (size_t i = 0; i < m.echo_count; i++) {
        m.echoes[i].boot = m.echoes[i].boot == 0 ? boot : m.echoes[i].boot;
    }
    m.target = m.target == 0 ? boot : m.target;
    if (path->kind == PATH_UNICAST) {
        forge_to(&m, boot, &net->nodes[0]->addr);
    }
    m.sent_at = (uint64_t)net->now;
    int64_t since = ++net->now;
    *asked_len = forge_seal(&by, &m, data);
    net_inject_path(net, 0, path, data, *asked_len);
    if (net_sent(net, 0, since, WIRE_ACK, answer) == 0) {
        return 0;
    }
    return net->log[net->log_count - 1].len;
}

/* Of what names several, each answers with its share; boot id 0 stands for the member itself. */
static void an_answer_is_no_longer_than_its_share(void **state)
{
    static const struct {
        const char *text;
        uint8_t type, path_kind;
        uint16_t has;
        size_t echoes;
        uint64_t target;
        size_t times, part; /* at most so many of so many parts of what came */
    } rows[] = {
        {"a question", WIRE_HELLO, PATH_GROUP, HAS_QUESTION, 0, 9, 1, 2},
        {"a beat", WIRE_HELLO, PATH_GROUP, 0, 0, 9, 3, 2},
        {"a probe", WIRE_PROBE, PATH_UNICAST, 0, 0, 9, 3, 1},
        {"a probe of it", WIRE_PROBE, PATH_GROUP, HAS_TARGET, 0, 0, 3, 1},
        {"an answer to it", WIRE_ACK, PATH_GROUP, 0, 1, 9, 3, 1},
        {"an answer to three", WIRE_ACK, PATH_GROUP, 0, 3, 9, 3, 3},
        {"an answer to three about a fourth", WIRE_ACK, PATH_GROUP, HAS_TARGET, 3, 9, 3, 4},
        {"an answer to one about it", WIRE_ACK, PATH_GROUP, HAS_TARGET, 1, 0, 3, 2},
    };
    for (size_t n = 0; n < 2 * COUNT(rows); n++) {
        size_t i = n / 2, name_len = n % 2 == 0 ? 255 : 100;
        struct net *net = net_again(state);
        struct forged f = forge(1000, "s@h", 1, 60);
        struct path path = {.kind = rows[i].path_kind, .addr = f.addr, .local = build_addr(1, 40000)};
        struct wire_message m, answer;
        size_t len;
        forge_start(&f, &m, rows[i].type);
        m.own_count = 0;
        m.flags = rows[i].type == WIRE_HELLO ? 0 : WIRE_ASK;
        m.has = rows[i].has;
        m.target = rows[i].target;
        m.pad_to = (rows[i].has & HAS_QUESTION) != 0 ? QUESTION_SIZE - SEAL_OVERHEAD : 0;
        for (size_t k = 0; k < rows[i].echoes; k++) {
            forge_echo(&m, k == 0 ? 0 : 4711 + k, k);
        }
        size_t size = answer_of_a_long_name(net, name_len, &path, &f, &m, &answer, &len);
        if (size > rows[i].times * len / rows[i].part) {
            fail_msg("%s: %zu bytes are answered with %zu", rows[i].text, len, size);
        }
    }
}

/* The fingerprint, the addresses and the host go first: who answers says its name, if that fits. */
static void an_answer_keeps_the_name_if_it_can(void **state)
{
    const struct {
        size_t name_len;
        bool print, name;
    } rows[] = {{20, true, true}, {105, false, true}, {255, false, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct forged f = forge(1000, "s@h", 1, 60);
        struct path path = {.kind = PATH_GROUP, .addr = f.addr};
        struct wire_message m, answer;
        size_t len;
        forge_start(&f, &m, WIRE_HELLO);
        m.has |= HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
        assert_true(answer_of_a_long_name(net, rows[i].name_len, &path, &f, &m, &answer, &len) > 0);
        if (((answer.has & HAS_FINGERPRINT) != 0) != rows[i].print ||
            (answer.id.name.len > 0) != rows[i].name) {
            fail_msg("a name of %zu bytes: %zu came", rows[i].name_len, len);
        }
        assert_int_equal(answer.own_count, rows[i].print);
    }
}

/* What goes to the group, for want of a better way, is answered by those whom it names. */
static void only_who_is_named_answers_what_goes_to_the_group(void **state)
{
    struct net *net = *state;
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    for (uint64_t i = 0; i < 8; i++) {
        struct forged f = forge(1000 + i, "s@host", 1, 60);
        struct wire_message m;
        int64_t since = ++net->now;
        bool named = (i & 1) != 0, asks = (i & 2) != 0;
        forge_start(&f, &m, (i & 4) != 0 ? WIRE_ACK : WIRE_PROBE);
        m.flags = asks ? WIRE_ASK : 0;
        m.target = named ? boot : 4711;
        m.has = (i & 4) != 0 ? 0 : HAS_TARGET;
        if ((i & 4) != 0) {
            forge_echo(&m, m.target, 1);
        }
        net_say(net, 0, &f, PATH_GROUP, &m);
        assert_int_equal(net_sent(net, 0, since, WIRE_ACK, NULL), named && asks);
    }
}

/* Off the link nothing goes to a stranger, and what it says to one is not answered at all: but for a
 * question, which only this member has heard, and whose answer has no more bytes. */
static void who_is_off_the_link_is_answered_by_the_group_alone(void **state)
{
    struct net *net = *state;
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    struct addr here = net->nodes[0]->addr;
    for (uint64_t i = 0; i < 4; i++) {
        struct forged f = forge(1000 + i, "s@host", 1, 60);
        struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        bool to_one = (i & 1) != 0, question = (i & 2) != 0;
        struct path path = {
            .kind = to_one ? PATH_UNICAST : PATH_GROUP, .source = SOURCE_FAR, .addr = f.addr, .local = here};
        int64_t since = ++net->now;
        forge_start(&f, &m, question ? WIRE_HELLO : WIRE_PROBE);
        m.flags = question ? 0 : WIRE_ASK;
        m.has = question ? HAS_QUESTION : HAS_TARGET;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
        m.target = gossip_boot(net->nodes[0]->g);
        if (to_one) {
            forge_to(&m, gossip_boot(net->nodes[0]->g), &here);
        }
        net_inject_path(net, 0, &path, data, forge_seal(&f, &m, data));
        struct sent answer = {0};
        assert_int_equal(net_sent(net, 0, since, WIRE_ACK, NULL), !to_one || question);
        assert_int_equal(attack_sent_to(net, &f.addr, since, &answer), to_one && question);
        assert_in_range(answer.len, 0, QUESTION_SIZE);
    }
}

/* What goes to a peer has the same limits: the seal does not cover the source. Its first question is nobody's
 * to answer, for it lists who answers. */
static void a_peers_question_is_answered_by_three_in_turn(void **state)
{
    struct net *net = *state;
    struct group g = begin(net);
    size_t answered = 0;
    for (size_t i = 0; i < g.known; i++) {
        struct forged *f = &g.peers[i];
        all_beat(net, &g, g.known);
        for (uint8_t k = 0; k < 10; k++) {
            size_t ahead = before(&g, 0, i, f->id.boot, k) + before(&g, i + 1, g.known, f->id.boot, k);
            bool turn = k > 0 && ahead < 3;
            assert_int_equal(answers(net, f, true, f->sequence + 1, k), turn);
            answered += turn;
        }
    }
    assert_in_range(answered, 10, 60);
}

/* By unicast, unless it may hear none, or is off the link; by the group on the link where it was asked. */
static void a_peers_question_is_answered_where_it_came(void **state)
{
    static const struct {
        uint8_t source, question;
        bool to_one;
    } rows[] = {{SOURCE_NEAR, 1, true}, {SOURCE_FAR, 1, false}, {SOURCE_NEAR, 3, false}};
    struct net *net = *state;
    struct forged f = forge(1000, "s@host", 1, 60);
    (void)net_member(net, "a@host", 1);
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct path path = {.kind = PATH_GROUP, .source = rows[i].source, .addr = f.addr};
        struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        path.addr.ifindex = 5;
        forge_start(&f, &m, WIRE_HELLO);
        m.question = rows[i].question;
        m.has = HAS_QUESTION;
        m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
        m.sent_at = (uint64_t)net->now;
        size_t seen = net->log_count;
        net_inject_path(net, 0, &path, data, forge_seal(&f, &m, data));
        assert_int_equal(net->log_count, seen + 1);
        assert_int_equal(net->log[seen].path.kind, rows[i].to_one ? PATH_UNICAST : PATH_GROUP);
        assert_int_equal(net->log[seen].path.addr.ifindex, 5);
    }
}

/* A peer of many addresses and a long name answers a peer's question, and accuses one whom it has buried,
 * within the same bounds. */
static void a_peer_is_answered_no_longer_than_a_stranger(void **state)
{
    struct net *net = *state;
    struct forged f = forge(1000, "s@h", 1, 60);
    struct gossip_options options = net_options(net);
    char name[256];
    uint8_t host[1 + HOST_ADDRS * 5] = {0};
    struct wire_message m;
    memset(name, 'n', sizeof name);
    memcpy(name + 250, "@host", 6);
    for (size_t i = 1; i < sizeof host; i += 5) {
        memcpy(&host[i], (const uint8_t[]){ADDR_IPV4, 10, 0, 0, (uint8_t)i}, 5);
    }
    (void)net_add(net, name, 1, &options);
    assert_int_equal(host_set(&net->nodes[0]->host, host, sizeof host), 0);
    net_alive(net, 0);
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    size_t seen = net->log_count;
    assert_true(answers(net, &f, true, f.sequence + 1, 1));
    assert_in_range(net->log[seen].len, 1, QUESTION_SIZE / 2);
    net_run(net, 10 * SECOND_US);
    assert_int_equal(net_listed(net, 0), 0);
    seen = net->log_count;
    forge_start(&f, &m, WIRE_ACK);
    m.own_count = 0;
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    forge_to(&m, gossip_boot(net->nodes[0]->g), &net->nodes[0]->addr);
    net_say(net, 0, &f, PATH_UNICAST, &m);
    assert_int_equal(net->log_count, seen + 1);
    assert_in_range(net->log[seen].len, 1, 3 * (SEAL_OVERHEAD + WIRE_FIXED + 6 + 19 + 18));
}

/* For the young, strangers who were just heard have their turns like members: all may have started at once.
 */
static void the_young_count_strangers_in_turn(void **state)
{
    const struct {
        size_t peers, strangers; /* before it in that turn */
        bool answers;
    } rows[] = {{0, 0, true},  {0, 2, true}, {0, 3, false}, {1, 1, true},
                {1, 2, false}, {2, 0, true}, {2, 1, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        (void)net_member(net, "a@host", 1);
        net_run(net, SECOND_US);
        uint64_t self = gossip_boot(net->nodes[0]->g), subject = 5000;
        size_t n = 0, count = rows[i].peers + rows[i].strangers;
        for (uint64_t boot = 100; n < count; boot++) {
            if (rank_weight(boot, subject) < rank_weight(self, subject)) {
                continue;
            }
            struct forged f = forge(boot, "p@host", 1, (uint8_t)(100 + n));
            f.id.name = build_name((const char *[]){"p@host", "q@host", "r@host"}[n]);
            if (n++ < rows[i].peers) {
                net_prove(net, 0, &f);
            } else {
                (void)answers(net, &f, false, 1, 0);
            }
        }
        struct forged subject_of_it = forge(subject, "s@host", 1, 60);
        assert_int_equal(net_listed(net, 0), rows[i].peers);
        if (answers(net, &subject_of_it, true, 1, 0) != rows[i].answers) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_question_is_answered_by_three_in_turn),
        NET_TEST(a_beat_is_answered_by_one_in_turn),
        NET_TEST(the_young_count_strangers_in_turn),
        NET_TEST(a_number_is_answered_once),
        NET_TEST(who_does_not_hear_is_answered_by_the_group),
        NET_TEST(answers_to_all_sources_are_limited),
        NET_TEST(an_answer_is_no_longer_than_its_share),
        NET_TEST(an_answer_keeps_the_name_if_it_can),
        NET_TEST(only_who_is_named_answers_what_goes_to_the_group),
        NET_TEST(a_peers_question_is_answered_by_three_in_turn),
        NET_TEST(a_peers_question_is_answered_where_it_came),
        NET_TEST(a_peer_is_answered_no_longer_than_a_stranger),
        NET_TEST(who_is_off_the_link_is_answered_by_the_group_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
