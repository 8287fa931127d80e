/* A question by one who is no member: whoever stands there answers, and nobody lists it; and what is no
 * answer to it, whoever has sealed it. */
#include "knock.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "test.h"

static struct prng chance;

struct asker {
    struct knock knock;
    struct keyring ring;
    struct addr from;
};

static struct asker begin(struct net *net, size_t i, const char *keys)
{
    chance = prng_from(5);
    struct asker a = {.ring = build_ring(keys), .from = build_addr(99, 40100)};
    a.knock = knock_start(&net->nodes[i]->addr, prng_fill, &chance);
    return a;
}

/* Asks node i; what it sends for that, which is one datagram at most. NULL: nothing. */
static const struct sent *ask(struct net *net, size_t i, struct asker *a)
{
    uint8_t question[DATAGRAM_MAX];
    size_t len = knock_ask(&a->knock, &a->ring, prng_fill, &chance, question), before = net->log_count;
    assert_int_equal(len, DATAGRAM_MAX);
    struct path path = {.kind = PATH_UNICAST, .addr = a->from, .local = net->nodes[i]->addr};
    net_inject_path(net, i, &path, question, len);
    assert_in_range(net->log_count, before, before + 1);
    if (net->log_count == before) {
        return NULL;
    }
    const struct sent *s = &net->log[before];
    assert_true(s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, &a->from) && s->len <= len);
    return s;
}

static void whoever_stands_there_answers_and_lists_nobody(void **state)
{
    struct net *net = *state;
    net_members(net, 3);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 10 * SECOND_US);
    struct asker a = begin(net, 1, "k");
    struct knock_answer answer;
    for (size_t times = 0; times < 3; times++) {
        const struct sent *s = ask(net, 1, &a);
        assert_non_null(s);
        assert_true(knock_answers(&a.knock, &a.ring, s->data, s->len, &answer));
        assert_true(name_same(&answer.id.name, &net->nodes[1]->self.name));
        assert_int_equal(answer.id.dist_port, net->nodes[1]->self.dist_port);
        assert_int_equal(answer.lists, 3);
        assert_true(!answer.isolated && answer.beam_age_ms < 5000);
    }
    net_run(net, 30 * SECOND_US);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(net_listed(net, i), 2);
    }
}

/* Whatever it has to say. */
static void an_answer_leaves_nothing_out(void **state)
{
    struct net *net = *state;
    char name[NAME_MAX_LEN + 1], pairs[TAGS_MAX];
    memset(name, 'n', sizeof name);
    memcpy(name + sizeof name - 4, "@h1", 4);
    struct gossip_options options = net_options(net);
    size_t i = net_add(net, name, 1, &options);
    struct node *n = net->nodes[i];
    memset(pairs, 'v', sizeof pairs);
    memcpy(pairs, "k=", 2);
    pairs[200] = '\0';
    n->tags = build_tags(1, pairs);
    n->host.len = HOST_MAX;
    for (size_t k = 0; k < HOST_ADDRS; k++) {
        n->host.bytes[1 + 17 * k] = ADDR_IPV6;
        n->host.bytes[1 + 17 * k + 1] = 0x20;
    }
    net_alive(net, i);
    net_run(net, SECOND_US);
    struct asker a = begin(net, i, "k");
    const struct sent *s = ask(net, i, &a);
    struct knock_answer answer;
    assert_non_null(s);
    assert_true(knock_answers(&a.knock, &a.ring, s->data, s->len, &answer));
    assert_int_equal(answer.id.name.len, NAME_MAX_LEN);
    assert_int_equal(answer.host.len, HOST_MAX);
}

static void who_has_another_key_is_not_answered(void **state)
{
    struct net *net = *state;
    size_t i = net_member(net, "a@h1", 1);
    net_run(net, SECOND_US);
    struct asker a = begin(net, i, "x");
    assert_null(ask(net, i, &a));
}

