/* Terms for the owner, drawn as PROTOCOL.md has them. */
#include "term.h"

#include <string.h>

#include "build.h"
#include "etf.h"
#include "log.h"
#include "test.h"

#include <ei.h>

/* A reader of terms that compares: each step fails the test when the next term is another. */
struct walk {
    const char *term;
    size_t len;
    int at;
};

/* From behind the version byte on. */
static struct walk walk_from(const struct term *t)
{
    struct walk w = {0};
    int version;
    w.term = term_bytes(t, &w.len);
    assert_int_equal(ei_decode_version(w.term, &w.at, &version), 0);
    return w;
}

static struct walk walk(const struct term *t)
{
    struct walk w = walk_from(t);
    assert_int_equal(etf_check((const uint8_t *)w.term, w.len), 0);
    return w;
}

static void is_tuple(struct walk *w, int arity)
{
    int got = -1;
    assert_int_equal(ei_decode_tuple_header(w->term, &w->at, &got), 0);
    assert_int_equal(got, arity);
}

static void is_map(struct walk *w, int arity)
{
    int got = -1;
    assert_int_equal(ei_decode_map_header(w->term, &w->at, &got), 0);
    assert_int_equal(got, arity);
}

static void is_atom(struct walk *w, const char *wanted)
{
    char got[MAXATOMLEN_UTF8];
    assert_int_equal(ei_decode_atom(w->term, &w->at, got), 0);
    assert_string_equal(got, wanted);
}

static void is_number(struct walk *w, uint64_t wanted)
{
    EI_ULONGLONG got = 0;
    assert_int_equal(ei_decode_ulonglong(w->term, &w->at, &got), 0);
    assert_true(got == wanted);
}

static void is_binary(struct walk *w, const void *wanted, size_t len)
{
    char got[1024];
    int type, size;
    long got_len = 0;
    assert_int_equal(ei_get_type(w->term, &w->at, &type, &size), 0);
    assert_int_equal(type, ERL_BINARY_EXT);
    assert_true((size_t)size <= sizeof got);
    assert_int_equal(ei_decode_binary(w->term, &w->at, got, &got_len), 0);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, wanted, len);
}

static void is_list(struct walk *w, int count)
{
    int arity = -1;
    assert_int_equal(ei_decode_list_header(w->term, &w->at, &arity), 0);
    assert_int_equal(arity, count);
}

static void is_end(const struct walk *w)
{
    assert_int_equal(w->at, w->len);
}

