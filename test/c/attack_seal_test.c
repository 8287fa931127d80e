/* What stands under the seal: whom a datagram is for, whether it is said to one or to all, and where it was
 * sent to. What does not fit how it came is dropped and counted, whatever it is. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "test.h"

enum fate { TAKEN, MISDIRECTED, RELAYED };

/* A member, and a holder of the key whom it does not know. What that says without asking is counted, and
 * nothing else. */
static struct forged begin(struct net *net, const struct addr *advertise)
{
    struct gossip_options options = net_options(net);
    options.advertise = *advertise;
    net_alive(net, net_add(net, "a@host", 1, &options));
    net_run(net, 7 * SECOND_US);
    return forge(100, "f@host", 1, 50);
}

static void assert_fate(struct net *net, struct forged *f, const struct path *path, struct wire_message *m,
                        enum fate fate, const char *what)
{
    uint8_t data[DATAGRAM_MAX];
    struct gossip_stats before = gossip_stats(net->nodes[0]->g);
    m->sent_at = (uint64_t)net->now;
    net_inject_path(net, 0, path, data, forge_seal(f, m, data));
    struct gossip_stats after = gossip_stats(net->nodes[0]->g);
    if (after.unproven != before.unproven + (fate == TAKEN) ||
        after.misdirected != before.misdirected + (fate == MISDIRECTED) ||
        after.relayed != before.relayed + (fate == RELAYED)) {
        fail_msg("%s: it should have been %s", what,
                 fate == TAKEN         ? "taken"
                 : fate == MISDIRECTED ? "misdirected"
                                       : "relayed");
    }
}

/* Each kind of message, with and without what makes it one that may go to the group. */
static const struct kind {
    const char *text;
    uint8_t type;
    uint16_t has;
    bool echo;     /* echoes somebody's nonce */
    bool to_group; /* may go there */
    bool to_one;
} kinds[] = {
    {"a beat", WIRE_HELLO, 0, false, true, true},
    {"a question", WIRE_HELLO, HAS_QUESTION, false, true, true},
    {"news", WIRE_NEWS, 0, false, true, true},
    {"a goodbye", WIRE_BYE, HAS_REASON, false, true, false},
    {"an answer", WIRE_ACK, 0, true, true, true},
    {"an answer to nobody", WIRE_ACK, 0, false, false, true},
    {"a probe of somebody", WIRE_PROBE, HAS_TARGET, false, true, true},
    {"a probe", WIRE_PROBE, 0, false, false, true},
    {"a request for a probe", WIRE_PROBE_FOR, HAS_TARGET, false, false, true},
    {"a request for a page", WIRE_ROSTER, HAS_CURSOR, false, false, true},
    {"a page", WIRE_ROSTER, HAS_CURSOR | HAS_TOTAL, true, false, true},
    {"the end of somebody's connection", WIRE_DISCONNECT, HAS_TARGET | HAS_DISCONNECT, false, true, true},
    {"the end of a connection", WIRE_DISCONNECT, HAS_DISCONNECT, false, false, true},
    {"what nobody knows yet", 99, 0, false, true, true},
};

static void start(const struct forged *f, struct wire_message *m, const struct kind *k)
{
    forge_start(f, m, k->type);
    m->has = k->has;
    m->target = m->to_boot = 4711;
    m->reason = DOWN_LEFT;
    if (k->echo) {
        forge_echo(m, 4711, 1);
    }
}

static void what_is_said_to_one_or_to_all_came_so(void **state)
{
    struct net *net = *state;
    struct addr none = {0};
    struct forged f = begin(net, &none);
    struct wire_message m;
    struct addr here = net->nodes[0]->addr;
    struct path group = {.kind = PATH_GROUP, .addr = f.addr};
    struct path unicast = {.kind = PATH_UNICAST, .addr = f.addr, .local = here};
    uint64_t boot = gossip_boot(net->nodes[0]->g);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct kind *k = &kinds[i];
        start(&f, &m, k);
        assert_fate(net, &f, &group, &m, k->to_group ? TAKEN : MISDIRECTED, k->text);
        assert_fate(net, &f, &unicast, &m, MISDIRECTED, k->text);
        forge_to(&m, boot, &here);
        assert_fate(net, &f, &group, &m, MISDIRECTED, k->text);
        assert_fate(net, &f, &unicast, &m, k->to_one ? TAKEN : MISDIRECTED, k->text);
        forge_to(&m, boot + 1, &here);
        assert_fate(net, &f, &unicast, &m, MISDIRECTED, k->text);
    }
}

