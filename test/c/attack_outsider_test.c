/* Who holds no key records, repeats, relays, and says where it comes from as he likes: nothing may come of
 * it. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "build.h"
#include "test.h"

#define STOCK 64

/* Datagrams that node i sends to the attacker, who repeats what others said in a session that is over: each
 * is fresh, sealed, and heard by nobody else. Returns how many he got in `duration`. */
static size_t harvest(struct net *net, size_t i, const struct sent *recorded, size_t count, int64_t duration,
                      struct sent stock[STOCK])
{
    struct addr attacker = ATTACKER;
    int64_t since = net->now + 1, until = net->now + duration;
    size_t got = 0, next = 0;
    while (net->now < until) {
        attack_replay(net, i, &recorded[next++ % count], &attacker);
        net_run(net, 100 * MS_US);
    }
    for (size_t k = 0; k < net->log_count && got < STOCK; k++) {
        const struct sent *s = &net->log[k];
        if (s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, &attacker)) {
            stock[got++] = *s;
        }
    }
    return got;
}

/* Beats of a member that is gone since, and forgotten. The others go on. */
static size_t ended_session(struct net *net, size_t i, struct sent *out, size_t most)
{
    size_t count = 0;
    static struct wire_message m;
    for (size_t k = 0; k < net->log_count && count < most; k++) {
        const struct sent *s = &net->log[k];
        if (s->path.kind == PATH_GROUP && addr_same(&s->from, &net->nodes[i]->addr) &&
            witness_open(&net->nodes[i]->witness, s->data, s->len, &m) == 0 && m.type == WIRE_HELLO) {
            out[count++] = *s;
        }
    }
    net_kill(net, i);
    net_run(net, TOMBSTONE_LIFE + 10 * SECOND_US);
    assert_true(count > 0);
    net_forget_events(net);
    return count;
}

/* Passes on what X's peer Z sends to the attacker, and what X answers him, from what stands at `seen` in the
 * log on. */
static void relay_between(struct net *net, size_t x, size_t z, size_t seen, int64_t duration)
{
    struct addr attacker = ATTACKER;
    int64_t until = net->now + duration;
    while (net->now < until) {
        for (; seen < net->log_count; seen++) {
            struct sent s = net->log[seen];
            if (s.path.kind != PATH_UNICAST || !addr_same(&s.path.addr, &attacker)) {
                continue;
            }
            bool from_z = addr_same(&s.from, &net->nodes[z]->addr);
            net_inject(net, from_z ? x : z, &attacker, PATH_UNICAST, s.data, s.len);
        }
        net_run(net, MS_US);
    }
}

/* RFC 9000, section 9.3.3: he takes a fresh datagram of X to Z, Z asks X at his address, and he carries
 * question and answer. */
static void a_relay_never_becomes_a_members_address(void **state)
{
    struct net *net = *state;
    struct sent recorded[8], stock[STOCK];
    struct addr attacker = ATTACKER;
    attack_members(net, 3);
    size_t count = ended_session(net, 2, recorded, 8);
    uint64_t x = gossip_boot(net->nodes[0]->g);
    size_t got = harvest(net, 0, recorded, count, 5 * SECOND_US, stock);
    for (size_t k = got; k > 0 && k + 3 > got; k--) {
        size_t seen = net->log_count;
        attack_replay(net, 1, &stock[k - 1], &attacker);
        relay_between(net, 0, 1, seen, 100 * MS_US);
    }
    struct sent beat; /* and with a beat, which he brings sooner than the network does */
    net->dark = 1;
    net->drop = net_drop_dark;
    int64_t since = net->now;
    for (int i = 0; i < 120 && !attack_record(net, 0, WIRE_HELLO, PATH_GROUP, since, &beat); i++) {
        net_run(net, 10 * MS_US); /* no longer, or Z would suspect X for its silence */
    }
    assert_true(attack_record(net, 0, WIRE_HELLO, PATH_GROUP, since, &beat));
    net->drop = NULL;
    size_t seen = net->log_count;
    attack_replay(net, 1, &beat, &attacker);
    relay_between(net, 0, 1, seen, 3 * SECOND_US);
    assert_false(attack_believes(net, 1, x, &attacker));
    assert_int_equal(net_events(net, 1, EVENT_UPDATE), 0);
    assert_int_equal(net_events(net, 1, EVENT_DOWN), 0);
}

