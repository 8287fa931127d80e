/* Terms of the owner: what is understood, and what is refused. */
#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etf.h"
#include "port_terms.h"
#include "test.h"

/* Decodes from memory of exactly this size, so that the sanitizers see a read past the end. */
static int decode(const void *data, size_t len, struct message *out, struct fault *fault)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, data, len);
    memset(fault, 0, sizeof *fault);
    int result = term_decode(exact, len, out, fault);
    free(exact);
    assert_true(result == 0 || result == -1);
    assert_true(result == 0 || (fault->kind != FAULT_NONE && fault->text[0] != '\0'));
    return result;
}

static int decode_x(const ei_x_buff *x, struct message *out, struct fault *fault)
{
    return decode(x->buff, (size_t)x->index, out, fault);
}

static void the_configuration_comes_through(void **state)
{
    (void)state;
    const uint8_t group[4] = {233, 252, 1, 33};
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    port_configure(
        &x, &(struct port_config){
                .port = 1234, .interval = 250, .secret = "hush", .heartbeats = true, .broadcast = true});
    assert_int_equal(term_decode((const uint8_t *)x.buff, (size_t)x.index, &m, &f), 0);
    const struct config *c = &m.as.config;
    assert_int_equal(m.type, MESSAGE_CONFIGURE);
    assert_int_equal(c->label_len, 4);
    assert_memory_equal(c->label, "test", 4);
    assert_int_equal(c->group.port, 1234);
    assert_memory_equal(c->group.ip, group, 4);
    assert_int_equal(c->group.family, ADDR_IPV4);
    assert_int_equal(c->ttl, 0);
    assert_int_equal(c->interval_ms, 250);
    assert_int_equal(c->max_peers, 4096);
    assert_true(c->heartbeats);
    assert_true(c->broadcast);
    assert_int_equal(c->interfaces.mode, FILTER_ONLY);
    assert_int_equal(c->interfaces.count, 1);
    assert_string_equal(c->interfaces.items[0], "127.0.0.1");
    assert_int_equal(m.secrets.count, 1);
    assert_int_equal(m.secrets.items[0].kind, SECRET_COOKIE);
    assert_int_equal(m.secrets.items[0].len, 4);
    assert_memory_equal(m.secrets.items[0].data, "hush", 4);
    port_configure(&x, &(struct port_config){.interface = ""});
    assert_int_equal(term_decode((const uint8_t *)x.buff, (size_t)x.index, &m, &f), 0);
    assert_int_equal(m.as.config.interfaces.mode, FILTER_ALL);
    assert_false(m.as.config.broadcast);
    assert_int_equal(m.as.config.interfaces.count, 0);
    assert_int_equal(m.secrets.items[0].kind, SECRET_KEY);
    assert_int_equal(m.secrets.items[0].len, KEY_BYTES);
    (void)ei_x_free(&x);
}

static void libclusters_wire_comes_through(void **state)
{
    (void)state;
    const uint8_t group[4] = {233, 252, 1, 32};
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    port_compat(&x, 45892, NULL);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.type, MESSAGE_COMPAT);
    assert_memory_equal(m.as.config.group.ip, group, 4);
    assert_int_equal(m.as.config.group.port, 45892);
    assert_int_equal(m.as.config.ttl, 0);
    assert_int_equal(m.secrets.count, 0);
    /* libcluster takes any text, also none. */
    const char *const secrets[] = {"", "hush"};
    for (size_t i = 0; i < COUNT(secrets); i++) {
        port_compat(&x, 45892, secrets[i]);
        assert_int_equal(term_decode((const uint8_t *)x.buff, (size_t)x.index, &m, &f), 0);
        assert_int_equal(m.secrets.count, 1);
        assert_int_equal(m.secrets.items[0].len, strlen(secrets[i]));
        assert_memory_equal(m.secrets.items[0].data, secrets[i], strlen(secrets[i]));
    }
    port_compat(&x, 0, "hush");
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_int_equal(f.kind, FAULT_BAD_CONFIG);
    assert_non_null(strstr(f.text, "port is 0"));
    port_compat(&x, 45892, "hush");
    x.buff[x.index - 9] = 'K'; /* the tag of the secret: no binary any more */
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_null(strstr(f.text, "hush"));
    (void)ei_x_free(&x);
}