/* Nobody is there, so nobody says anything. */
static void what_comes_from_no_endpoint_is_misdirected(void **state)
{
    static const struct {
        uint8_t ip[4];
        uint16_t port;
    } sources[] = {{{10, 0, 0, 50}, 0},
                   {{0, 0, 0, 0}, 4444},
                   {{224, 0, 0, 1}, 4444},
                   {{239, 255, 255, 255}, 4444},
                   {{255, 255, 255, 255}, 4444}};
    struct net *net = *state;
    struct addr none = {0};
    struct forged f = begin(net, &none);
    struct wire_message m;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        for (size_t k = 0; k < COUNT(sources) && kinds[i].to_group; k++) {
            struct path path = {.kind = PATH_GROUP, .addr = addr_ipv4(sources[k].ip, sources[k].port, 2)};
            start(&f, &m, &kinds[i]);
            assert_fate(net, &f, &path, &m, MISDIRECTED, kinds[i].text);
        }
    }
}

/* Whoever stands there may be asked a newcomer's question, and told nothing. */
static void what_is_for_whoever_stands_there_is_a_question(void **state)
{
    struct net *net = *state;
    struct addr none = {0};
    struct forged f = begin(net, &none);
    struct wire_message m;
    struct path unicast = {.kind = PATH_UNICAST, .addr = f.addr, .local = net->nodes[0]->addr};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        bool question = (kinds[i].has & HAS_QUESTION) != 0;
        start(&f, &m, &kinds[i]);
        forge_to(&m, 0, &unicast.local);
        assert_fate(net, &f, &unicast, &m, question ? TAKEN : MISDIRECTED, kinds[i].text);
    }
    start(&f, &m, &kinds[7]); /* a field that only a question has makes none of something else */
    m.has |= HAS_QUESTION;
    forge_to(&m, 0, &unicast.local);
    assert_fate(net, &f, &unicast, &m, MISDIRECTED, "a probe with the number of a question");
}

static struct addr with_port(struct addr a, uint16_t port)
{
    a.port = port;
    return a;
}

/* Address and port, both; or those that are translated on the way. */
static void where_it_was_sent_to_is_where_it_came(void **state)
{
    const struct addr home = build_addr(1, 40000), other = build_addr(2, 40000), outside = build_addr(99, 0);
    const struct addr nowhere = {0};
    const struct {
        struct addr advertise, local, to;
        enum fate fate;
        const char *text;
    } rows[] = {
        {nowhere, home, home, TAKEN, "to here"},
        {nowhere, home, other, RELAYED, "to another host"},
        {nowhere, home, with_port(home, 40001), RELAYED, "to another port"},
        {nowhere, nowhere, home, TAKEN, "to here, and the system does not tell"},
        {nowhere, nowhere, other, RELAYED, "to another host, and the system does not tell"},
        {outside, home, home, TAKEN, "to here, from inside"},
        {outside, home, with_port(outside, 7), TAKEN, "to any port outside"},
        {outside, home, with_port(other, 7), RELAYED, "to another host outside"},
        {with_port(outside, 7), home, with_port(outside, 7), TAKEN, "to the port outside"},
        {with_port(outside, 7), home, with_port(outside, 8), RELAYED, "to another port outside"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        struct forged f = begin(net, &rows[i].advertise);
        struct wire_message m;
        struct path path = {.kind = PATH_UNICAST, .addr = f.addr, .local = rows[i].local};
        assert_true(addr_same(&net->nodes[0]->addr, &home));
        start(&f, &m, &kinds[7]);
        forge_to(&m, gossip_boot(net->nodes[0]->g), &rows[i].to);
        assert_fate(net, &f, &path, &m, rows[i].fate, rows[i].text);
    }
}

/* To the member, and sent to another host. */
static void relay(struct net *net, struct forged *f)
{
    struct addr elsewhere = build_addr(3, 40000);
    struct wire_message m;
    struct path path = {.kind = PATH_UNICAST, .addr = f->addr, .local = net->nodes[0]->addr};
    start(f, &m, &kinds[7]);
    forge_to(&m, gossip_boot(net->nodes[0]->g), &elsewhere);
    assert_fate(net, f, &path, &m, RELAYED, "relayed");
}

/* One may be an accident; of eight a person is told, once. */
static void of_what_was_relayed_a_person_is_told_once(void **state)
{
    struct net *net = *state;
    struct addr none = {0};
    struct forged f = begin(net, &none);
    for (size_t i = 1; i <= 30; i++) {
        relay(net, &f);
        assert_int_equal(net_events(net, 0, EVENT_RELAYED), i >= 8);
    }
}

/* Who has left tells nothing, whatever still comes to it; once it is back, it does. */
static void who_has_left_tells_of_no_relay(void **state)
{
    struct net *net = *state;
    struct addr none = {0};
    struct forged f = begin(net, &none);
    net_leave(net, 0, DOWN_LEFT);
    net_run(net, SECOND_US);
    assert_int_equal(net_events(net, 0, EVENT_LEFT), 1);
    for (size_t i = 1; i <= 30; i++) {
        relay(net, &f);
    }
    assert_int_equal(net_events(net, 0, EVENT_RELAYED), 0);
    net_alive(net, 0);
    relay(net, &f);
    assert_int_equal(net_events(net, 0, EVENT_RELAYED), 1);
}

#define RUN 8 /* bytes that two random texts hardly share */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, RUN);
}

