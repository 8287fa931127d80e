/* How often: whoever holds the key says something else with each datagram, and the owner is told no more than
 * a little of it at a time, and all of it in the end. */
#include <string.h>

#include "attack.h"
#include "build.h"
#include "test.h"

/* Members that know the insider. */
static struct forged begin(struct net *net, size_t n)
{
    struct forged f = forge(100, "insider@h3", 1, 50);
    attack_members(net, n);
    net_prove(net, 0, &f);
    net_forget_events(net);
    return f;
}

static void say_port(struct net *net, struct forged *f, uint16_t port)
{
    struct wire_message m;
    f->id.dist_port = port;
    forge_start(f, &m, WIRE_HELLO);
    net_say(net, 0, f, PATH_GROUP, &m);
}

static size_t updates_of(const struct net *net, size_t i, uint64_t boot, struct peer_view *last)
{
    size_t n = 0;
    for (size_t k = 0; k < net->nodes[i]->event_count; k++) {
        const struct event *e = &net->nodes[i]->events[k];
        if (e->type == EVENT_UPDATE && e->peer.id.boot == boot) {
            n++;
            *last = e->peer;
        }
    }
    return n;
}

/* Another port with each datagram, 500 a second: eight at once, and then one in T, which is a second. The
 * last one is told, however much came before it; and who has said nothing until then does not wait for it. */
static void an_update_of_one_peer_is_told_at_a_rate_and_never_lost(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 1), other = forge(101, "other@h4", 1, 51);
    struct peer_view last;
    for (uint16_t k = 0; k < 1500; k++) {
        say_port(net, &f, (uint16_t)(1000 + k));
        net_run(net, 2 * MS_US);
    }
    size_t told = updates_of(net, 0, f.id.boot, &last);
    if (told > 8 + 3 || told < 8 + 2) {
        fail_msg("%zu updates in 3 s", told);
    }
    net_prove(net, 0, &other);
    say_port(net, &other, 77);
    assert_int_equal(updates_of(net, 0, other.id.boot, &last), 1);
    assert_int_equal(last.id.dist_port, 77);
    net_run(net, SECOND_US + 50 * MS_US);
    assert_true(updates_of(net, 0, f.id.boot, &last) <= told + 1);
    assert_int_equal(last.id.dist_port, 2499);
    told = updates_of(net, 0, f.id.boot, &last);
    for (int k = 0; k < 5; k++) { /* nothing is owed any more */
        say_port(net, &f, 2499);
        net_run(net, SECOND_US);
    }
    assert_int_equal(updates_of(net, 0, f.id.boot, &last), told);
}

/* More of them than are told in one step. */
static void many_that_wait_to_be_told_are_all_told(void **state)
{
    enum { MANY = 30 };
    struct net *net = *state;
    struct forged f[MANY];
    struct peer_view last;
    attack_members(net, 1);
    for (size_t i = 0; i < MANY; i++) {
        char name[] = "00@host";
        name[0] = (char)('0' + i / 10);
        name[1] = (char)('0' + i % 10);
        f[i] = forge(200 + i, name, 1, (uint8_t)(60 + i));
        net_prove(net, 0, &f[i]);
    }
    net_forget_events(net);
    for (uint16_t k = 0; k < 20; k++) {
        for (size_t i = 0; i < MANY; i++) {
            say_port(net, &f[i], (uint16_t)(1000 + k));
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(updates_of(net, 0, f[i].id.boot, &last), 8);
    }
    net_run(net, SECOND_US + 50 * MS_US);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(updates_of(net, 0, f[i].id.boot, &last), 9);
        assert_int_equal(last.id.dist_port, 1019);
    }
}

/* Each word is newer than the last. */
static void words_that_a_connection_was_ended_are_told_at_a_rate(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 1);
    for (int k = 0; k < 1500; k++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_DISCONNECT);
        m.flags = WIRE_ASK;
        m.ended = (uint64_t)net->now;
        m.has |= HAS_DISCONNECT;
        net_say(net, 0, &f, PATH_UNICAST, &m);
        net_run(net, 2 * MS_US);
    }
    size_t told = net_events(net, 0, EVENT_DISCONNECTED);
    if (told > 16 + 3 * 8 || told < 16 + 2 * 8) {
        fail_msg("%zu words in 3 s", told);
    }
}

