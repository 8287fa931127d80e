/* Members of both families, and of one: who lists whom, and where what goes to the group goes. */
#include <string.h>

#include "build.h"
#include "net.h"
#include "test.h"

static const uint8_t LINK_LOCAL[16] = {0xfe, 0x80, [15] = 0x99}, OTHER[16] = {0xfe, 0x80, [15] = 0x98};
static const uint8_t MAPPED[16] = {[10] = 0xff, 0xff, 10, 0, 0, 20};

/* A member that knows f and g, both forged. */
struct three {
    size_t a;
    struct forged f, g;
};

static struct three begin(struct net *net)
{
    struct three t = {.f = forge(100, "f@h3", 1, 10), .g = forge(101, "g@h4", 1, 11)};
    t.a = net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    net_prove(net, t.a, &t.f);
    net_prove(net, t.a, &t.g);
    assert_int_equal(net_listed(net, t.a), 2);
    net_forget_events(net);
    return t;
}

/* What it sends from now on. */
static void has(struct net *net, const struct three *t, bool v4, bool v6)
{
    struct addr own[2];
    size_t count = 0;
    if (v4) {
        own[count++] = net->nodes[t->a]->addr;
    }
    if (v6) {
        own[count++] = addr_ipv6(OTHER, 40000, 0);
    }
    gossip_addresses(net->nodes[t->a]->g, own, count);
}

/* The first member vouches for it, at this address, over IPv4. */
static void vouch(struct net *net, struct three *t, const struct forged *x, struct addr at)
{
    struct wire_message m;
    forge_start(&t->f, &m, WIRE_NEWS);
    forge_entry(&m, x);
    m.entries[0].addrs[0] = at;
    m.entries[0].addr_count = 1;
    net_say(net, t->a, &t->f, PATH_GROUP, &m);
}

static void hello(struct net *net, const struct three *t, struct forged *x, bool claims)
{
    struct wire_message m;
    forge_start(x, &m, WIRE_HELLO);
    m.own_count = claims ? m.own_count : 0;
    net_say(net, t->a, x, PATH_GROUP, &m);
}

/* Who has IPv6 alone would judge one that it can never ask: suspect it, and bury it, again and again. */
static void one_of_the_other_family_is_not_listed_on_others_word(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct forged x = forge(105, "x@h9", 1, 20), y = forge(106, "y@h9", 1, 21);
    has(net, &t, false, true);
    vouch(net, &t, &x, x.addr);
    assert_int_equal(net_listed(net, t.a), 2);
    has(net, &t, true, false);
    vouch(net, &t, &y, addr_ipv6((const uint8_t[16]){0xfd, [15] = 1}, 40000, 0));
    assert_int_equal(net_listed(net, t.a), 2);
    has(net, &t, true, true);
    vouch(net, &t, &x, x.addr);
    vouch(net, &t, &y, addr_ipv6((const uint8_t[16]){0xfd, [15] = 1}, 40000, 0));
    assert_int_equal(net_listed(net, t.a), 4);
}

static void ipv4_in_the_guise_of_ipv6_is_not_believed(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    struct forged x = forge(105, "x@h9", 1, 20);
    has(net, &t, true, true);
    vouch(net, &t, &x, addr_ipv6(MAPPED, 40000, 0));
    assert_int_equal(net_listed(net, t.a), 2);
    x.addr = addr_ipv6(MAPPED, 40000, 3);
    uint64_t misdirected = gossip_stats(net->nodes[t.a]->g).misdirected;
    hello(net, &t, &x, true);
    assert_int_equal(gossip_stats(net->nodes[t.a]->g).misdirected, misdirected + 1);
}

/* Others vouch over IPv4 for one that has IPv6 alone; where they know it is link-local. Who has heard it
 * there takes the vouch, if it says that it is there; a source alone may be anybody's. */
static void a_vouch_over_ipv4_counts_for_one_that_is_heard_over_ipv6(void **state)
{
    for (int claims = 0; claims <= 1; claims++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        struct forged x = forge(105, "x@h9", 1, 20);
        x.addr = addr_ipv6(LINK_LOCAL, 40000, 3);
        has(net, &t, true, true);
        vouch(net, &t, &x, x.addr);
        assert_int_equal(net_listed(net, t.a), 2); /* it was not heard yet */
        hello(net, &t, &x, claims == 1);
        assert_int_equal(net_listed(net, t.a), 2); /* nor has it proven anything */
        vouch(net, &t, &x, x.addr);
        assert_int_equal(net_listed(net, t.a), claims == 1 ? 3 : 2);
        if (claims == 1) {
            const struct peer_view *up = &net_event(net, t.a, EVENT_UP)->peer;
            assert_int_equal(up->addr_count, 1);
            assert_true(addr_same(&up->addrs[0], &x.addr));
            assert_int_equal(up->addrs[0].ifindex, 3);
        }
    }
}