static const uint8_t BOOT[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct peer_view a_peer(void)
{
    const uint8_t ip6[16] = {0xfe, 0x80, [15] = 0x2a};
    struct peer_view p = {.id = build_identity(0x0102030405060708, "a@host", UINT32_MAX),
                          .status = STATUS_STALLED,
                          .cookie = COOKIE_DIFFERS,
                          .heard = true,
                          .addr_count = 2};
    p.id.incarnation = 9;
    p.id.dist_port = 4370;
    p.id.flags = IDENTITY_TLS | IDENTITY_HIDDEN;
    const uint8_t host[] = {1, 4, 10, 0, 0, 5, 6, 0x20, 1, [22] = 9};
    assert_int_equal(host_set(&p.host, host, sizeof host), 0);
    p.tags = build_tags(1, "role=db zone=");
    p.addrs[0] = build_addr(5, 45893);
    p.addrs[1] = addr_ipv6(ip6, 65535, 7);
    return p;
}

static void is_peer(struct walk *w)
{
    static const char *const flags[] = {"long_names", "tls", "ipv6", "hidden"};
    is_map(w, 15);
    is_atom(w, "name");
    is_binary(w, "a@host", 6);
    is_atom(w, "boot");
    is_binary(w, BOOT, sizeof BOOT);
    is_atom(w, "creation");
    is_number(w, UINT32_MAX);
    is_atom(w, "incarnation");
    is_number(w, 9);
    is_atom(w, "port");
    is_number(w, 4370);
    for (size_t i = 0; i < COUNT(flags); i++) {
        is_atom(w, flags[i]);
        is_atom(w, i % 2 == 1 ? "true" : "false");
    }
    is_atom(w, "status");
    is_atom(w, "stalled");
    is_atom(w, "cookie");
    is_atom(w, "differs");
    is_atom(w, "heard");
    is_atom(w, "true");
    is_atom(w, "host");
    is_tuple(w, 2);
    is_atom(w, "true");
    is_list(w, 2);
    is_tuple(w, 4);
    is_number(w, 10);
    is_number(w, 0);
    is_number(w, 0);
    is_number(w, 5);
    is_tuple(w, 8);
    is_number(w, 0x2001);
    for (int i = 0; i < 6; i++) {
        is_number(w, 0);
    }
    is_number(w, 9);
    is_list(w, 0);
    is_atom(w, "tags");
    is_map(w, 2);
    is_binary(w, "role", 4);
    is_binary(w, "db", 2);
    is_binary(w, "zone", 4);
    is_binary(w, "", 0);
    is_atom(w, "addresses");
    is_list(w, 2);
    is_tuple(w, 3);
    is_tuple(w, 4);
    is_number(w, 10);
    is_number(w, 0);
    is_number(w, 0);
    is_number(w, 5);
    is_number(w, 45893);
    is_number(w, 2);
    is_tuple(w, 3);
    is_tuple(w, 8);
    is_number(w, 0xfe80);
    for (int i = 0; i < 6; i++) {
        is_number(w, 0);
    }
    is_number(w, 0x2a);
    is_number(w, 65535);
    is_number(w, 7);
    is_list(w, 0);
}

static void events_are_as_the_contract_draws_them(void **state)
{
    (void)state;
    struct term *t = term_new();
    assert_non_null(t);
    struct event e = {.type = EVENT_UP, .peer = a_peer(), .other = a_peer()};
    struct walk w;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "up");
    is_peer(&w);
    is_end(&w);
    e.type = EVENT_UPDATE;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "update");
    is_peer(&w);
    is_end(&w);
    e.type = EVENT_HEARD;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "heard");
    is_peer(&w);
    is_end(&w);
    static const struct {
        uint8_t reason;
        const char *name;
    } reasons[] = {{DOWN_LEFT, "left"}, {DOWN_BEAM_EXIT, "beam_exit"}, {DOWN_SILENT, "silent"}};
    for (size_t i = 0; i < COUNT(reasons); i++) {
        e.type = EVENT_DOWN;
        e.reason = reasons[i].reason;
        assert_int_equal(term_event(t, &e), 0);
        w = walk(t);
        is_tuple(&w, 3);
        is_atom(&w, "down");
        is_peer(&w);
        is_atom(&w, reasons[i].name);
        is_end(&w);
    }
    e.type = EVENT_CONFLICT;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "conflict");
    is_peer(&w);
    is_peer(&w);
    is_end(&w);
    e.type = EVENT_SETTLED;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "settled");
    is_peer(&w);
    is_end(&w);
    e.type = EVENT_HEARTBEAT;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "heartbeat");
    is_binary(&w, "a@host", 6);
    is_end(&w);
    e.type = EVENT_HEALTH;
    e.health = HEALTH_ISOLATED;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "health");
    is_atom(&w, "isolated");
    is_end(&w);
    e.type = EVENT_DISCONNECTED;
    e.ago_ms = 1234;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "disconnected");
    is_peer(&w);
    is_number(&w, 1234);
    is_end(&w);
    e.type = EVENT_LEFT;
    assert_int_equal(term_event(t, &e), 0);
    w = walk(t);
    is_atom(&w, "left");
    is_end(&w);
    e.type = EVENT_SNAPSHOT;
    assert_int_equal(term_event(t, &e), -1);
    term_free(t);
}

static void a_page_holds_its_peers(void **state)
{
    (void)state;
    struct term *t = term_new();
    assert_non_null(t);
    struct peer_view p = a_peer();
    for (int peers = 0; peers <= 64; peers += 32) {
        assert_int_equal(term_page_begin(t, peers == 0), 0);
        for (int i = 0; i < peers; i++) {
            assert_int_equal(term_page_peer(t, &p), 0);
        }
        assert_int_equal(term_page_end(t), 0);
        struct walk w = walk_from(t); /* nests deeper than what goes down */
        is_tuple(&w, 3);
        is_atom(&w, "snapshot");
        is_atom(&w, peers == 0 ? "first" : "more");
        for (int i = 0; i < peers; i++) {
            is_list(&w, 1);
            is_peer(&w);
        }
        is_list(&w, 0);
        is_end(&w);
    }
    term_free(t);
}