/* The same at first contact: Z has just started, and hears of X by way of the attacker alone. */
static void a_relay_introduces_nobody_at_its_own_address(void **state)
{
    struct net *net = *state;
    struct addr attacker = ATTACKER;
    struct sent question;
    size_t x = net_member(net, "x@host", 1);
    net_run(net, 7 * SECOND_US);
    net->dark = x;
    net->drop = net_drop_dark; /* but for him they do not hear each other */
    size_t seen = net->log_count;
    size_t z = net_member(net, "z@host", 1);
    net_run(net, 0);
    assert_true(attack_record(net, z, WIRE_HELLO, PATH_GROUP, 0, &question));
    attack_replay(net, x, &question, &attacker);
    relay_between(net, x, z, seen, 3 * SECOND_US);
    assert_false(attack_believes(net, z, gossip_boot(net->nodes[x]->g), &attacker));
    assert_false(attack_believes(net, x, gossip_boot(net->nodes[z]->g), &attacker));
    assert_int_equal(net_events(net, z, EVENT_UP) + net_events(net, x, EVENT_UP), 0);
}

/* What he has got of X while it lived he tells when X is cut off, one at a time. */
static void the_dead_are_not_kept_alive_by_a_stock_of_datagrams(void **state)
{
    struct net *net = *state;
    struct sent recorded[8], stock[STOCK];
    attack_members(net, 4);
    size_t count = ended_session(net, 3, recorded, 8);
    size_t got = harvest(net, 0, recorded, count, 15 * SECOND_US, stock);
    struct addr own = net->nodes[0]->addr;
    uint64_t x = gossip_boot(net->nodes[0]->g);
    struct peer_view v;
    net_kill(net, 0);
    int64_t cut = net->now;
    for (size_t next = 0; next < 30; next++) {
        for (size_t i = 1; i < 3; i++) {
            if (next < got && attack_lists(net, i, x, &v)) {
                attack_replay(net, i, &stock[next], &own);
            }
        }
        net_run(net, 900 * MS_US);
        if (!attack_lists(net, 1, x, &v) && !attack_lists(net, 2, x, &v)) {
            break;
        }
    }
    assert_false(attack_lists(net, 1, x, &v));
    assert_false(attack_lists(net, 2, x, &v));
    /* 2.03 s is the worst case without him; a datagram is fresh for 2 s */
    assert_true(net->now - cut < 5 * SECOND_US);
}

/* X is cut off, and the others get its beats from him alone: each a fifth later than the one before, so that
 * no gap tells. What is 2 s later than the quickest is no sign of life any more. */
static void what_is_held_back_ever_longer_keeps_nobody_alive(void **state)
{
    struct net *net = *state;
    struct peer_view v;
    attack_members(net, 4);
    uint64_t x = gossip_boot(net->nodes[0]->g);
    net->dark = 0;
    net->drop = net_drop_dark;
    int64_t cut = net->now;
    bool listed = true;
    for (size_t next = net->log_count; listed && net->now - cut < 30 * SECOND_US; net_run(net, MS_US)) {
        while (next < net->log_count && cut + (net->log[next].at - cut) * 6 / 5 <= net->now) {
            struct sent s = net->log[next++];
            for (size_t i = 1; i < 4 && addr_same(&s.from, &net->nodes[0]->addr) && s.path.kind == PATH_GROUP;
                 i++) {
                attack_replay(net, i, &s, &s.from);
            }
        }
        listed = attack_lists(net, 1, x, &v) || attack_lists(net, 2, x, &v) || attack_lists(net, 3, x, &v);
    }
    assert_in_range(net->now - cut, 10 * SECOND_US, 15 * SECOND_US);
}

