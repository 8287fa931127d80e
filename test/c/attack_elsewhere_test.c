/* What a datagram makes a member send to where its sender only seems to be, or says that it is: the seal does
 * not cover the source, and who holds the key may say what he likes. All of it together, and whatever it is
 * for, has three times its bytes at most. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "state/roster.h"
#include "test.h"

#define LONG 250 /* bytes of a name: with a longer one, a request finds no room at all */

/* A member that has as much to say of itself as there is room for: name, tags, host. */
static size_t talkative(struct net *net, char first)
{
    struct gossip_options options = net_options(net);
    char text[LONG + 1], pairs[TAGS_MAX];
    const uint8_t host[] = {0, 6, [17] = 1, 6, [34] = 2, 6, [51] = 3, 6, [68] = 4};
    memset(text, first, LONG);
    text[LONG - 5] = '@';
    text[LONG] = '\0';
    memset(pairs, 'v', sizeof pairs);
    memcpy(pairs, "k=", 2);
    pairs[sizeof pairs - 1] = '\0';
    size_t i = net_add(net, "a@host", 1, &options);
    net->nodes[i]->self.name = build_name(text);
    net->nodes[i]->tags = build_tags(1, pairs);
    assert_int_equal(host_set(&net->nodes[i]->host, host, sizeof host), 0);
    net_alive(net, i);
    return i;
}

/* What goes to the address, or is an answer to the group; and how much that is. */
static size_t caused(const struct net *net, const struct addr *a, int64_t since, size_t *bytes)
{
    static struct wire_message m;
    size_t count = 0;
    *bytes = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        bool there = s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, a);
        bool answer = s->path.kind == PATH_GROUP &&
                      witness_open(&net->nodes[0]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_ACK;
        if (s->at >= since && (there || answer)) {
            count++;
            *bytes += s->len;
        }
    }
    return count;
}

static size_t inject(struct net *net, struct forged *f, const struct wire_message *m, uint8_t path_kind,
                     const struct addr *from)
{
    static struct wire_message copy;
    uint8_t data[DATAGRAM_MAX];
    copy = *m;
    copy.sent_at = (uint64_t)net->now;
    if (path_kind == PATH_UNICAST) {
        forge_to(&copy, gossip_boot(net->nodes[0]->g), &net->nodes[0]->addr);
    }
    size_t len = forge_seal(f, &copy, data);
    net_inject(net, 0, from, path_kind, data, len);
    return len;
}

/* It answers what went to where it is, and the answer seems to come from somebody else. */
static void the_first_page_is_asked_for_where_the_answer_was_proven(void **state)
{
    static struct wire_message m;
    struct net *net = *state;
    struct addr victim = VICTIM;
    struct forged f = forge(0x6000, "n@h", 1, 66);
    struct sent request;
    (void)net_member(net, "a@host", 1);
    net_run(net, 3 * SECOND_US);
    uint64_t nonce = net_challenge(net, 0, &f);
    int64_t since = ++net->now;
    forge_start(&f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[0]->g), nonce);
    (void)inject(net, &f, &m, PATH_UNICAST, &victim);
    assert_int_equal(attack_sent_to(net, &victim, since, NULL), 0);
    assert_int_equal(attack_sent_to(net, &f.addr, since, &request), 1);
    assert_int_equal(witness_open(&net->nodes[0]->witness, request.data, request.len, &m), 0);
    assert_int_equal(m.type, WIRE_ROSTER);
    net_run(net, 3 * PAGE_RETRY); /* and again, for it has proven to be there */
    assert_int_equal(attack_sent_to(net, &f.addr, since, NULL), 3);
}

/* It answers what went to all, and says that it is where another is: all that goes there, again and again
 * until a page comes, is bounded. By the group, and with a question, there is an answer besides; with a
 * request of its own, a page. */
