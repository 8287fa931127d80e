/* Whom a member has buried it tells so: the accused itself, where it says that it is or was known to be. That
 * makes nobody a flood, wherever that is. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "insider.h"
#include "state/state.h"
#include "test.h"

#define MEMBERS 3
#define BURIED  100

/* Members whose every answer is as long as it can be. */
static void add_longest(struct net *net)
{
    struct gossip_options options = net_options(net);
    uint8_t host[1 + HOST_ADDRS * 5] = {0};
    for (uint8_t i = 0; i < HOST_ADDRS; i++) {
        memcpy(&host[1 + 5 * i], (const uint8_t[]){ADDR_IPV4, 10, 0, 0, i}, 5);
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        char name[256];
        memset(name, 'a' + (int)i, sizeof name);
        memcpy(name + 250, "@host", 6);
        (void)net_add(net, name, 1, &options);
        assert_int_equal(host_set(&net->nodes[i]->host, host, sizeof host), 0);
        net_alive(net, i);
    }
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
    net_run(net, 7 * SECOND_US);
}

/* It proves itself to one, or with one datagram to all of them: all together answer with three times that at
 * most, or each of them is silent. */
static void the_accused_is_told_with_three_times_its_bytes(void **state)
{
    for (size_t named = 1; named <= MEMBERS; named++) {
        struct net *net = net_again(state);
        struct forged f = forge(1000, "s@h", 1, 60);
        struct wire_message m;
        struct sent last = {0};
        add_longest(net);
        for (size_t i = 0; i < MEMBERS; i++) {
            net_prove(net, i, &f);
        }
        net_run(net, 10 * SECOND_US);
        forge_start(&f, &m, WIRE_ACK);
        for (size_t i = 0; i < named; i++) {
            assert_int_equal(net_listed(net, i), MEMBERS - 1); /* it was silent, and is buried */
            forge_echo(&m, gossip_boot(net->nodes[i]->g), witness_nonce(&net->nodes[i]->witness));
        }
        int64_t since = ++net->now;
        uint64_t bytes = gossip_stats(net->nodes[0]->g).bytes_received;
        for (size_t i = 0; i < named; i++) {
            net_say(net, i, &f, PATH_GROUP, &m);
        }
        bytes = gossip_stats(net->nodes[0]->g).bytes_received - bytes;
        size_t answers = 0, caused = 0;
        for (size_t k = 0; k < net->log_count; k++) {
            const struct sent *s = &net->log[k];
            if (s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, &f.addr)) {
                answers++;
                caused += s->len;
                last = *s;
            }
        }
        assert_int_equal(answers, named);
        assert_in_range(caused, 1, 3 * bytes);
        assert_int_equal(witness_open(&net->nodes[0]->witness, last.data, last.len, &m), 0);
        assert_true(m.verdict_count == 1 && m.verdicts[0].boot == f.id.boot);
    }
}

static void name_them(struct wire_message *m, const struct forged *them, size_t from, size_t to)
{
    for (size_t i = from; i < to && i < BURIED; i++) {
        forge_entry(m, &them[i]);
    }
}

static void pass(struct net *net, struct forged *f, int64_t duration)
{
    for (int64_t end = net->now + duration; net->now < end; net_run(net, 100 * MS_US)) {
        insider_beat(net, f);
    }
}

/* One in SOURCES shares it with another address that hears of this member. */
static bool has_own_bucket(const struct net *net, const struct addr *a, const struct addr *other)
{
    struct gossip *g = net->nodes[0]->g;
    struct addr attacker = ATTACKER;
    const struct bucket *own = sources_bucket(&g->named, a, g->salt);
    return own != sources_bucket(&g->named, other, g->salt) &&
           own != sources_bucket(&g->named, &attacker, g->salt);
}

/* An insider says that a hundred members are at the victim's host, has them buried, speaks in their names
 * from elsewhere, and names them on pages: each of them was heard, and is to be told. */
static void the_buried_that_only_others_told_of_are_told_at_a_rate(void **state)
{
    enum { A_PAGE = 20 };
    struct net *net = *state;
    struct forged f = forge(100, "f@host", 1, 50), them[BURIED];
    struct addr victim = VICTIM;
    struct wire_message m, asked;
    struct gossip_options options = net_options(net);
    options.max_peers = 4096;
    (void)net_add(net, "a@host", 1, &options);
    net_alive(net, 0);
    net_run(net, MS_US);
    net_prove(net, 0, &f);
    for (size_t i = 0; i < BURIED; i++) {
        char name[] = "000@host";
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        them[i] = forge(1000 + i, name, 1, 66);
        them[i].addr = victim;
        them[i].addr.port = (uint16_t)(1024 + i);
    }
    for (size_t i = 0; i < BURIED; i += A_PAGE) {
        forge_start(&f, &m, WIRE_NEWS);
        name_them(&m, them, i, i + A_PAGE);
        net_say(net, 0, &f, PATH_GROUP, &m);
    }
    assert_int_equal(net_listed(net, 0), 1 + BURIED);
    pass(net, &f, 1300 * MS_US);
    for (size_t i = 0; i < BURIED; i += A_PAGE) {
        forge_start(&f, &m, WIRE_NEWS);
        for (size_t k = i; k < i + A_PAGE; k++) {
            forge_verdict(&m, VERDICT_DEAD, them[k].id.boot, 0);
        }
        net_say(net, 0, &f, PATH_GROUP, &m);
    }
    pass(net, &f, 4 * SECOND_US); /* in which what may be sent there is as much as ever */
    assert_int_equal(net_listed(net, 0), 1);

    for (size_t i = 0; i < BURIED; i++) {
        them[i].addr = ATTACKER;
        insider_beat(net, &them[i]);
        them[i].addr = victim;
    }
    int64_t since = ++net->now;
    while (net_sent(net, 0, since, WIRE_ROSTER, &asked) == 0) {
        net_run(net, MS_US);
    }
    assert_true(net->now - since < PENDING_LIFE);
    since = ++net->now;
    for (size_t i = 0; i < BURIED; i += A_PAGE) {
        assert_true(asked.to_boot == f.id.boot);
        forge_start(&f, &m, WIRE_ROSTER);
        forge_echo(&m, gossip_boot(net->nodes[0]->g), asked.nonce);
        m.cursor = i + 1;
        m.total = BURIED;
        m.has |= HAS_CURSOR | HAS_TOTAL;
        name_them(&m, them, i, i + A_PAGE);
        net_say(net, 0, &f, PATH_UNICAST, &m);
        net_run(net, MS_US);
        (void)net_sent(net, 0, since, WIRE_ROSTER, &asked);
        assert_true(asked.cursor == i + 1);
    }
    size_t told = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        told += s->at >= since && s->path.kind == PATH_UNICAST &&
                memcmp(s->path.addr.ip, victim.ip, sizeof victim.ip) == 0;
    }
    /* What may be sent at once: these are 5 ms. Others may have taken of the same bucket. */
    assert_in_range(told, has_own_bucket(net, &victim, &f.addr) ? NAMED_BURST : 1, NAMED_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(the_accused_is_told_with_three_times_its_bytes),
        NET_TEST(the_buried_that_only_others_told_of_are_told_at_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