/* S told Y on a page of E, who has left since. To Z, who never saw that page, it is old news. */
static void a_recorded_page_brings_nobody_back(void **state)
{
    struct net *net = *state;
    struct sent page;
    attack_members(net, 3); /* S, Z and E */
    int64_t since = net->now;
    (void)net_member(net, "y@host", 1);
    net_run(net, SECOND_US);
    bool found = false;
    size_t s = 0;
    for (; s < 3 && !found; s++) {
        found = attack_record(net, s, WIRE_ROSTER, PATH_UNICAST, since, &page);
    }
    assert_true(found);
    s--;
    size_t e = s == 2 ? 1 : 2, z = 3 - s - e;
    uint64_t gone = gossip_boot(net->nodes[e]->g);
    net_leave(net, e, DOWN_LEFT);
    net_run(net, TOMBSTONE_LIFE + SECOND_US);
    net_forget_events(net);
    struct addr attacker = ATTACKER;
    attack_replay(net, z, &page, &net->nodes[s]->addr);
    attack_replay(net, z, &page, &attacker);
    net_run(net, 100 * MS_US);
    struct peer_view v;
    assert_false(attack_lists(net, z, gone, &v));
    assert_int_equal(net_events(net, z, EVENT_UP), 0);
}

/* He says what one member said once, as if it came from the victim: to all of them, as multicast does. What
 * they send then, to the victim and to the group, all together, is at most three times what he sent. */
static void what_is_sent_to_strangers_is_bounded(void **state)
{
    static const size_t counts[] = {2, 5, 12};
    for (size_t c = 0; c < COUNT(counts); c++) {
        struct net *net = net_again(state);
        struct sent recorded[8];
        struct addr victim = VICTIM;
        attack_members(net, counts[c] + 1);
        size_t count = ended_session(net, counts[c], recorded, 8);
        for (size_t k = 0; k < count; k++) {
            for (int again = 0; again < 3; again++) { /* often heard is no more than once heard */
                int64_t since = ++net->now;
                for (size_t i = 0; i < counts[c]; i++) {
                    attack_replay(net, i, &recorded[k], &victim);
                }
                net_run(net, 4 * SECOND_US);
                size_t caused = attack_bytes(net, &victim, since);
                if (caused > 3 * (size_t)recorded[k].len) {
                    fail_msg("%zu members: %u bytes cause %zu", counts[c], recorded[k].len, caused);
                }
            }
        }
    }
}

/* A source that nobody has: what is sent there goes to many, or is refused by the system, and then a person
 * is told of a firewall that does not exist. */
static void nothing_is_sent_to_a_source_that_nobody_has(void **state)
{
    struct net *net = *state;
    struct sent recorded[8];
    attack_members(net, 3);
    size_t count = ended_session(net, 2, recorded, 8);
    const uint8_t sources[][4] = {{255, 255, 255, 255}, {224, 0, 0, 1}, {239, 1, 2, 3}, {0, 0, 0, 0}};
    for (size_t k = 0; k < COUNT(sources); k++) {
        struct addr source = addr_ipv4(sources[k], 4444, 2);
        int64_t since = net->now;
        for (size_t i = 0; i < 2; i++) {
            attack_replay(net, i, &recorded[k % count], &source);
            net_run(net, 3 * SECOND_US);
        }
        assert_int_equal(attack_sent_to(net, &source, since, NULL), 0);
    }
    struct addr nowhere = build_addr(5, 0);
    int64_t since = net->now;
    attack_replay(net, 0, &recorded[0], &nowhere);
    net_run(net, 3 * SECOND_US);
    assert_int_equal(attack_sent_to(net, &nowhere, since, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_relay_never_becomes_a_members_address),
        NET_TEST(a_relay_introduces_nobody_at_its_own_address),
        NET_TEST(the_dead_are_not_kept_alive_by_a_stock_of_datagrams),
        NET_TEST(what_is_held_back_ever_longer_keeps_nobody_alive),
        NET_TEST(a_recorded_page_brings_nobody_back),
        NET_TEST(what_is_sent_to_strangers_is_bounded),
        NET_TEST(nothing_is_sent_to_a_source_that_nobody_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