static void an_advertised_address_may_have_a_port(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int result;
        uint8_t ip[4];
        uint16_t port;
    } rows[] = {{"", 0, {0}, 0},
                {"192.0.2.7", 0, {192, 0, 2, 7}, 0},
                {"192.0.2.7:1", 0, {192, 0, 2, 7}, 1},
                {"192.0.2.7:65535", 0, {192, 0, 2, 7}, 65535},
                {"192.0.2.7:65536", -1, {0}, 0},
                {"192.0.2.7:0", -1, {0}, 0},
                {"192.0.2.7:", -1, {0}, 0},
                {"192.0.2.7:4294967297", -1, {0}, 0},
                {"192.0.2.7:-1", -1, {0}, 0},
                {"192.0.2", -1, {0}, 0},
                {":5", -1, {0}, 0},
                {"0.0.0.0", -1, {0}, 0},
                {"233.252.1.33", -1, {0}, 0},
                {"255.255.255.255", -1, {0}, 0},
                {"host", -1, {0}, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        ei_x_buff x = {0};
        struct message m;
        struct fault f;
        port_configure(&x, &(struct port_config){.advertise = rows[i].text});
        assert_int_equal(term_decode((const uint8_t *)x.buff, (size_t)x.index, &m, &f), rows[i].result);
        if (rows[i].result == 0) {
            assert_int_equal(m.as.config.advertise.family, rows[i].text[0] == '\0' ? ADDR_NONE : ADDR_IPV4);
            assert_memory_equal(m.as.config.advertise.ip, rows[i].ip, 4);
            assert_int_equal(m.as.config.advertise.port, rows[i].port);
        } else {
            assert_non_null(strstr(f.text, "advertise is"));
        }
        (void)ei_x_free(&x);
    }
}

static void the_unicast_port_is_a_range(void **state)
{
    (void)state;
    static const struct {
        uint16_t first, last;
        int result;
    } rows[] = {{0, 0, 0}, {1, 1, 0}, {45894, 45901, 0}, {65535, 65535, 0}, {2, 1, -1}, {0, 1, -1}};
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    for (size_t i = 0; i < COUNT(rows); i++) {
        port_configure(&x,
                       &(struct port_config){.unicast_first = rows[i].first, .unicast_last = rows[i].last});
        assert_int_equal(decode_x(&x, &m, &f), rows[i].result);
        if (rows[i].result == 0) {
            assert_int_equal(m.as.config.unicast_first, rows[i].first);
            assert_int_equal(m.as.config.unicast_last, rows[i].last);
        } else {
            assert_non_null(strstr(f.text, "unicast_port is "));
            assert_non_null(strstr(f.text, "must be {First, Last} of 1..65535, or {0, 0}"));
        }
    }
    (void)ei_x_free(&x);
}

/* "" is IPv4 alone. Of another scope its members would have to send from another address than they do. */
static void the_group_of_ipv6_is_of_one_link(void **state)
{
    (void)state;
    const struct {
        const char *text;
        uint8_t family; /* ADDR_NONE: it is refused, or empty */
    } rows[] = {
        {"", ADDR_NONE},
        {"ff12::6763", ADDR_IPV6},
        {"ff02::1:2", ADDR_IPV6},
        {"ff15::6763", ADDR_NONE},
        {"fe80::1", ADDR_NONE},
        {"ff12::6763%2", ADDR_NONE},
        {"233.252.1.33", ADDR_NONE},
        {"ff12", ADDR_NONE},
    };
    ei_x_buff x = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct message m;
        struct fault f;
        port_configure(&x, &(struct port_config){.group6 = rows[i].text});
        bool good = i == 0 || rows[i].family == ADDR_IPV6;
        print_message("\"%s\"\n", rows[i].text);
        assert_int_equal(decode_x(&x, &m, &f), good ? 0 : -1);
        if (good) {
            assert_int_equal(m.as.config.group6.family, rows[i].family);
            assert_int_equal(m.as.config.group6.ip[0], rows[i].family == ADDR_IPV6 ? 0xff : 0);
        } else {
            assert_non_null(strstr(f.text, "an IPv6 multicast address of link-local scope, or \"\""));
        }
    }
    (void)ei_x_free(&x);
}