/* On its own link it is heard at a link-local address; elsewhere it is where its host is, at the same port.
 */
static void one_that_is_link_local_on_its_link_is_known_elsewhere_by_its_host(void **state)
{
    static const uint8_t ula[] = {0, 6, 0xfd, 0x76, [17] = 3}, four[] = {0, 4, 172, 17, 0, 1},
                         link_local[] = {0, 6, 0xfe, 0x80, [17] = 3}, loopback[] = {0, 6, [17] = 1};
    const struct {
        const uint8_t *host;
        size_t len;
        bool v6, known;
    } cases[] = {{ula, sizeof ula, true, true},
                 {ula, sizeof ula, false, false},
                 {four, sizeof four, true, false},
                 {link_local, sizeof link_local, true, false},
                 {loopback, sizeof loopback, true, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        struct forged x = forge(105, "x@h9", 1, 20);
        struct wire_message m;
        has(net, &t, true, cases[i].v6);
        forge_start(&t.f, &m, WIRE_NEWS);
        forge_entry(&m, &x);
        m.entries[0].addrs[0] = addr_ipv6(LINK_LOCAL, 40000, 0);
        m.entries[0].addr_count = 1;
        assert_int_equal(host_set(&m.entries[0].host, cases[i].host, cases[i].len), 0);
        net_say(net, t.a, &t.f, PATH_GROUP, &m);
        assert_int_equal(net_listed(net, t.a), cases[i].known ? 3 : 2);
        if (cases[i].known) {
            struct addr there = addr_ipv6(ula + 2, 40000, 0);
            const struct peer_view *up = &net_event(net, t.a, EVENT_UP)->peer;
            assert_int_equal(up->addr_count, 1);
            assert_true(addr_same(&up->addrs[0], &there));
        }
    }
}

/* Who has both is told of with its link-local address where its host has another: who has IPv6 alone, and is
 * elsewhere, could not ask it at 10.0.0.20. */
static void one_that_has_both_families_is_told_of_so_that_ipv6_alone_leads_there(void **state)
{
    static const uint8_t ula[] = {0, 6, 0xfd, 0x76, [17] = 3}, four[] = {0, 4, 172, 17, 0, 1},
                         link_local[] = {0, 6, 0xfe, 0x80, [17] = 3};
    const struct {
        const uint8_t *host;
        size_t len, told;
    } cases[] = {{ula, sizeof ula, 2}, {four, sizeof four, 1}, {link_local, sizeof link_local, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        struct wire_message m;
        has(net, &t, true, true);
        forge_start(&t.g, &m, WIRE_HELLO);
        assert_int_equal(host_set(&m.host, cases[i].host, cases[i].len), 0);
        m.own[0] = t.g.addr;
        m.own[1] = addr_ipv6(LINK_LOCAL, 40000, 0);
        m.own_count = 2;
        net_say(net, t.a, &t.g, PATH_GROUP, &m);
        struct forged by_ipv6 = t.g;
        by_ipv6.addr = addr_ipv6(LINK_LOCAL, 40000, 3);
        by_ipv6.sequence++;
        net_say(net, t.a, &by_ipv6, PATH_GROUP, &m);
        struct forged x = forge(105, "x@h9", 1, 20);
        net_prove(net, t.a, &x);
        size_t before = net->log_count;
        forge_start(&x, &m, WIRE_ROSTER);
        m.has |= HAS_CURSOR;
        net_say(net, t.a, &x, PATH_UNICAST, &m);
        struct wire_message page;
        assert_int_equal(net->log_count, before + 1);
        assert_int_equal(
            witness_open(&net->nodes[t.a]->witness, net->log[before].data, net->log[before].len, &page), 0);
        assert_int_equal(page.entries[1].id.boot, t.g.id.boot);
        assert_int_equal(page.entries[1].addr_count, cases[i].told);
    }
}

/* Both families would be two datagrams for one, of those that strangers cause. */
static void a_stranger_is_answered_by_the_group_over_the_family_it_was_heard_over(void **state)
{
    const struct addr sources[] = {build_addr(20, 40000), addr_ipv6(LINK_LOCAL, 40000, 3)};
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct net *net = net_again(state);
        struct three t = begin(net);
        struct forged x = forge(105, "x@h9", 1, 20);
        struct wire_message m;
        x.addr = sources[i];
        has(net, &t, true, true);
        size_t before = net->log_count;
        forge_start(&x, &m, WIRE_HELLO);
        m.question = 3; /* to be answered by the group */
        m.has |= HAS_QUESTION;
        net_say(net, t.a, &x, PATH_GROUP, &m);
        assert_int_equal(net->log_count, before + 1);
        const struct path *path = &net->log[before].path;
        assert_int_equal(path->kind, PATH_GROUP);
        assert_int_equal(path->addr.family, sources[i].family);
        assert_int_equal(path->addr.ifindex, sources[i].ifindex);
    }
}

/* It was sent there, or another passes it on. */
static void what_is_sent_to_a_link_local_address_says_so(void **state)
{
    struct net *net = *state;
    struct three t = begin(net);
    for (int right = 0; right <= 1; right++) {
        struct wire_message m;
        uint64_t relayed = gossip_stats(net->nodes[t.a]->g).relayed;
        struct path path = {.kind = PATH_UNICAST,
                            .addr = addr_ipv6(LINK_LOCAL, 40000, 3),
                            .local = addr_ipv6(OTHER, 40000, 0)};
        uint8_t datagram[DATAGRAM_MAX];
        struct addr to = right == 1 ? path.local : net->nodes[t.a]->addr;
        t.f.clock = (uint64_t)net->now;
        forge_start(&t.f, &m, WIRE_PROBE);
        m.flags |= WIRE_ASK;
        forge_to(&m, gossip_boot(net->nodes[t.a]->g), &to);
        size_t len = forge_seal(&t.f, &m, datagram);
        net_inject_path(net, t.a, &path, datagram, len);
        assert_int_equal(gossip_stats(net->nodes[t.a]->g).relayed, relayed + (right == 1 ? 0 : 1));
    }
}

/* The last probe for it that was sent to this address on this link since; or NULL. */
static const struct sent *probe_on(const struct net *net, const struct three *t, int64_t since, uint32_t link)
{
    const struct sent *last = NULL;
    for (size_t i = 0; i < net->log_count; i++) {
        const struct sent *s = &net->log[i];
        bool there = s->at >= since && s->path.kind == PATH_UNICAST && s->path.addr.ifindex == link &&
                     memcmp(s->path.addr.ip, LINK_LOCAL, sizeof LINK_LOCAL) == 0;
        last = there && addr_same(&s->from, &net->nodes[t->a]->addr) ? s : last;
    }
    return last;
}

/* The question that the member puts to this stranger, once it is its turn; NULL: only by the group, which
 * hears each fourth, and where it has asked in vain. */
static const struct sent *ask_stranger(struct net *net, struct three *t, struct forged *x)
{
    *t = begin(net);
    *x = forge(105, "x@h9", 1, 20);
    x->addr = addr_ipv6(LINK_LOCAL, 40000, 3);
    has(net, t, true, true);
    int64_t since = net->now;
    for (int tries = 0; tries < 40 && probe_on(net, t, since, 3) == NULL; tries++) {
        hello(net, t, x, true);
        net_run(net, 100 * MS_US);
    }
    return probe_on(net, t, since, 3);
}

/* fe80::99 is one on one link, and may be somebody else on the next: an answer that came from there, by
 * whoever carries it over, proved that it is the one that was asked. */
static void an_answer_from_another_link_proves_nothing(void **state)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t link = 3 + i % 2;
        struct net *net = NULL;
        struct three t;
        struct forged x;
        struct wire_message m, question;
        const struct sent *asked = NULL;
        for (size_t tries = 0; tries < 8 && asked == NULL; tries++) {
            net = net_again(state);
            asked = ask_stranger(net, &t, &x);
        }
        assert_non_null(asked);
        assert_int_equal(witness_open(&net->nodes[t.a]->witness, asked->data, asked->len, &question), 0);
        forge_start(&x, &m, WIRE_ACK);
        forge_echo(&m, gossip_boot(net->nodes[t.a]->g), question.nonce);
        x.addr =
            i < 2 ? x.addr : build_addr(20, 40000); /* it may answer from another address of the same link */
        x.addr.ifindex = link;
        net_say(net, t.a, &x, PATH_UNICAST, &m);
        assert_int_equal(net_events(net, t.a, EVENT_UP), link == 3 ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(one_of_the_other_family_is_not_listed_on_others_word),
        NET_TEST(ipv4_in_the_guise_of_ipv6_is_not_believed),
        NET_TEST(a_vouch_over_ipv4_counts_for_one_that_is_heard_over_ipv6),
        NET_TEST(one_that_is_link_local_on_its_link_is_known_elsewhere_by_its_host),
        NET_TEST(one_that_has_both_families_is_told_of_so_that_ipv6_alone_leads_there),
        NET_TEST(a_stranger_is_answered_by_the_group_over_the_family_it_was_heard_over),
        NET_TEST(what_is_sent_to_a_link_local_address_says_so),
        NET_TEST(an_answer_from_another_link_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
