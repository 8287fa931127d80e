/* Many: who holds the key can be anybody, as often as he likes. Who comes, who comes back, and what a member
 * does for others is bounded by rates, and what one death makes all of them say. */
#include "attack.h"
#include "build.h"
#include "insider.h"
#include "test.h"

/* One of many, each with a name of its own. */
static struct forged one_of(uint64_t i)
{
    char name[] = "000@host";
    for (size_t digit = 3, rest = i; digit > 0; digit--, rest /= 10) {
        name[digit - 1] = (char)('0' + rest % 10);
    }
    return forge(1000 + i, name, 1, (uint8_t)(100 + i % 150));
}

/* A member with room for so many, alone, and settled. */
static void begin(struct net *net, uint16_t max_peers)
{
    struct gossip_options options = net_options(net);
    options.max_peers = max_peers;
    net_alive(net, net_add(net, "a@h1", 1, &options));
    net_run(net, 7 * SECOND_US);
}

/* With room for ten: ten at once, and eleven a second, however many have proven themselves and made room by
 * a goodbye; and who comes when it is quiet again is listed. */
static void newcomers_come_at_a_rate(void **state)
{
    struct net *net = *state;
    begin(net, 10);
    uint64_t refused = gossip_stats(net->nodes[0]->g).refused_rate;
    for (uint64_t i = 0; i < 200; i++) {
        struct forged f = one_of(i);
        net_prove(net, 0, &f);
        insider_bye(net, &f);
        net_run(net, 10 * MS_US);
        if (i == 9) {
            assert_int_equal(net_events(net, 0, EVENT_UP), 10);
        }
    }
    size_t up = net_events(net, 0, EVENT_UP);
    if (up < 10 + 2 * 11 - 1 || up > 10 + 2 * 11 + 1) {
        fail_msg("%zu newcomers in 2 s", up);
    }
    assert_int_equal(gossip_stats(net->nodes[0]->g).refused_rate - refused, 200 - up);
    net_run(net, SECOND_US);
    struct forged late = one_of(200);
    net_prove(net, 0, &late);
    assert_int_equal(net_events(net, 0, EVENT_UP), up + 1);
}

/* He says of those whom he has named that they have left, and then that they live, with a higher incarnation:
 * each comes back no more often than a newcomer may come. */
static void revivals_come_at_a_rate(void **state)
{
    enum { MANY = 16, ROUNDS = 20 };
    struct net *net = *state;
    begin(net, 20);
    struct forged f = forge(100, "insider@h3", 1, 50), named[MANY];
    net_prove(net, 0, &f);
    for (uint64_t i = 0; i < MANY; i++) {
        named[i] = one_of(i);
    }
    int64_t since = net->now;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct wire_message entries, left;
        forge_start(&f, &entries, WIRE_NEWS);
        forge_start(&f, &left, WIRE_NEWS);
        for (size_t i = 0; i < MANY; i++) {
            named[i].id.incarnation = round;
            forge_entry(&entries, &named[i]);
            forge_verdict(&left, VERDICT_LEFT, named[i].id.boot, round);
        }
        net_say(net, 0, &f, PATH_GROUP, &entries);
        net_say(net, 0, &f, PATH_GROUP, &left);
        net_run(net, FAREWELL_WAIT + FAREWELL_GAP);
    }
    size_t up = net_events(net, 0, EVENT_UP), most = 20 + (size_t)(12 * (net->now - since) / SECOND_US);
    if (up > most || up < most - MANY) {
        fail_msg("%zu of %d came, or came back; %zu may", up, ROUNDS * MANY, most);
    }
    assert_true(gossip_stats(net->nodes[0]->g).refused_rate > 0);
}

/* Datagrams of this type that went to the address. */
static size_t sent_to(const struct net *net, const struct addr *a, uint8_t type, int64_t since)
{
    size_t n = 0;
    for (size_t k = 0; k < net->log_count; k++) {
        const struct sent *s = &net->log[k];
        struct wire_message m;
        n += s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->path.addr, a) &&
             witness_open(&net->nodes[0]->witness, s->data, s->len, &m) == 0 && m.type == type;
    }
    return n;
}

/* He asks to have somebody probed, again and again: a thousand times at once, and a thousand a second. */
static void probes_for_others_come_at_a_rate(void **state)
{
    struct net *net = *state;
    begin(net, 100);
    struct forged f = forge(100, "insider@h3", 1, 50), victim = forge(101, "victim@h4", 1, 51);
    net_prove(net, 0, &f);
    net_prove(net, 0, &victim);
    net_run(net, MS_US);
    int64_t since = net->now;
    for (int i = 0; i < 3000; i++) {
        struct wire_message m;
        forge_start(&f, &m, WIRE_PROBE_FOR);
        m.flags = WIRE_ASK;
        m.target = victim.id.boot;
        m.has |= HAS_TARGET;
        net_say(net, 0, &f, PATH_UNICAST, &m);
        if (i == 1499) {
            assert_int_equal(sent_to(net, &victim.addr, WIRE_PROBE, since), RELAY_RATE);
            assert_int_equal(sent_to(net, &f.addr, WIRE_ACK, since), RELAY_RATE);
            net_run(net, SECOND_US / 2);
        }
    }
    assert_int_equal(sent_to(net, &victim.addr, WIRE_PROBE, since), RELAY_RATE + RELAY_RATE / 2);
    assert_int_equal(sent_to(net, &f.addr, WIRE_ACK, since), RELAY_RATE + RELAY_RATE / 2);
}

/* One has died. The three who watch it say so, whoever believes them does not: or each death would be told by
 * all. */
static void a_death_is_told_by_those_who_watch(void **state)
{
    struct net *net = *state;
    size_t tellers = 0;
    attack_members(net, 12);
    uint64_t dead = gossip_boot(net->nodes[5]->g);
    net_kill(net, 5);
    int64_t since = net->now;
    assert_true(net_wait(net, 4 * SECOND_US, net_whole));
    net_run(net, SECOND_US);
    for (size_t i = 0; i < net->count; i++) {
        bool tells = false;
        for (size_t k = 0; k < net->log_count; k++) {
            const struct sent *s = &net->log[k];
            struct wire_message m;
            tells = tells || (s->at >= since && addr_same(&s->from, &net->nodes[i]->addr) &&
                              witness_open(&net->nodes[i]->witness, s->data, s->len, &m) == 0 &&
                              m.type == WIRE_NEWS && m.verdict_count == 1 && m.verdicts[0].boot == dead &&
                              m.verdicts[0].verdict == VERDICT_DEAD);
        }
        tellers += tells;
    }
    assert_in_range(tellers, 1, ANSWERERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(newcomers_come_at_a_rate),
        NET_TEST(revivals_come_at_a_rate),
        NET_TEST(probes_for_others_come_at_a_rate),
        NET_TEST(a_death_is_told_by_those_who_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