/* None, or eth0. */
static void is_interfaces(struct walk *w, int count)
{
    is_list(w, count);
    if (count > 0) {
        is_tuple(w, 3);
        is_binary(w, "eth0", 4);
        is_number(w, 3);
        is_binary(w, "192.168.1.2", 11);
        is_list(w, 0);
    }
}

/* #{reach => Reach, missing => [Missing], deaf => [], mute => []} */
static void is_network(struct walk *w, const char *reach, const char *missing)
{
    is_map(w, 4);
    is_atom(w, "reach");
    is_atom(w, reach);
    is_atom(w, "missing");
    if (missing != NULL) {
        is_list(w, 1);
        is_binary(w, missing, strlen(missing));
    }
    is_list(w, 0);
    is_atom(w, "deaf");
    is_list(w, 0);
    is_atom(w, "mute");
    is_list(w, 0);
}

static void is_trouble(struct walk *w, const char *name, uint64_t peers)
{
    is_tuple(w, 2);
    is_binary(w, name, strlen(name));
    is_number(w, peers);
}

/* {interfaces, [], #{...}} with {Name, Peers} for each interface that is deaf, or closed, and mute. */
static void links_that_are_deaf_or_mute(void **state)
{
    (void)state;
    struct term *t = term_new();
    assert_non_null(t);
    struct network network = {.trouble_count = 3,
                              .troubles = {{.name = "eth0", .index = 2, .deaf = 7, .mute = 9},
                                           {.name = "eth1", .index = 3, .deaf = 7, .closed = true},
                                           {.name = "eth2", .index = 4, .mute = 65535}}};
    assert_int_equal(term_interfaces(t, &network), 0);
    struct walk w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "interfaces");
    is_list(&w, 0);
    is_map(&w, 4);
    is_atom(&w, "reach");
    is_atom(&w, "none");
    is_atom(&w, "missing");
    is_list(&w, 0);
    is_atom(&w, "deaf");
    is_list(&w, 2);
    is_trouble(&w, "eth0", 7);
    is_trouble(&w, "eth1", 0);
    is_list(&w, 0);
    is_atom(&w, "mute");
    is_list(&w, 2);
    is_trouble(&w, "eth0", 9);
    is_trouble(&w, "eth2", 65535);
    is_list(&w, 0);
    is_end(&w);
    term_free(t);
}