static void every_key_of_the_configuration_is_required(void **state)
{
    (void)state;
    static const char *const keys[] = {"version",    "cluster",      "keys",      "group",     "port",
                                       "interfaces", "ttl",          "interval",  "max_peers", "heartbeats",
                                       "advertise",  "unicast_port", "broadcast", "group6"};
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    for (size_t i = 0; i < COUNT(keys); i++) {
        char wanted[80];
        port_configure(&x, &(struct port_config){.without = keys[i]});
        assert_int_equal(decode_x(&x, &m, &f), -1);
        assert_int_equal(f.kind, FAULT_BAD_CONFIG);
        (void)snprintf(wanted, sizeof wanted, "the configuration lacks the key %s", keys[i]);
        assert_string_equal(f.text, wanted);
    }
    (void)ei_x_free(&x);
}

static void commands_come_through(void **state)
{
    (void)state;
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    port_alive(&x, "a@host", UINT32_MAX);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    const struct command *c = &m.as.command;
    assert_int_equal(m.type, MESSAGE_COMMAND);
    assert_int_equal(c->type, COMMAND_ALIVE);
    assert_int_equal(c->as.alive.self.name.len, 6);
    assert_memory_equal(c->as.alive.self.name.text, "a@host", 6);
    assert_int_equal(c->as.alive.self.creation, UINT32_MAX);
    assert_int_equal(c->as.alive.self.dist_port, 4370);
    assert_int_equal(c->as.alive.self.flags, IDENTITY_LONG_NAMES);
    assert_int_equal(c->as.alive.host.len, 6);
    assert_memory_equal(c->as.alive.host.bytes, "\1\4\12\0\0\1", 6);
    assert_int_equal(c->as.alive.tags.len, 9);
    assert_memory_equal(c->as.alive.tags.bytes, "\4role\3web", 9);
    assert_int_equal(c->as.alive.cookie_len, 7);
    assert_memory_equal(c->as.alive.cookie, "monster", 7);

    static const struct {
        const char *word;
        uint8_t type;
    } words[] = {{"pulse", COMMAND_PULSE}, {"hide", COMMAND_HIDE}, {"snapshot", COMMAND_SNAPSHOT}};
    for (size_t i = 0; i < COUNT(words); i++) {
        port_word(&x, words[i].word);
        assert_int_equal(decode_x(&x, &m, &f), 0);
        assert_int_equal(m.type, MESSAGE_COMMAND);
        assert_int_equal(m.as.command.type, words[i].type);
    }
    port_leave(&x, "left");
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.as.command.type, COMMAND_LEAVE);
    assert_int_equal(m.as.command.as.reason, DOWN_LEFT);
    port_leave(&x, "beam_exit");
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.as.command.as.reason, DOWN_BEAM_EXIT);
    port_disconnected(&x, "\1\2\3\4\5\6\7\10", 8);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.type, MESSAGE_COMMAND);
    assert_int_equal(m.as.command.type, COMMAND_DISCONNECTED);
    assert_int_equal(m.as.command.as.boot, UINT64_C(0x0102030405060708));
    port_stats(&x, INT32_MAX);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.type, MESSAGE_STATS);
    assert_int_equal(m.as.stats_ref, INT32_MAX);
    port_measures(&x, UINT16_MAX);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.type, MESSAGE_MEASURES);
    assert_int_equal(m.as.measures_from, UINT16_MAX);
    port_measures(&x, UINT16_MAX + 1);
    assert_int_equal(decode_x(&x, &m, &f), -1);
    const uint16_t ports[] = {1024, 65535};
    for (uint8_t count = 0; count <= 2; count++) {
        port_siblings(&x, ports, count);
        assert_int_equal(decode_x(&x, &m, &f), 0);
        assert_int_equal(m.type, MESSAGE_SIBLINGS);
        assert_int_equal(m.as.siblings.count, count);
        assert_memory_equal(m.as.siblings.ports, ports, count * sizeof ports[0]);
    }
    const struct port_seed seeds[] = {{"\12\0\0\5", 4, 45894, 45901},
                                      {"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, 65535, 65535}};
    for (uint8_t count = 0; count <= 2; count++) {
        port_seeds(&x, seeds, count);
        assert_int_equal(decode_x(&x, &m, &f), 0);
        assert_int_equal(m.type, MESSAGE_SEEDS);
        assert_int_equal(m.as.seeds.count, count);
    }
    assert_int_equal(m.as.seeds.items[0].addr.family, ADDR_IPV4);
    assert_memory_equal(m.as.seeds.items[0].addr.ip, seeds[0].ip, 4);
    assert_int_equal(m.as.seeds.items[0].addr.port, 45894);
    assert_int_equal(m.as.seeds.items[0].ports, 8);
    assert_int_equal(m.as.seeds.items[1].addr.family, ADDR_IPV6);
    assert_memory_equal(m.as.seeds.items[1].addr.ip, seeds[1].ip, 16);
    assert_int_equal(m.as.seeds.items[1].addr.port, 65535);
    assert_int_equal(m.as.seeds.items[1].ports, 1);
    port_keys(&x, "new", 4);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.as.command.type, COMMAND_KEYS);
    assert_int_equal(m.as.command.as.keys.count, 0);
    assert_int_equal(m.secrets.count, 4);
    (void)ei_x_free(&x);
}

