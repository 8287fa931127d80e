#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
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

/* ---- down ---- */

static void the_configuration_comes_through(void **state)
{
    (void)state;
    const uint8_t group[4] = {233, 252, 1, 33};
    ei_x_buff x = {0};
    struct message m;
    struct fault f;
    port_configure(
        &x, &(struct port_config){.port = 1234, .interval = 250, .secret = "hush", .heartbeats = true});
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
    assert_int_equal(m.as.config.interfaces.count, 0);
    assert_int_equal(m.secrets.items[0].kind, SECRET_KEY);
    assert_int_equal(m.secrets.items[0].len, KEY_BYTES);
    (void)ei_x_free(&x);
}

static void every_key_of_the_configuration_is_required(void **state)
{
    (void)state;
    static const char *const keys[] = {"version",    "cluster", "keys",     "group",     "port",
                                       "interfaces", "ttl",     "interval", "max_peers", "heartbeats"};
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
    port_stats(&x, INT32_MAX);
    assert_int_equal(decode_x(&x, &m, &f), 0);
    assert_int_equal(m.type, MESSAGE_STATS);
    assert_int_equal(m.as.stats_ref, INT32_MAX);
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
        if (memcmp(x->buff + i, what, what_len) != 0)
            continue;
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
            "interval, max_peers, heartbeats, interfaces"),
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
            "interfaces is [], but must be a list of interface names or IPv4 addresses, binaries of 1..45 "
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
            if (decode(damaged, len, &m, &f) != 0)
                assert_null(strstr(f.text, "SECRET"));
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
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(etf_check((const uint8_t *)bad[i].data, bad[i].len), -1);

    uint8_t deep[64] = {131};
    for (size_t depth = 1; depth + 2 <= sizeof deep / 2; depth++) {
        for (size_t i = 0; i < depth; i++)
            memcpy(deep + 1 + 2 * i, "h\1", 2);
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

/* ---- up ---- */

/* A reader of terms that compares: each step fails the test when the next term is another. */
struct walk {
    const struct term *term;
    int at;
};

static struct walk walk(const struct term *t)
{
    struct walk w = {.term = t};
    int version;
    assert_int_equal(etf_check((const uint8_t *)t->x.buff, (size_t)t->x.index), 0);
    assert_int_equal(ei_decode_version(t->x.buff, &w.at, &version), 0);
    return w;
}

static void is_tuple(struct walk *w, int arity)
{
    int got = -1;
    assert_int_equal(ei_decode_tuple_header(w->term->x.buff, &w->at, &got), 0);
    assert_int_equal(got, arity);
}

static void is_map(struct walk *w, int arity)
{
    int got = -1;
    assert_int_equal(ei_decode_map_header(w->term->x.buff, &w->at, &got), 0);
    assert_int_equal(got, arity);
}

static void is_atom(struct walk *w, const char *wanted)
{
    char got[MAXATOMLEN_UTF8];
    assert_int_equal(ei_decode_atom(w->term->x.buff, &w->at, got), 0);
    assert_string_equal(got, wanted);
}

static void is_number(struct walk *w, uint64_t wanted)
{
    EI_ULONGLONG got = 0;
    assert_int_equal(ei_decode_ulonglong(w->term->x.buff, &w->at, &got), 0);
    assert_true(got == wanted);
}

static void is_binary(struct walk *w, const void *wanted, size_t len)
{
    char got[1024];
    int type, size;
    long got_len = 0;
    assert_int_equal(ei_get_type(w->term->x.buff, &w->at, &type, &size), 0);
    assert_int_equal(type, ERL_BINARY_EXT);
    assert_true((size_t)size <= sizeof got);
    assert_int_equal(ei_decode_binary(w->term->x.buff, &w->at, got, &got_len), 0);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, wanted, len);
}

static void is_list(struct walk *w, int count)
{
    int arity = -1;
    assert_int_equal(ei_decode_list_header(w->term->x.buff, &w->at, &arity), 0);
    assert_int_equal(arity, count);
}

static void is_end(const struct walk *w)
{
    assert_int_equal(w->at, w->term->x.index);
}