/* Asks node 0 for a page, from where he is not. Returns what the victim gets for that, in bytes; those of the
 * request go to `asked`, and what is said first to `reply`. */
static size_t page_to(struct net *net, struct forged *f, const struct wire_message *m, size_t *asked,
                      struct wire_message *reply)
{
    struct addr victim = VICTIM;
    size_t got = 0;
    net_run(net, 10 * MS_US);
    uint64_t before = gossip_stats(net->nodes[0]->g).bytes_received;
    size_t sent = net->log_count;
    net_say(net, 0, f, PATH_UNICAST, m);
    *asked = (size_t)(gossip_stats(net->nodes[0]->g).bytes_received - before);
    for (; sent < net->log_count; sent++) {
        const struct sent *s = &net->log[sent];
        if (s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, &victim)) {
            if (got == 0) {
                assert_int_equal(witness_open(&net->nodes[0]->witness, s->data, s->len, reply), 0);
            }
            got += s->len;
        }
    }
    return got;
}

static void ask_for_page(const struct forged *f, struct wire_message *m)
{
    forge_start(f, m, WIRE_ROSTER);
    m->nonce = 4711;
    m->has |= HAS_CURSOR;
}

/* He says under the seal that the victim's address is his own, and asks for pages from there: the victim gets
 * no more than three times of what he sends. Who answers from there what only went there gets whole pages. */
static void pages_to_where_nobody_was_reached_are_bounded(void **state)
{
    struct net *net = *state;
    struct forged f = begin(net, 14);
    static struct wire_message m, page;
    size_t asked, got;
    f.addr = VICTIM;
    ask_for_page(&f, &m);
    got = page_to(net, &f, &m, &asked, &page);
    if (got == 0 || got > 3 * asked) {
        fail_msg("%zu bytes to the victim, for %zu", got, asked);
    }
    ask_for_page(&f, &m); /* what goes to the group he hears wherever he is */
    forge_echo(&m, gossip_boot(net->nodes[0]->g), witness_nonce(&net->nodes[0]->witness));
    got = page_to(net, &f, &m, &asked, &page);
    if (got == 0 || got > 3 * asked) {
        fail_msg("%zu bytes to the victim, for %zu with an echo", got, asked);
    }
    ask_for_page(&f, &m);
    forge_echo(&m, gossip_boot(net->nodes[0]->g), page.nonce);
    got = page_to(net, &f, &m, &asked, &page);
    assert_true(got > 3 * asked);
    ask_for_page(&f, &m); /* and so it stays */
    got = page_to(net, &f, &m, &asked, &page);
    assert_true(got > 3 * asked);
}

/* Whose name is so long that no page is short enough asks back instead, and serves who answers. */
static void a_page_that_cannot_be_short_is_a_probe(void **state)
{
    struct net *net = *state;
    static struct wire_message m, page;
    char name[NAME_MAX_LEN + 1];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    name[1] = '@';
    struct forged f = forge(100, "x@y", 1, 50);
    size_t asked, got;
    (void)net_member(net, name, 1);
    net_run(net, 7 * SECOND_US);
    net_prove(net, 0, &f);
    f.addr = VICTIM;
    for (int proven = 0; proven < 2; proven++) {
        ask_for_page(&f, &m);
        if (proven) {
            forge_echo(&m, gossip_boot(net->nodes[0]->g), page.nonce);
        } else { /* that is no peer's address yet */
            struct wire_message hello;
            forge_start(&f, &hello, WIRE_HELLO);
            net_say(net, 0, &f, PATH_GROUP, &hello);
        }
        m.own_count = 0;
        got = page_to(net, &f, &m, &asked, &page);
        assert_true(got > 0 && (proven || got <= 3 * asked));
        assert_int_equal(page.type, proven ? WIRE_ROSTER : WIRE_PROBE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(an_update_of_one_peer_is_told_at_a_rate_and_never_lost),
        NET_TEST(many_that_wait_to_be_told_are_all_told),
        NET_TEST(pages_to_where_nobody_was_reached_are_bounded),
        NET_TEST(a_page_that_cannot_be_short_is_a_probe),
        NET_TEST(words_that_a_connection_was_ended_are_told_at_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