static void nothing_else_is_an_answer(void **state)
{
    struct net *net = *state;
    size_t i = net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    struct asker a = begin(net, i, "k");
    const struct sent *s = ask(net, i, &a);
    struct knock_answer answer;
    uint8_t copy[DATAGRAM_MAX + 1] = {0};
    assert_non_null(s);
    memcpy(copy, s->data, s->len);
    for (size_t len = 0; len < s->len; len++) {
        uint8_t *cut = malloc(len > 0 ? len : 1); /* it ends where its memory does */
        assert_non_null(cut);
        memcpy(cut, copy, len);
        assert_false(knock_answers(&a.knock, &a.ring, cut, len, &answer));
        free(cut);
    }
    for (size_t at = 0; at < s->len; at++) {
        copy[at] ^= 1;
        assert_false(knock_answers(&a.knock, &a.ring, copy, s->len, &answer));
        copy[at] ^= 1;
    }
    assert_false(knock_answers(&a.knock, &a.ring, copy, DATAGRAM_MAX + 1, &answer));
    struct asker other = a, nonce = a;
    other.knock.boot ^= 1;
    nonce.knock.nonce ^= 1;
    assert_false(knock_answers(&other.knock, &a.ring, s->data, s->len, &answer));
    assert_false(knock_answers(&nonce.knock, &a.ring, s->data, s->len, &answer));
    for (size_t k = 0; k + 1 < net->log_count; k++) { /* what it has said to all */
        assert_false(knock_answers(&a.knock, &a.ring, net->log[k].data, net->log[k].len, &answer));
    }
}

/* A holder of the key echoes all that it should, in what is no answer to one. */
static void an_echo_alone_is_no_answer(void **state)
{
    struct net *net = *state;
    size_t i = net_member(net, "a@h1", 1);
    struct asker a = begin(net, i, "k");
    struct forged f = forge(100, "f@h3", 1, 5);
    static const struct {
        uint8_t type;
        bool to, other;
        bool answers;
    } rows[] = {{WIRE_ACK, true, false, true},
                {WIRE_ACK, false, false, false},
                {WIRE_ACK, true, true, false},
                {WIRE_NEWS, true, false, false},
                {WIRE_ROSTER, true, false, false}};
    for (size_t k = 0; k < COUNT(rows); k++) {
        static struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        struct knock_answer answer;
        forge_start(&f, &m, rows[k].type);
        forge_echo(&m, a.knock.boot, a.knock.nonce);
        if (rows[k].to) {
            forge_to(&m, a.knock.boot + (rows[k].other ? 1 : 0), &a.from);
        }
        size_t len = forge_seal(&f, &m, data);
        assert_int_equal(knock_answers(&a.knock, &a.ring, data, len, &answer), rows[k].answers);
        assert_true(!rows[k].answers || !answer.isolated);
    }
}

/* It answers this question, says how it is, and who it is. */
static void an_answer_is_of_this_life_on_both_sides(void **state)
{
    struct net *net = *state;
    size_t i = net_member(net, "a@h1", 1);
    struct asker a = begin(net, i, "k");
    struct forged f = forge(100, "f@h3", 1, 5);
    static const struct {
        int echo, sender;
        bool answers;
    } rows[] = {{0, 0, true}, {1, 0, false}, {0, 1, false}};
    for (size_t k = 0; k < COUNT(rows); k++) {
        static struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        struct knock_answer answer;
        forge_start(&f, &m, WIRE_ACK);
        m.health = HEALTH_ISOLATED;
        forge_echo(&m, a.knock.boot + (uint64_t)rows[k].echo, a.knock.nonce);
        forge_to(&m, a.knock.boot, &a.from);
        m.id.boot += (uint64_t)rows[k].sender;
        size_t len = forge_seal(&f, &m, data);
        assert_int_equal(knock_answers(&a.knock, &a.ring, data, len, &answer), rows[k].answers);
        assert_true(!rows[k].answers || answer.isolated);
    }
}

int main(void)
{
    assert_int_equal(seal_init(), 0);
    const struct CMUnitTest tests[] = {
        NET_TEST(whoever_stands_there_answers_and_lists_nobody),
        NET_TEST(an_answer_leaves_nothing_out),
        NET_TEST(who_has_another_key_is_not_answered),
        NET_TEST(nothing_else_is_an_answer),
        NET_TEST(an_echo_alone_is_no_answer),
        NET_TEST(an_answer_is_of_this_life_on_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