/* Replaces the first occurrence of some bytes, which must be there, by others; the frame grows or shrinks. */
static void replace(ei_x_buff *x, const void *what, size_t what_len, const void *by, size_t by_len)
{
    for (int i = 0; i + (int)what_len <= x->index; i++) {
        if (memcmp(x->buff + i, what, what_len) != 0) {
            continue;
        }
        int rest = x->index - i - (int)what_len;
        char *copy = malloc((size_t)i + by_len + (size_t)rest);
        assert_non_null(copy);
        memcpy(copy, x->buff, (size_t)i);
        memcpy(copy + i, by, by_len);
        memcpy(copy + i + (int)by_len, x->buff + i + (int)what_len, (size_t)rest);
        int total = i + (int)by_len + rest;
        x->index = 0;
        assert_int_equal(ei_x_append_buf(x, copy, total), 0);
        free(copy);
        return;
    }
    fail_msg("what was to be replaced is not there");
}

#define BYTES(text) text, sizeof(text) - 1

static void bad_values_are_named(void **state)
{
    (void)state;
    /* Each edits a valid configuration: an encoded value that is there, and what stands in its place. */
    static const struct {
        const char *what, *by, *text;
        size_t what_len, by_len;
    } rows[] = {
#define ROW(what, by, text) {what, by, text, sizeof(what) - 1, sizeof(by) - 1}
        ROW("\0\0\0\x0c"
            "233.252.1.33",
            "\0\0\0\x07"
            "1.2.3.4",
            "group is \"1.2.3.4\", but must be an IPv4 multicast address, 224.0.0.0..239.255.255.255"),
        ROW("\0\0\0\x0c"
            "233.252.1.33",
            "\0\0\0\x0d"
            "233.252.1.333",
            "group is \"233.252.1.333\", but must be an IPv4 multicast address, 224.0.0.0..239.255.255.255"),
        ROW("233.252.1.33", "233.252.1.3 ",
            "group is \"233.252.1.3 \", but must be an IPv4 multicast address, 224.0.0.0..239.255.255.255"),
        ROW("233.252.1.33", "233.252..133",
            "group is \"233.252..133\", but must be an IPv4 multicast address, 224.0.0.0..239.255.255.255"),
        ROW("group", "grope",
            "the configuration has the unknown key grope; known are version, cluster, keys, group, port, "
            "ttl, "
            "interval, max_peers, heartbeats, interfaces, advertise, unicast_port, broadcast, group6"),
        ROW("ttl"
            "a\0",
            "ttl"
            "b\0\0\x01\0",
            "ttl is 256, but must be 0..255"),
        ROW("ttl"
            "a\0",
            "ttl"
            "b\xff\xff\xff\xff",
            "ttl is -1, but must be 0..255"),
        ROW("ttl"
            "a\0",
            "ttl"
            "F\x40\0\0\0\0\0\0\0",
            "ttl is a float, but must be 0..255"),
        ROW("ttl"
            "a\0",
            "ttl"
            "j",
            "ttl is [], but must be 0..255"),
        ROW("ttl"
            "a\0",
            "ttl"
            "k\0\x03"
            "abc",
            "ttl is 'abc', but must be 0..255"),
        ROW("ttl"
            "a\0",
            "ttl"
            "n\x08\0\xff\xff\xff\xff\xff\xff\xff\xff",
            "ttl is 18446744073709551615, but must be 0..255"),
        ROW("ttl"
            "a\0",
            "ttl"
            "h\x01j",
            "ttl is a tuple of 1, but must be 0..255"),
        ROW("onlyl\0\0\0\x01", "onlyl\0\0\0\x02j",
            "interfaces is [], but must be a list of interface names or IP addresses, binaries of 1..45 "
            "bytes"),
        ROW("only", "lnoy", "interfaces is a tuple of 2, but must be all, {only, List} or {except, List}"),
        ROW("keym\0\0\0\x20\x07", "keym\0\0\0\x1f", "keys: a key has 31 bytes, but must have 32"),
#undef ROW
    };
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    for (size_t i = 0; i < COUNT(rows); i++) {
        port_configure(&x, &(struct port_config){.key = 7});
        replace(&x, rows[i].what, rows[i].what_len, rows[i].by, rows[i].by_len);
        assert_int_equal(decode_x(&x, &m, &f), -1);
        assert_string_equal(f.text, rows[i].text);
        assert_int_equal(f.kind, FAULT_BAD_CONFIG);
    }
    (void)ei_x_free(&x);
}