static void where_it_only_says_that_it_is_little_is_sent(void **state)
{
    static const struct {
        uint8_t type, path_kind, flags;
        uint16_t has;
        bool buried;
    } rows[] = {
        {WIRE_ACK, PATH_UNICAST, 0, 0, false},
        {WIRE_ACK, PATH_UNICAST, WIRE_ASK, 0, false},
        {WIRE_ACK, PATH_GROUP, 0, 0, false},
        {WIRE_ACK, PATH_GROUP, WIRE_ASK, 0, false},
        {WIRE_ROSTER, PATH_UNICAST, 0, HAS_CURSOR, false},
        {WIRE_ROSTER, PATH_UNICAST, WIRE_ASK, HAS_CURSOR, false},
        {WIRE_PROBE, PATH_UNICAST, WIRE_ASK, 0, false},
        {WIRE_ROSTER, PATH_UNICAST, 0, HAS_CURSOR, true},
        {WIRE_ACK, PATH_UNICAST, WIRE_ASK, 0, true},
    };
    static struct wire_message m;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct forged f = forge(0x6000, "n@h", 1, 77);
        f.addr = VICTIM;
        (void)talkative(net, 'a');
        net_run(net, 3 * SECOND_US);
        if (rows[i].buried) {
            net_prove(net, 0, &f);
            net_run(net, 10 * SECOND_US);
            assert_int_equal(net_listed(net, 0), 0);
        }
        struct peer_view v;
        size_t bytes;
        int64_t since = ++net->now;
        forge_start(&f, &m, rows[i].type);
        m.flags = rows[i].flags;
        m.has = rows[i].has;
        forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
        size_t len = inject(net, &f, &m, rows[i].path_kind, &f.addr);
        assert_true(attack_lists(net, 0, f.id.boot, &v));
        net_run(net, PROBE_EVERY - MS_US);
        size_t count = caused(net, &f.addr, since, &bytes);
        if (count == 0 || bytes > 3 * len) {
            fail_msg("row %zu: %zu bytes cause %zu, in %zu datagrams", i, len, bytes, count);
        }
        net_run(net, SECOND_US - PROBE_EVERY);
        assert_in_range(caused(net, &f.addr, since, &bytes), count, count + SECOND_US / PROBE_EVERY);
        assert_in_range(bytes, 0, 3 * len * (1 + SECOND_US / PROBE_EVERY));
    }
}

/* A peer's fresh datagram comes from where it is not known to be: what answers it there asks it, too, and
 * nothing else does. Once that is answered it is at home there. */
