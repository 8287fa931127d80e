/* What is too much, or no good, is refused and counted, and changes nothing else. */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "inside.h"
#include "net.h"
#include "test.h"

#define COUNTER(name) offsetof(struct gossip_stats, name)

static uint64_t counter(const struct net *net, size_t i, size_t at)
{
    struct gossip_stats s = gossip_stats(net->nodes[i]->g);
    uint64_t value;
    memcpy(&value, (const char *)&s + at, sizeof value);
    return value;
}

/* A pair that has met, and its beats are far. */
static void pair(struct net *net)
{
    net_member(net, "a@h1", 1);
    net_member(net, "b@h2", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    net_forget_events(net);
}

/* Node 0 gets this from f; exactly the counter at `expected` counts it, nothing is sent, told or remembered.
 */
static void assert_refused_by(struct net *net, uint8_t kind, const struct addr *from, size_t expected,
                              const uint8_t *data, size_t len)
{
    static const size_t counters[] = {
        COUNTER(foreign),  COUNTER(forged), COUNTER(malformed),   COUNTER(replayed), COUNTER(own),
        COUNTER(unproven), COUNTER(stale),  COUNTER(misdirected), COUNTER(relayed),  COUNTER(copies)};
    uint64_t before[COUNT(counters)];
    const struct gossip *g = net->nodes[0]->g;
    for (size_t i = 0; i < COUNT(counters); i++) {
        before[i] = counter(net, 0, counters[i]);
    }
    struct gossip_stats s = gossip_stats(g);
    size_t sent = net->log_count, members = inside_members(g), timers = inside_timers(g);
    int64_t deadline = gossip_deadline(g);
    net_inject(net, 0, from, kind, data, len);
    for (size_t i = 0; i < COUNT(counters); i++) {
        if (counter(net, 0, counters[i]) != before[i] + (counters[i] == expected)) {
            fail_msg("counter %zu at %zu: %llu -> %llu", i, counters[i], (unsigned long long)before[i],
                     (unsigned long long)counter(net, 0, counters[i]));
        }
    }
    assert_int_equal(gossip_stats(g).received, s.received + 1);
    assert_int_equal(gossip_stats(g).bytes_received, s.bytes_received + len);
    assert_int_equal(gossip_stats(g).pending, s.pending);
    assert_int_equal(gossip_stats(g).listed, s.listed);
    assert_int_equal(net->log_count, sent);
    assert_int_equal(net->nodes[0]->event_count, 0);
    assert_int_equal(inside_members(g), members);
    assert_int_equal(inside_timers(g), timers);
    assert_true(gossip_deadline(g) == deadline);
}

static void assert_refused(struct net *net, const struct addr *from, size_t expected, const uint8_t *data,
                           size_t len)
{
    assert_refused_by(net, PATH_GROUP, from, expected, data, len);
}

/* A host tries its own way in with such (the doctor): nobody is to be alarmed by it. */
static void an_empty_datagram_counts_for_nothing(void **state)
{
    struct net *net = *state;
    pair(net);
    struct gossip *g = net->nodes[0]->g;
    struct gossip_stats before = gossip_stats(g);
    size_t sent = net->log_count;
    struct addr from = build_addr(9, 9);
    net_inject(net, 0, &from, PATH_GROUP, (const uint8_t *)"", 0);
    struct gossip_stats after = gossip_stats(g);
    assert_memory_equal(&after, &before, sizeof before);
    assert_int_equal(net->log_count, sent);
    assert_int_equal(net->nodes[0]->event_count, 0);
}

static void junk_is_foreign(void **state)
{
    struct net *net = *state;
    pair(net);
    uint8_t data[2000] = {0};
    struct addr from = build_addr(9, 9);
    for (size_t len = 1; len <= sizeof data; len += 1 + len / 20) {
        prng_fill(&net->prng, data, len);
        assert_refused(net, &from, COUNTER(foreign), data, len);
    }
    struct forged f = forge(90, "f@h9", 1, 9);
    struct wire_message m;
    f.keys = build_ring("xyz");
    forge_start(&f, &m, WIRE_HELLO);
    assert_refused(net, &f.addr, COUNTER(foreign), data, forge_seal(&f, &m, data));

    f.keys = build_ring("k"); /* what is right, but too long, cut too short, or of another version */
    size_t len = forge_seal(&f, &m, data);
    assert_refused(net, &f.addr, COUNTER(foreign), data, DATAGRAM_MAX + 1);
    assert_refused(net, &f.addr, COUNTER(foreign), data, SEAL_OVERHEAD - 1);
    for (size_t bit = 0; bit < 8 * SEAL_PREFIX; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(net, &f.addr, COUNTER(foreign), data, len);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void what_does_not_open_is_forged(void **state)
{
    struct net *net = *state;
    pair(net);
    size_t k = net->log_count - 1;
    while (addr_same(&net->log[k].from, &net->nodes[0]->addr)) {
        k--;
    }
    struct sent last = net->log[k];
    inside_forget_copies(net->nodes[0]->g); /* whose nonce it is does not matter */
    for (size_t bit = 8 * SEAL_PREFIX; bit < 8u * last.len; bit += 7) {
        last.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(net, &last.from, COUNTER(forged), last.data, last.len);
        last.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = SEAL_OVERHEAD; len < last.len; len++) {
        assert_refused(net, &last.from, COUNTER(forged), last.data, len);
    }
}

static void what_does_not_decode_is_malformed(void **state)
{
    struct net *net = *state;
    pair(net);
    struct forged f = forge(gossip_boot(net->nodes[1]->g), "b@h2", 1, 2); /* even from a peer */
    f.sequence = 1000000;
    uint8_t data[DATAGRAM_MAX], message[WIRE_MESSAGE_MAX] = {WIRE_HELLO};
    for (size_t len = 0; len < WIRE_FIXED; len++) {
        assert_refused(net, &f.addr, COUNTER(malformed), data, forge_seal_bytes(&f, message, len, data));
    }
    assert_refused(net, &f.addr, COUNTER(malformed), data, forge_seal_bytes(&f, message, WIRE_FIXED, data));
    message[15] = 1; /* the boot id is no longer 0 */
    message[WIRE_FIXED] = FIELD_NAME;
    for (size_t len = WIRE_FIXED + 1; len < WIRE_FIXED + 9; len++) {
        assert_refused(net, &f.addr, COUNTER(malformed), data, forge_seal_bytes(&f, message, len, data));
    }
}

/* The latest is known by its nonce; what came before that, and is known no more, by its sequence. */
static void what_was_heard_is_replayed_and_the_own_is_own(void **state)
{
    struct net *net = *state;
    pair(net);
    size_t recorded = net->log_count, copies = 0;
    for (size_t k = recorded; k > 0; k--) {
        struct sent s = net->log[k - 1];
        bool own = addr_same(&s.from, &net->nodes[0]->addr);
        bool copy = !own && inside_copy(net->nodes[0]->g, s.path.kind, s.data);
        size_t as = own ? COUNTER(own) : copy ? COUNTER(copies) : COUNTER(replayed);
        assert_refused_by(net, s.path.kind, &s.from, as, s.data, s.len);
        copies += copy;
    }
    assert_true(copies > 0);
    inside_forget_copies(net->nodes[0]->g);
    for (size_t k = 0; k < recorded; k++) {
        struct sent s = net->log[k];
        if (!addr_same(&s.from, &net->nodes[0]->addr)) {
            assert_refused_by(net, s.path.kind, &s.from, COUNTER(replayed), s.data, s.len);
        }
    }
}

static size_t opened;

static int count_open(const struct keyring *ring, int index, const uint8_t *datagram, size_t len,
                      uint8_t *message)
{
    opened++;
    return gossip_sealed.open(ring, index, datagram, len, message);
}

/* What a second link brings, and what this member hears of itself, is not even decrypted. */
static void copies_are_dropped_before_the_cipher(void **state)
{
    struct net *net = *state;
    struct gossip_sealing counting = gossip_sealed;
    counting.open = count_open;
    struct gossip_options options = net_options(net);
    options.sealing = &counting;
    (void)net_add(net, "a@h1", 1, &options);
    net->nodes[0]->witness.options.sealing = &gossip_sealed; /* which opens all */
    net_alive(net, 0);
    net_member(net, "b@h2", 1);
    assert_true(net_wait(net, 2 * SECOND_US, net_whole));
    size_t seen = net->log_count, copies = 0;
    int64_t until = net->now + 10 * SECOND_US;
    while (net->now < until) {
        net_run(net, 10 * MS_US);
        for (; seen < net->log_count && net->log[seen].at + net->delay < net->now; seen++) {
            struct sent s = net->log[seen];
            size_t before = opened;
            bool own = addr_same(&s.from, &net->nodes[0]->addr);
            if (s.path.kind == PATH_GROUP && (own || inside_copy(net->nodes[0]->g, PATH_GROUP, s.data))) {
                net_inject(net, 0, &s.from, PATH_GROUP, s.data, s.len);
                assert_int_equal(opened, before);
                copies += !own;
            }
        }
    }
    assert_true(copies >= 9); /* each second it beats, and two in 256 fall on one another */
    assert_int_equal(gossip_stats(net->nodes[0]->g).copies, copies);
    assert_true(gossip_stats(net->nodes[0]->g).own > 0);
    assert_int_equal(gossip_stats(net->nodes[0]->g).replayed, 0);
}

static bool drop_to_0(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)from;
    (void)s;
    return to == 0;
}

/* The first datagram that node i has sent to the group since the log was so long. */
static const struct sent *to_group(const struct net *net, size_t i, size_t since)
{
    while (since < net->log_count && (net->log[since].path.kind != PATH_GROUP ||
                                      !addr_same(&net->log[since].from, &net->nodes[i]->addr))) {
        since++;
    }
    return since < net->log_count ? &net->log[since] : NULL;
}

/* Who has no key is first with the nonce, or with the whole datagram by the other way: the true one counts.
 */
static void a_forger_keeps_no_true_datagram_out(void **state)
{
    struct net *net = *state;
    pair(net);
    net->drop = drop_to_0; /* he hears it, node 0 does not */
    size_t seen = net->log_count;
    while (to_group(net, 1, seen) == NULL) {
        net_run(net, 10 * MS_US);
    }
    struct sent beat = *to_group(net, 1, seen);
    struct gossip_stats s = gossip_stats(net->nodes[0]->g);
    struct sent forged = beat;
    forged.data[beat.len - 1] ^= 1;
    net_inject(net, 0, &beat.from, PATH_GROUP, forged.data, forged.len);
    net_inject(net, 0, &beat.from, PATH_UNICAST, beat.data, beat.len);
    struct gossip_stats after = gossip_stats(net->nodes[0]->g);
    assert_int_equal(after.forged, s.forged + 1);
    assert_int_equal(after.misdirected, s.misdirected + 1);
    net_inject(net, 0, &beat.from, PATH_GROUP, beat.data, beat.len);
    net_inject(net, 0, &beat.from, PATH_GROUP, forged.data, forged.len);
    after = gossip_stats(net->nodes[0]->g);
    assert_int_equal(after.opened[0], s.opened[0] + 2); /* by the wrong way, and by its own */
    assert_int_equal(after.replayed, s.replayed);
    assert_int_equal(after.copies, s.copies + 1); /* the forgery, again */
    assert_int_equal(after.forged, s.forged + 1);
}

static void no_more_than_max_peers(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.max_peers = 3;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, SECOND_US);
    char name[] = "0@host";
    struct forged f[8];
    for (uint8_t i = 0; i < 8; i++) {
        name[0] = (char)('0' + i);
        f[i] = forge(100u + i, name, 1, (uint8_t)(10 + i));
        net_prove(net, a, &f[i]);
    }
    assert_int_equal(net_listed(net, a), 3);
    assert_int_equal(net_events(net, a, EVENT_UP), 3);
    assert_int_equal(counter(net, a, COUNTER(refused_full)) + counter(net, a, COUNTER(refused_rate)), 5);
    struct wire_message m; /* whoever goes makes room, though its tombstone stays */
    forge_start(&f[1], &m, WIRE_BYE);
    net_say(net, a, &f[1], PATH_GROUP, &m);
    net_run(net, SECOND_US);
    net_prove(net, a, &f[7]);
    assert_int_equal(net_listed(net, a), 3);
    assert_int_equal(net_event(net, a, EVENT_UP)->peer.id.boot, 107);
    for (uint64_t boot = 1000; boot < 1050;
         boot++) { /* tombstones, too, are bounded: the witness counts them */
        f[0] = forge(boot, "x@host", 1, 10);
        net_run(net, SECOND_US);
        net_prove(net, a, &f[0]);
        forge_start(&f[0], &m, WIRE_BYE);
        net_say(net, a, &f[0], PATH_GROUP, &m);
    }
}

/* Whoever it is that asks, a source gets so many answers, and others still get theirs. */
static void answers_to_one_source_are_limited(void **state)
{
    struct net *net = *state;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    int64_t since = net->now;
    struct forged f = forge(100, "f@host", 1, 10);
    struct wire_message m;
    forge_start(&f, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    for (int i = 0; i < 5000; i++) {
        net_say(net, a, &f, PATH_UNICAST, &m);
    }
    assert_in_range(net_sent(net, a, since, 0, NULL), 1, ANSWER_RATE);
    assert_true(counter(net, a, COUNTER(answers_limited)) >= 5000 - ANSWER_RATE);
    size_t before = net->log_count;
    for (uint8_t host = 11; host < 19; host++) { /* one of 64 has the ill luck to share the slot, not all */
        f.addr = build_addr(host, 40000);
        net_say(net, a, &f, PATH_UNICAST, &m);
    }
    assert_true(net->log_count > before);
}

static void say_strangers(struct net *net, size_t i, uint64_t first, size_t count)
{
    for (uint64_t boot = first; boot < first + count; boot++) {
        struct forged f = forge(boot, "f@host", 1, (uint8_t)(boot % 250));
        struct wire_message m;
        forge_start(&f, &m, WIRE_HELLO);
        net_say(net, i, &f, PATH_GROUP, &m);
    }
}

/* The one not heard for longest gives way: who was heard first, and again a moment ago, is remembered, and so
 * what it said is not answered twice. */
static void who_was_heard_again_does_not_give_way(void **state)
{
    struct net *net = *state;
    struct wire_message m;
    size_t a = net_member(net, "a@h1", 1);
    net_run(net, 7 * SECOND_US);
    struct forged f = forge(100, "x@h2", 1, 251);
    forge_start(&f, &m, WIRE_HELLO);
    m.has |= HAS_QUESTION;
    net_say(net, a, &f, PATH_GROUP, &m);
    say_strangers(net, a, 1000, PENDING_MAX - 1);
    net_say(net, a, &f, PATH_GROUP, &m);
    say_strangers(net, a, 5000, PENDING_MAX / 2);
    assert_int_equal(gossip_stats(net->nodes[a]->g).pending, PENDING_MAX);
    net_run(net, 2 * SECOND_US);
    for (int again = 1; again >= 0; again--) {
        int64_t since = ++net->now;
        f.sequence -= (uint64_t)again;
        net_say(net, a, &f, PATH_GROUP, &m);
        assert_int_equal(net_sent(net, a, since, WIRE_ACK, NULL), !again);
    }
}

/* Thousands of newcomers in a moment, all of whom hold the key. */
static void flood(struct net *net, size_t i)
{
    say_strangers(net, i, 1000, 12000);
    assert_int_equal(gossip_stats(net->nodes[i]->g).pending, PENDING_MAX);
}

/* Tables stay small, and the member beats on, even if it is accused in the midst of it. */
static void a_flood_of_strangers_does_not_silence(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.max_peers = 1;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, 3 * SECOND_US);
    struct forged peer = forge(1, "peer@host", 1, 251);
    struct wire_message m;
    net_prove(net, a, &peer);
    flood(net, a);
    forge_start(&peer, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_DEAD, gossip_boot(net->nodes[a]->g), 0);
    net_say(net, a, &peer, PATH_GROUP, &m);
    net_run(net, 5 * SECOND_US);
    int64_t since = net->now;
    net_run(net, 10 * SECOND_US);
    assert_in_range(net_sent(net, a, since, WIRE_HELLO, NULL), 9, 14);
}

static void a_newcomer_in_a_flood_is_listed(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    options.max_peers = 2;
    size_t a = net_add(net, "a@h1", 1, &options);
    net_alive(net, a);
    net_run(net, 3 * SECOND_US);
    flood(net, a);
    net_member(net, "b@h2", 1);
    net_run(net, MS_US);
    flood(net, a);
    assert_true(net_wait(net, 5 * SECOND_US, net_whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(an_empty_datagram_counts_for_nothing),
        NET_TEST(junk_is_foreign),
        NET_TEST(what_does_not_open_is_forged),
        NET_TEST(what_does_not_decode_is_malformed),
        NET_TEST(what_was_heard_is_replayed_and_the_own_is_own),
        NET_TEST(copies_are_dropped_before_the_cipher),
        NET_TEST(a_forger_keeps_no_true_datagram_out),
        NET_TEST(no_more_than_max_peers),
        NET_TEST(answers_to_one_source_are_limited),
        NET_TEST(who_was_heard_again_does_not_give_way),
        NET_TEST(a_flood_of_strangers_does_not_silence),
        NET_TEST(a_newcomer_in_a_flood_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