static void bad_commands_are_named(void **state)
{
    (void)state;
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    port_word(&x, "dance");
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_int_equal(f.kind, FAULT_BAD_COMMAND);
    assert_string_equal(f.text, "a command is dance, but must be pulse, snapshot or hide");
    port_leave(&x, "silent");
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_string_equal(f.text, "the reason of leave is silent, but must be left or beam_exit");
    for (size_t len = 0; len < 10; len++) {
        port_disconnected(&x, "123456789", len);
        assert_int_equal(decode_x(&x, &m, &f), len == 8 ? 0 : -1);
        if (len != 8) {
            assert_non_null(strstr(f.text, ", but must be the 8 bytes of a boot id"));
        }
    }
    const uint16_t low[] = {5000, 1023};
    port_siblings(&x, low, 2);
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_string_equal(f.text, "each of siblings is 1023, but must be 1024..65535");
    uint16_t many[SIBLINGS_MAX + 1];
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i] = 5000;
    }
    port_siblings(&x, many, COUNT(many));
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_string_equal(f.text,
                        "siblings is a list of 65, but must be a list of 0..64 UDP ports, 1024..65535");
    const struct port_seed wrong[] = {
        {"\12\0\0\5", 3, 1, 1},
        {"\12\0\0\5\6", 5, 1, 1},
        {"\12\0\0\5", 4, 0, 1},
        {"\12\0\0\5", 4, 2, 1},
        {"\12\0\0\5", 4, 1, 9},
        {"\12\0\0\5", 4, 65535, 65536},
        {"\12\0\0\5", 4, -1, 1},
        {"\0\0\0\0", 4, 1, 1},
        {"\351\374\1\41", 4, 1, 1},
        {"\377\377\377\377", 4, 1, 1},
        {"", 0, 1, 1},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        port_seeds(&x, &wrong[i], 1);
        assert_int_equal(decode_x(&x, &m, &f), -1);
        assert_non_null(strstr(f.text, "each of seeds is "));
        assert_non_null(strstr(f.text, ", but must be {Address, First, Last}: the 4 or 16 bytes"));
    }
    struct port_seed crowd[SEEDS_MAX + 1];
    for (size_t i = 0; i < COUNT(crowd); i++) {
        crowd[i] = (struct port_seed){"\12\0\0\5", 4, 1, 8};
    }
    port_seeds(&x, crowd, COUNT(crowd) - 1);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    port_seeds(&x, crowd, COUNT(crowd));
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_string_equal(f.text, "seeds is a list of 33, but must be a list of 0..32 {Address, First, Last}");
    port_stats(&x, -1);
    assert_int_equal(decode_x(&x, &m, &f), -1);
    port_keys(&x, "k", 5);
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_int_equal(f.kind, FAULT_BAD_COMMAND);
    port_alive(&x, "noat", 1);
    assert_int_equal(decode_x(&x, &m, &f), -1);
    assert_string_equal(f.text, "name is \"noat\", but must be a node name such as \"a@host\"");
    (void)ei_x_free(&x);
}