static void ready_log_error_and_stats(void **state)
{
    (void)state;
    const uint8_t ip[4] = {192, 168, 1, 2};
    const struct interface eth0 = {.name = "eth0", .index = 3, .addr = addr_ipv4(ip, 0, 3)};
    struct term *t = term_new();
    assert_non_null(t);
    struct network network = {.reach = REACH_VIRTUAL, .count = 1, .items = {eth0}};
    assert_int_equal(term_ready(t, "1.2.3", 0x0102030405060708, 4242, 54321, &network), 0);
    struct walk w = walk(t);
    is_tuple(&w, 2);
    is_atom(&w, "ready");
    is_map(&w, 6);
    is_atom(&w, "version");
    is_binary(&w, "1.2.3", 5);
    is_atom(&w, "boot");
    is_binary(&w, BOOT, sizeof BOOT);
    is_atom(&w, "pid");
    is_number(&w, 4242);
    is_atom(&w, "unicast_port");
    is_number(&w, 54321);
    is_atom(&w, "interfaces");
    is_interfaces(&w, 1);
    is_atom(&w, "network");
    is_network(&w, "virtual", NULL);
    is_end(&w);

    const char *const names[] = {"none", "loopback", "virtual", "lan"};
    for (uint8_t reach = REACH_NONE; reach <= REACH_LAN; reach++) {
        int count = reach > REACH_NONE;
        network = (struct network){.reach = reach, .count = (size_t)count, .items = {eth0}};
        if (reach == REACH_LAN) {
            network.missing_count = 1;
            (void)snprintf(network.missing[0], FILTER_TEXT, "eth7");
        }
        assert_int_equal(term_interfaces(t, &network), 0);
        w = walk(t);
        is_tuple(&w, 3);
        is_atom(&w, "interfaces");
        is_interfaces(&w, count);
        is_network(&w, names[reach], reach == REACH_LAN ? "eth7" : NULL);
        is_end(&w);
    }

    assert_int_equal(term_log(t, LEVEL_WARNING, "look"), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "log");
    is_atom(&w, "warning");
    is_binary(&w, "look", 4);
    is_end(&w);

    struct fault f;
    assert_int_equal(fault_set(&f, FAULT_PORT_TAKEN, "%d is taken", 7), -1);
    assert_int_equal(term_error(t, &f), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "error");
    is_atom(&w, "port_taken");
    is_binary(&w, "7 is taken", 10);
    is_end(&w);

    const struct measure measures[] = {
        {.boot = 1, .round_trip = 5000000000, .loss = 1000, .heard = 2999},
        {.boot = UINT64_MAX, .round_trip = -1, .loss = -1, .heard = -1},
    };
    assert_int_equal(term_measures(t, 512, measures, 2), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "measures");
    is_number(&w, 512);
    is_list(&w, 2);
    is_tuple(&w, 4);
    is_binary(&w, "\0\0\0\0\0\0\0\1", 8);
    is_number(&w, 5000000000);
    is_number(&w, 1000);
    is_number(&w, 2); /* milliseconds */
    is_tuple(&w, 4);
    is_binary(&w, "\377\377\377\377\377\377\377\377", 8);
    for (int i = 0; i < 3; i++) {
        is_atom(&w, "unknown");
    }
    is_list(&w, 0);
    is_end(&w);
    assert_int_equal(term_measures(t, 0, measures, 0), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "measures");
    is_number(&w, 0);
    is_list(&w, 0);
    is_end(&w);

    struct stats s = {.interfaces = &eth0, .interface_count = 1};
    s.core.received = UINT64_MAX;
    s.port.logs_dropped = 77;
    assert_int_equal(term_stats(t, 5, &s), 0);
    w = walk(t);
    is_tuple(&w, 3);
    is_atom(&w, "stats");
    is_number(&w, 5);
    int arity = 0;
    bool received = false, logs = false;
    assert_int_equal(ei_decode_map_header(w.term, &w.at, &arity), 0);
    for (int i = 0; i + 1 < arity; i++) {
        char key[MAXATOMLEN_UTF8];
        EI_ULONGLONG value = 1;
        assert_int_equal(ei_decode_atom(w.term, &w.at, key), 0);
        assert_int_equal(ei_decode_ulonglong(w.term, &w.at, &value), 0);
        received = received || (strcmp(key, "received") == 0 && value == UINT64_MAX);
        logs = logs || (strcmp(key, "logs_dropped") == 0 && value == 77);
    }
    assert_true(received && logs);
    is_atom(&w, "interfaces");
    is_list(&w, 1);
    assert_int_equal(ei_skip_term(w.term, &w.at), 0);
    is_list(&w, 0);
    is_end(&w);
    term_free(t);
}

/* In the steady state no term allocates: the buffer stays where it is. */
static void the_buffer_is_used_again(void **state)
{
    (void)state;
    struct term *t = term_new();
    assert_non_null(t);
    struct event e = {.type = EVENT_CONFLICT, .peer = a_peer(), .other = a_peer()};
    assert_int_equal(term_event(t, &e), 0);
    size_t len;
    const void *buffer = term_bytes(t, &len);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(term_event(t, &e), 0);
        assert_ptr_equal(term_bytes(t, &len), buffer);
    }
    term_free(t);
    term_free(NULL);
}

static int prepare(void **state)
{
    (void)state;
    return term_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_that_are_deaf_or_mute),
        cmocka_unit_test(events_are_as_the_contract_draws_them),
        cmocka_unit_test(a_page_holds_its_peers),
        cmocka_unit_test(ready_log_error_and_stats),
        cmocka_unit_test(the_buffer_is_used_again),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