static void a_peer_that_asks_from_elsewhere_is_answered_once(void **state)
{
    static const struct {
        uint8_t type, path_kind, flags;
        uint16_t has;
        bool asked; /* it can prove then that it is there */
    } rows[] = {
        {WIRE_PROBE, PATH_UNICAST, WIRE_ASK, 0, true},
        {WIRE_PROBE, PATH_UNICAST, 0, 0, true},
        {WIRE_ACK, PATH_UNICAST, WIRE_ASK, 0, true},
        {WIRE_ACK, PATH_UNICAST, 0, 0, true},
        {WIRE_NEWS, PATH_UNICAST, WIRE_ASK, 0, true},
        {WIRE_PROBE_FOR, PATH_UNICAST, WIRE_ASK, HAS_TARGET, true},
        {WIRE_ROSTER, PATH_UNICAST, WIRE_ASK, HAS_CURSOR, true},
        {WIRE_DISCONNECT, PATH_UNICAST, WIRE_ASK, HAS_DISCONNECT, true},
        {WIRE_HELLO, PATH_UNICAST, 0, HAS_QUESTION, true},
        {WIRE_HELLO, PATH_GROUP, 0, HAS_QUESTION, true},
        {WIRE_HELLO, PATH_GROUP, 0, 0, true},
        {WIRE_PROBE, PATH_GROUP, WIRE_ASK, HAS_TARGET, false},
        {WIRE_ACK, PATH_GROUP, WIRE_ASK, HAS_TARGET, false},
        {WIRE_DISCONNECT, PATH_GROUP, WIRE_ASK, HAS_TARGET | HAS_DISCONNECT, false},
    };
    static struct wire_message m;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct addr elsewhere = VICTIM;
        struct forged f = forge(0x6000, "n@h", 1, 66);
        size_t bytes;
        (void)talkative(net, 'a');
        if (rows[i].type == WIRE_PROBE_FOR) {
            (void)talkative(net, 'b');
        } /* else it is always the first one's turn */
        net_run(net, 3 * SECOND_US);
        net_prove(net, 0, &f);
        net_run(net, 100 * MS_US);
        int64_t since = ++net->now;
        forge_start(&f, &m, rows[i].type);
        m.flags = rows[i].flags;
        m.has = rows[i].has;
        m.own_count = 0;
        m.question = 1;
        m.pad_to = rows[i].type == WIRE_HELLO && rows[i].has != 0 ? QUESTION_SIZE - SEAL_OVERHEAD : 0;
        m.target = gossip_boot(net->nodes[rows[i].type == WIRE_PROBE_FOR]->g);
        m.ended = (uint64_t)net->now;
        if (rows[i].type == WIRE_ACK && rows[i].path_kind == PATH_GROUP) {
            forge_echo(&m, gossip_boot(net->nodes[0]->g), 1);
        }
        size_t len = inject(net, &f, &m, rows[i].path_kind, &elsewhere);
        net_run(net, 50 * MS_US);
        size_t count = caused(net, &elsewhere, since, &bytes);
        if (count == 0 || count > (rows[i].type == WIRE_PROBE_FOR ? 2 : 1) || bytes > 3 * len) {
            fail_msg("row %zu: %zu bytes cause %zu, in %zu datagrams", i, len, bytes, count);
        }
        struct sent asked;
        if (attack_sent_to(net, &elsewhere, since, NULL) == 0) {
            assert_false(rows[i].asked);
            continue;
        }
        for (size_t k = 0; !(net->log[k].at >= since && addr_same(&net->log[k].path.addr, &elsewhere)); k++) {
            asked = net->log[k + 1];
        }
        assert_int_equal(witness_open(&net->nodes[0]->witness, asked.data, asked.len, &m), 0);
        assert_int_equal((m.flags & WIRE_ASK) != 0, rows[i].asked);
        uint64_t nonce = m.nonce;
        forge_start(&f, &m, WIRE_ACK);
        m.own_count = 0;
        forge_echo(&m, gossip_boot(net->nodes[0]->g), nonce);
        assert_false(attack_believes(net, 0, f.id.boot, &elsewhere));
        (void)inject(net, &f, &m, PATH_UNICAST, &elsewhere);
        assert_true(attack_believes(net, 0, f.id.boot, &elsewhere));
    }
}

/* A member that has answered what went to all, and says that it is where another is, says with each datagram
 * that it knows one more than the rest, who was heard, too: so the page with that one is asked for, again and
 * again. */
static void pages_are_asked_for_at_a_rate_where_it_only_says_that_it_is(void **state)
{
    static struct wire_message m;
    struct net *net = *state;
    struct forged f = forge(0x6000, "n@h", 1, 77), stranger = forge(0x7000, "s@h", 1, 78);
    (void)net_member(net, "a@host", 1);
    (void)net_member(net, "b@host", 1);
    net_run(net, 8 * SECOND_US);
    f.addr = VICTIM;
    forge_start(&f, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    (void)inject(net, &f, &m, PATH_GROUP, &f.addr);
    net_run(net, SECOND_US);
    int64_t since = ++net->now;
    while (net->now < since + 20 * SECOND_US) {
        forge_start(&stranger, &m, WIRE_HELLO);
        (void)inject(net, &stranger, &m, PATH_GROUP, &stranger.addr);
        forge_start(&f, &m, WIRE_HELLO);
        m.digest = roster_digest(gossip_boot(net->nodes[0]->g), 0) ^
                   roster_digest(gossip_boot(net->nodes[1]->g), 0) ^ roster_digest(f.id.boot, 0) ^
                   roster_digest(stranger.id.boot, 0);
        m.group_size = 4;
        (void)inject(net, &f, &m, PATH_GROUP, &f.addr);
        net_run(net, 10 * MS_US);
    }
    size_t requests = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        requests += s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, &f.addr) &&
                    witness_open(&net->nodes[0]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_ROSTER;
    }
    assert_in_range(requests, NAMED_BURST, NAMED_BURST + 20 * NAMED_RATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(the_first_page_is_asked_for_where_the_answer_was_proven),
        NET_TEST(where_it_only_says_that_it_is_little_is_sent),
        NET_TEST(a_peer_that_asks_from_elsewhere_is_answered_once),
        NET_TEST(pages_are_asked_for_at_a_rate_where_it_only_says_that_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