static void no_message_shows_a_secret(void **state)
{
    (void)state;
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    char damaged[4096];
    port_configure(&x, &(struct port_config){.secret = "SECRETSECRET"});
    size_t len = (size_t)x.index;
    /* Any byte before the secret changed: whatever the frame then means, its refusal does not quote it. */
    for (size_t at = 0; at < len; at++) {
        for (unsigned v = 0; v < 256; v++) {
            assert_true(len <= sizeof damaged);
            memcpy(damaged, x.buff, len);
            damaged[at] = (char)v;
            if (decode(damaged, len, &m, &f) != 0) {
                assert_null(strstr(f.text, "SECRET"));
            }
        }
    }
    (void)ei_x_free(&x);
}

static void make_configure(ei_x_buff *x)
{
    port_configure(x, &(struct port_config){.secret = "cookie"});
}
static void make_alive(ei_x_buff *x)
{
    port_alive(x, "a@host", 5);
}
static void make_word(ei_x_buff *x)
{
    port_word(x, "pulse");
}
static void make_leave(ei_x_buff *x)
{
    port_leave(x, "left");
}
static void make_stats(ei_x_buff *x)
{
    port_stats(x, 70000);
}
static void make_keys(ei_x_buff *x)
{
    port_keys(x, "cookie", 2);
}
/* One of each frame that goes down. */
static void (*const MAKERS[])(ei_x_buff *x) = {make_configure, make_alive, make_word,
                                               make_leave,     make_stats, make_keys};

static void every_truncation_and_extension_is_refused(void **state)
{
    (void)state;
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    for (size_t i = 0; i < COUNT(MAKERS); i++) {
        MAKERS[i](&x);
        assert_int_equal(decode_x(&x, &m, &f), 0);
        for (int len = 0; len < x.index; len++) {
            assert_int_equal(decode(x.buff, (size_t)len, &m, &f), -1);
            assert_int_equal(f.kind, FAULT_BAD_FRAME);
        }
        assert_int_equal(ei_x_append_buf(&x, "j", 1), 0);
        assert_int_equal(decode_x(&x, &m, &f), -1);
        assert_int_equal(f.kind, FAULT_BAD_FRAME);
    }
    (void)ei_x_free(&x);
}