static bool shows(const struct sent *s, const char *text)
{
    bool found = false;
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= s->len; i++) {
        found = found || memcmp(s->data + i, text, len) == 0;
    }
    return found;
}

/* Who looks on learns who speaks (a boot id), how often, how much and to where. All else is noise to him: no
 * name, tag, host or cookie stands anywhere, and what is said again and again never looks the same twice. */
static void who_looks_on_sees_noise(void **state)
{
    static const char *const secrets[] = {"ann@",     "eve@",   "host-",           "role",
                                          "database", "cookie", "\x0a\x63\x0b\x0d"};
    const uint8_t host[] = {0, 4, 10, 99, 11, 13};
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    static const char *const names[] = {"ann@host-a", "bob@host-b", "eve@host-c"};
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t node = net_add(net, names[i], 1, &options);
        net->nodes[node]->tags = build_tags(1, "role=database");
        assert_int_equal(host_set(&net->nodes[node]->host, host, sizeof host), 0);
        net_alive(net, node);
    }
    net_run(net, 5 * SECOND_US);
    net_disconnected(net, 0, gossip_boot(net->nodes[1]->g));
    net->nodes[2]->paused = true; /* probes, verdicts */
    net_run(net, 4 * SECOND_US);
    net->nodes[2]->paused = false;
    net_run(net, 3 * SECOND_US);
    net_leave(net, 1, DOWN_LEFT);
    net_run(net, SECOND_US);
    bool said[9] = {0};
    size_t count = 0, most = net->log_count * (DATAGRAM_MAX - SEAL_PREFIX);
    const uint8_t **runs = calloc(most, sizeof *runs);
    assert_non_null(runs);
    for (size_t k = 0; k < net->log_count; k++) {
        static struct wire_message m;
        const struct sent *s = &net->log[k];
        assert_int_equal(witness_open(&net->nodes[0]->witness, s->data, s->len, &m), 0);
        said[m.type] = true;
        for (size_t i = 0; i < COUNT(secrets); i++) {
            assert_false(shows(s, secrets[i]));
        }
        for (size_t i = SEAL_PREFIX + SEAL_NONCE; i + RUN <= s->len; i++) {
            runs[count++] = s->data + i;
        }
    }
    for (uint8_t type = WIRE_HELLO; type < COUNT(said); type++) {
        assert_true(said[type]);
    }
    qsort(runs, count, sizeof *runs, by_bytes);
    for (size_t i = 1; i < count; i++) {
        assert_true(by_bytes(&runs[i - 1], &runs[i]) != 0);
    }
    free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(what_is_said_to_one_or_to_all_came_so),
        NET_TEST(what_comes_from_no_endpoint_is_misdirected),
        NET_TEST(what_is_for_whoever_stands_there_is_a_question),
        NET_TEST(where_it_was_sent_to_is_where_it_came),
        NET_TEST(of_what_was_relayed_a_person_is_told_once),
        NET_TEST(who_has_left_tells_of_no_relay),
        NET_TEST(who_looks_on_sees_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