static const uint8_t BOOT[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct peer_view a_peer(void)
{
    const uint8_t ip6[16] = {0xfe, 0x80, [15] = 0x2a};
    struct peer_view p = {.id = build_identity(0x0102030405060708, "a@host", UINT32_MAX),
                          .status = STATUS_STALLED,
                          .cookie = COOKIE_DIFFERS,
                          .addr_count = 2};
    p.id.incarnation = 9;
    p.id.dist_port = 4370;
    p.id.flags = IDENTITY_TLS | IDENTITY_HIDDEN;
    p.addrs[0] = build_addr(5, 45893);
    p.addrs[1] = addr_ipv6(ip6, 65535, 7);
    return p;
}

static void is_peer(struct walk *w)
{
    static const char *const flags[] = {"long_names", "tls", "ipv6", "hidden"};
    is_map(w, 12);
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
    for (int i = 0; i < 6; i++)
        is_number(w, 0);
    is_number(w, 0x2a);
    is_number(w, 65535);
    is_number(w, 7);
    is_list(w, 0);
}

static void events_are_as_the_contract_draws_them(void **state)
{
    (void)state;
    struct term t = {0};
    struct event e = {.type = EVENT_UP, .peer = a_peer(), .other = a_peer()};
    struct walk w;
    assert_int_equal(term_event(&t, &e), 0);
    w = walk(&t);
    is_tuple(&w, 2);
    is_atom(&w, "up");
    is_peer(&w);
    is_end(&w);
    e.type = EVENT_UPDATE;
    assert_int_equal(term_event(&t, &e), 0);
    w = walk(&t);
    is_tuple(&w, 2);
    is_atom(&w, "update");
    is_peer(&w);
    is_end(&w);
    static const struct {
        uint8_t reason;
        const char *name;
    } reasons[] = {{DOWN_LEFT, "left"}, {DOWN_BEAM_EXIT, "beam_exit"}, {DOWN_SILENT, "silent"}};
    for (size_t i = 0; i < COUNT(reasons); i++) {
        e.type = EVENT_DOWN;
        e.reason = reasons[i].reason;
        assert_int_equal(term_event(&t, &e), 0);
        w = walk(&t);
        is_tuple(&w, 3);
        is_atom(&w, "down");
        is_peer(&w);
        is_atom(&w, reasons[i].name);
        is_end(&w);
    }
    e.type = EVENT_CONFLICT;
    assert_int_equal(term_event(&t, &e), 0);
    w = walk(&t);
    is_tuple(&w, 3);
    is_atom(&w, "conflict");
    is_peer(&w);
    is_peer(&w);
    is_end(&w);
    e.type = EVENT_HEARTBEAT;
    assert_int_equal(term_event(&t, &e), 0);
    w = walk(&t);
    is_tuple(&w, 2);
    is_atom(&w, "heartbeat");
    is_binary(&w, "a@host", 6);
    is_end(&w);
    e.type = EVENT_HEALTH;
    e.health = HEALTH_ISOLATED;
    assert_int_equal(term_event(&t, &e), 0);
    w = walk(&t);
    is_tuple(&w, 2);
    is_atom(&w, "health");
    is_atom(&w, "isolated");
    is_end(&w);
    e.type = EVENT_LEFT;
    assert_int_equal(term_event(&t, &e), 0);
    w = walk(&t);
    is_atom(&w, "left");
    is_end(&w);
    e.type = EVENT_SNAPSHOT;
    assert_int_equal(term_event(&t, &e), -1);
    term_free(&t);
}

static void a_page_holds_its_peers(void **state)
{
    (void)state;
    struct term t = {0};
    struct peer_view p = a_peer();
    for (int peers = 0; peers <= 64; peers += 32) {
        assert_int_equal(term_page_begin(&t, peers == 0), 0);
        for (int i = 0; i < peers; i++)
            assert_int_equal(term_page_peer(&t, &p), 0);
        assert_int_equal(term_page_end(&t), 0);
        int version;
        struct walk w = {.term = &t}; /* nests deeper than what goes down */
        assert_int_equal(ei_decode_version(t.x.buff, &w.at, &version), 0);
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
    term_free(&t);
}

static void ready_log_error_and_stats(void **state)
{
    (void)state;
    const uint8_t ip[4] = {192, 168, 1, 2};
    const struct interface eth0 = {.name = "eth0", .index = 3, .addr = addr_ipv4(ip, 0, 3)};
    struct term t = {0};
    assert_int_equal(term_ready(&t, "1.2.3", 0x0102030405060708, 4242, &eth0, 1), 0);
    struct walk w = walk(&t);
    is_tuple(&w, 2);
    is_atom(&w, "ready");
    is_map(&w, 4);
    is_atom(&w, "version");
    is_binary(&w, "1.2.3", 5);
    is_atom(&w, "boot");
    is_binary(&w, BOOT, sizeof BOOT);
    is_atom(&w, "pid");
    is_number(&w, 4242);
    is_atom(&w, "interfaces");
    is_list(&w, 1);
    is_tuple(&w, 3);
    is_binary(&w, "eth0", 4);
    is_number(&w, 3);
    is_binary(&w, "192.168.1.2", 11);
    is_list(&w, 0);
    is_end(&w);

    for (size_t count = 0; count <= 1; count++) {
        assert_int_equal(term_interfaces(&t, &eth0, count), 0);
        w = walk(&t);
        is_tuple(&w, 2);
        is_atom(&w, "interfaces");
        is_list(&w, (int)count);
        if (count > 0) {
            is_tuple(&w, 3);
            is_binary(&w, "eth0", 4);
            is_number(&w, 3);
            is_binary(&w, "192.168.1.2", 11);
            is_list(&w, 0);
        }
        is_end(&w);
    }

    assert_int_equal(term_log(&t, LEVEL_WARNING, "look"), 0);
    w = walk(&t);
    is_tuple(&w, 3);
    is_atom(&w, "log");
    is_atom(&w, "warning");
    is_binary(&w, "look", 4);
    is_end(&w);

    struct fault f;
    assert_int_equal(fault_set(&f, FAULT_PORT_TAKEN, "%d is taken", 7), -1);
    assert_int_equal(term_error(&t, &f), 0);
    w = walk(&t);
    is_tuple(&w, 3);
    is_atom(&w, "error");
    is_atom(&w, "port_taken");
    is_binary(&w, "7 is taken", 10);
    is_end(&w);

    struct stats s = {.interfaces = &eth0, .interface_count = 1};
    s.core.received = UINT64_MAX;
    s.port.logs_dropped = 77;
    assert_int_equal(term_stats(&t, 5, &s), 0);
    w = walk(&t);
    is_tuple(&w, 3);
    is_atom(&w, "stats");
    is_number(&w, 5);
    int arity = 0;
    bool received = false, logs = false;
    assert_int_equal(ei_decode_map_header(t.x.buff, &w.at, &arity), 0);
    for (int i = 0; i + 1 < arity; i++) {
        char key[MAXATOMLEN_UTF8];
        EI_ULONGLONG value = 1;
        assert_int_equal(ei_decode_atom(t.x.buff, &w.at, key), 0);
        assert_int_equal(ei_decode_ulonglong(t.x.buff, &w.at, &value), 0);
        received = received || (strcmp(key, "received") == 0 && value == UINT64_MAX);
        logs = logs || (strcmp(key, "logs_dropped") == 0 && value == 77);
    }
    assert_true(received && logs);
    is_atom(&w, "interfaces");
    is_list(&w, 1);
    assert_int_equal(ei_skip_term(t.x.buff, &w.at), 0);
    is_list(&w, 0);
    is_end(&w);
    term_free(&t);
}

/* In the steady state no term allocates: the buffer stays where it is. */
static void the_buffer_is_used_again(void **state)
{
    (void)state;
    struct term t = {0};
    struct event e = {.type = EVENT_CONFLICT, .peer = a_peer(), .other = a_peer()};
    assert_int_equal(term_event(&t, &e), 0);
    const char *buffer = t.x.buff;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(term_event(&t, &e), 0);
        assert_ptr_equal(t.x.buff, buffer);
    }
    term_free(&t);
    assert_null(t.x.buff);
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
        cmocka_unit_test(every_key_of_the_configuration_is_required),
        cmocka_unit_test(commands_come_through),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(bad_commands_are_named),
        cmocka_unit_test(no_message_shows_a_secret),
        cmocka_unit_test(every_truncation_and_extension_is_refused),
        cmocka_unit_test(every_byte_may_be_anything),
        cmocka_unit_test(hostile_terms_are_refused_before_ei_sees_them),
        cmocka_unit_test(atoms_of_every_release_are_understood),
        cmocka_unit_test(events_are_as_the_contract_draws_them),
        cmocka_unit_test(a_page_holds_its_peers),
        cmocka_unit_test(ready_log_error_and_stats),
        cmocka_unit_test(the_buffer_is_used_again),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