/* Nothing is asserted on the result but that there is one: the sanitizers watch. */
static void every_byte_may_be_anything(void **state)
{
    (void)state;
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    size_t refused = 0, tried = 0;
    for (size_t i = 0; i < COUNT(MAKERS); i++) {
        MAKERS[i](&x);
        for (int at = 0; at < x.index; at++) {
            char was = x.buff[at];
            for (unsigned v = 0; v < 256; v++, tried++) {
                x.buff[at] = (char)v;
                refused += decode_x(&x, &m, &f) != 0;
            }
            x.buff[at] = was;
        }
    }
    assert_true(refused > tried / 2);
    (void)ei_x_free(&x);
}

static void hostile_terms_are_refused_before_ei_sees_them(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
    } bad[] = {
        {BYTES("")},
        {BYTES("\x83")},
        {BYTES("\x82j")},                 /* another version */
        {BYTES("\x83P\0\0\0\x01x")},      /* compressed */
        {BYTES("\x83m\xff\xff\xff\xff")}, /* a binary of 4 GiB */
        {BYTES("\x83l\xff\xff\xff\xff"
               "a\1j")},             /* a list of 4 G elements */
        {BYTES("\x83t\x80\0\0\0")},  /* a map whose number of terms wraps around */
        {BYTES("\x83i\0\0\0\x01j")}, /* a large tuple */
        {BYTES("\x83l\0\0\0\x01"
               "a\1a\2")}, /* an improper list */
        {BYTES("\x83n\x09\0"
               "123456789")}, /* more than 64 bits */
        {BYTES("\x83n\x01\x02"
               "1")},                  /* a sign that is none */
        {BYTES("\x83o\0\0\0\x01\0x")}, /* a large big */
        {BYTES("\x83w\x05"
               "puls")},   /* an atom cut short */
        {BYTES("\x83g")},  /* a pid */
        {BYTES("\x83jj")}, /* two terms */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(etf_check((const uint8_t *)bad[i].data, bad[i].len), -1);
    }

    uint8_t deep[64] = {131};
    for (size_t depth = 1; depth + 2 <= sizeof deep / 2; depth++) {
        for (size_t i = 0; i < depth; i++) {
            memcpy(deep + 1 + 2 * i, "h\1", 2);
        }
        deep[1 + 2 * depth] = 'j';
        assert_int_equal(etf_check(deep, 2 + 2 * depth), depth < ETF_DEPTH ? 0 : -1);
    }
}

/* OTP 25 sends atoms with tag 100, later ones with 119; 115 and 118 exist as well. */
static void atoms_of_every_release_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
    } atoms[] = {{BYTES("\x83"
                        "d\0\5pulse")},
                 {BYTES("\x83s\5pulse")},
                 {BYTES("\x83v\0\5pulse")},
                 {BYTES("\x83w\5pulse")}};
    struct message m;
    struct fault f;
    for (size_t i = 0; i < COUNT(atoms); i++) {
        assert_int_equal(decode(atoms[i].data, atoms[i].len, &m, &f), 0);
        assert_int_equal(m.as.command.type, COMMAND_PULSE);
    }
}

static int prepare(void **state)
{
    (void)state;
    return term_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_comes_through),
        cmocka_unit_test(libclusters_wire_comes_through),
        cmocka_unit_test(an_advertised_address_may_have_a_port),
        cmocka_unit_test(the_group_of_ipv6_is_of_one_link),
        cmocka_unit_test(the_unicast_port_is_a_range),
        cmocka_unit_test(every_key_of_the_configuration_is_required),
        cmocka_unit_test(commands_come_through),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(bad_commands_are_named),
        cmocka_unit_test(no_message_shows_a_secret),
        cmocka_unit_test(every_truncation_and_extension_is_refused),
        cmocka_unit_test(every_byte_may_be_anything),
        cmocka_unit_test(hostile_terms_are_refused_before_ei_sees_them),
        cmocka_unit_test(atoms_of_every_release_are_understood),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
