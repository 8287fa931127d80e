/* The wire: what a later version may add is skipped, what is of wrong size is refused, what is too much is
 * left. */
#include <string.h>

#include "build.h"
#include "message/wire.h"
#include "test.h"

/* A message under construction, byte by byte; longer than a datagram, since the decoder relies on no bound.
 */
struct raw {
    uint8_t data[2 * WIRE_MESSAGE_MAX];
    struct writer w;
};

static void begin(struct raw *raw)
{
    static struct wire_message m;
    wire_clear(&m);
    m.type = WIRE_HELLO;
    m.id.boot = 7;
    size_t len = wire_encode(&m, raw->data, sizeof raw->data);
    assert_int_equal(len, WIRE_FIXED);
    raw->w = writer_over(raw->data, sizeof raw->data);
    raw->w.len = len;
}

static void add(struct raw *raw, uint8_t kind, const void *value, size_t len)
{
    write_u8(&raw->w, kind);
    write_u16(&raw->w, (uint16_t)len);
    write_bytes(&raw->w, value, len);
    assert_false(raw->w.failed);
}

static int decode(const struct raw *raw, struct wire_message *m)
{
    return wire_decode(m, raw->data, raw->w.len);
}

static void the_sender_has_a_boot_id(void **state)
{
    (void)state;
    struct raw raw;
    static struct wire_message m;
    begin(&raw);
    assert_int_equal(decode(&raw, &m), 0);
    memset(raw.data + 8, 0, 8);
    assert_int_equal(decode(&raw, &m), -1);
}

static void unknown_types_and_flags_are_kept(void **state)
{
    (void)state;
    struct raw raw;
    static struct wire_message m;
    begin(&raw);
    for (unsigned v = 0; v < 256; v++) {
        raw.data[0] = (uint8_t)v;
        raw.data[1] = (uint8_t)v;
        assert_int_equal(decode(&raw, &m), 0);
        assert_int_equal(m.type, v);
        assert_int_equal(m.flags, v & 15);
        assert_int_equal(m.id.flags, v >> 4);
    }
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    static const uint8_t junk[700] = {0xff, 0xff, 0xff};
    struct raw raw;
    static struct wire_message m;
    for (unsigned kind = 0; kind < 256; kind++) {
        if (kind >= FIELD_NAME && kind <= FIELD_TAGS_OF) {
            continue;
        }
        begin(&raw);
        add(&raw, FIELD_QUESTION, "\x03", 1);
        add(&raw, (uint8_t)kind, junk, 0);
        add(&raw, (uint8_t)kind, junk, 1 + kind);
        add(&raw, (uint8_t)kind, junk, sizeof junk);
        add(&raw, FIELD_REASON, "\x02", 1);
        assert_int_equal(decode(&raw, &m), 0);
        assert_int_equal(m.has, HAS_QUESTION | HAS_REASON);
        assert_int_equal(m.question, 3);
        assert_int_equal(m.reason, 2);
        assert_int_equal(m.id.name.len + m.echo_count + m.verdict_count + m.entry_count, 0);
    }
}

/* Fields of fixed size may grow at their end. None may be shorter. */
static void sizes_of_fields(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        size_t size;
    } fixed[] = {
        {FIELD_QUESTION, 1}, {FIELD_ECHO, 16},  {FIELD_VERDICT, 13},    {FIELD_CURSOR, 8},
        {FIELD_TOTAL, 4},    {FIELD_TARGET, 8}, {FIELD_FINGERPRINT, 8}, {FIELD_REASON, 1},
        {FIELD_RELAY, 8},    {FIELD_HEARD, 2},  {FIELD_TO, 9},          {FIELD_DISCONNECT, 8},
    };
    uint8_t value[64];
    for (uint8_t i = 0; i < sizeof value; i++) {
        value[i] = (uint8_t)(i + 1);
    }
    static struct wire_message exact, longer;
    for (size_t i = 0; i < COUNT(fixed); i++) {
        for (size_t size = 0; size < sizeof value; size++) {
            struct raw raw;
            begin(&raw);
            add(&raw, fixed[i].kind, value, size);
            if (size < fixed[i].size) {
                assert_int_equal(decode(&raw, &exact), -1);
            } else if (size == fixed[i].size) {
                assert_int_equal(decode(&raw, &exact), 0);
                assert_true(exact.has != 0 || exact.echo_count == 1 || exact.verdict_count == 1);
            } else {
                assert_int_equal(decode(&raw, &longer), 0);
                assert_true(build_same_message(&exact, &longer));
            }
        }
    }
}

static void lengths_of_names(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'n', sizeof text);
    text[1] = '@';
    static struct wire_message m;
    for (size_t len = 0; len < sizeof text; len++) {
        struct raw raw;
        begin(&raw);
        add(&raw, FIELD_NAME, text, len);
        bool good = len >= 3 && len <= NAME_MAX_LEN;
        assert_int_equal(decode(&raw, &m), good ? 0 : -1);
        assert_true(!good || m.id.name.len == len);
    }
}

static void more_than_the_decoder_takes(void **state)
{
    (void)state;
    struct raw raw;
    static struct wire_message m;
    uint8_t value[32] = {0};
    begin(&raw);
    for (uint8_t i = 0; i < WIRE_ECHOES + 3; i++) {
        value[7] = i;
        add(&raw, FIELD_ECHO, value, 16);
    }
    value[7] = 0;
    for (uint8_t i = 0; i < WIRE_VERDICTS + 3; i++) {
        value[8] = i;
        add(&raw, FIELD_VERDICT, value, 13);
    }
    add(&raw, FIELD_REASON, "\x02", 1);
    assert_int_equal(decode(&raw, &m), 0);
    assert_int_equal(m.echo_count, WIRE_ECHOES);
    assert_int_equal(m.verdict_count, WIRE_VERDICTS);
    assert_int_equal(m.echoes[WIRE_ECHOES - 1].boot, WIRE_ECHOES - 1);
    assert_int_equal(m.verdicts[WIRE_VERDICTS - 1].boot, WIRE_VERDICTS - 1);
    assert_int_equal(m.reason, 2);
}

/* The smallest entry: no address, a name of three bytes. */
static const uint8_t ENTRY[] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,   0,   9,  0,
                                0, 0, 2, 0, 0, 0, 3, 0, 4, 5, 0, 6, 3, 'a', '@', 'b'};

static void more_entries_than_the_decoder_takes(void **state)
{
    (void)state;
    struct raw raw;
    static struct wire_message m;
    uint8_t value[sizeof ENTRY];
    memcpy(value, ENTRY, sizeof value);
    begin(&raw);
    uint8_t count = 0;
    while (raw.w.size - raw.w.len >= WIRE_FIELD_HEADER + sizeof value) {
        value[7] = ++count;
        add(&raw, FIELD_ENTRY, value, sizeof value);
    }
    assert_true(count > WIRE_ENTRIES);
    assert_int_equal(decode(&raw, &m), 0);
    assert_int_equal(m.entry_count, WIRE_ENTRIES);
    for (uint8_t i = 0; i < WIRE_ENTRIES; i++) {
        assert_int_equal(m.entries[i].id.boot, i + 1);
    }
}

/* Lists of addresses, and how many are taken of each; -1: it is cut off. */
static const uint8_t V4[] = {4, 0, 9, 10, 0, 0, 1};
static const uint8_t V6[19] = {6, 0, 9, 0x20, 1};
static const uint8_t LATER[] = {5, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8};
static const struct {
    const char *what;
    struct {
        const uint8_t *data;
        size_t len;
    } parts[7];
    int addrs;
} LISTS[] = {
    {"no address", {{0}}, 0},
    {"one", {{V4, sizeof V4}}, 1},
    {"two families", {{V4, sizeof V4}, {V6, sizeof V6}}, 2},
    {"one too many", {{V4, 7}, {V4, 7}, {V6, 19}, {V4, 7}, {V6, 19}}, PEER_ADDRS},
    {"a family of a later version ends the list", {{V4, 7}, {LATER, sizeof LATER}, {V4, 7}}, 1},
    {"nothing of a later version's family is read, not even its port", {{V4, 7}, {LATER, 1}}, 1},
    {"nor is a part of that cut off", {{V4, 7}, {LATER, 2}}, 1},
    {"a later family alone", {{LATER, 1}}, 0},
    {"cut behind the family", {{V4, 7}, {V4, 1}}, -1},
    {"cut in the port", {{V4, 7}, {V4, 2}}, -1},
    {"cut before the ip", {{V4, 3}}, -1},
    {"cut in the ip", {{V4, 7}, {V4, 6}}, -1},
    {"cut in an IPv6", {{V6, 19}, {V6, 18}}, -1},
    {"cut in one that is too many", {{V4, 7}, {V4, 7}, {V6, 19}, {V4, 7}, {V6, 18}}, -1},
};

/* A field of this kind in which list i stands behind other bytes, and another field; as it is decoded. */
static int decode_list(size_t i, uint8_t field, const uint8_t *before, size_t len, struct wire_message *m)
{
    uint8_t value[200];
    struct writer w = writer_over(value, sizeof value);
    struct raw raw;
    write_bytes(&w, before, len);
    for (size_t k = 0; k < COUNT(LISTS[i].parts); k++) {
        write_bytes(&w, LISTS[i].parts[k].data, LISTS[i].parts[k].len);
    }
    assert_false(w.failed);
    begin(&raw);
    add(&raw, field, value, w.len);
    add(&raw, FIELD_TOTAL, "\0\0\0\x09", 4);
    return decode(&raw, m);
}

static void entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(LISTS); i++) {
        static struct wire_message m;
        int got = decode_list(i, FIELD_ENTRY, ENTRY, sizeof ENTRY, &m);
        if (LISTS[i].addrs < 0 ? got != -1
                               : got != 0 || m.entry_count != 1 || m.total != 9 ||
                                     m.entries[0].addr_count != LISTS[i].addrs) {
            fail_msg("%s: %d, %u addresses", LISTS[i].what, got, m.entries[0].addr_count);
        }
    }
}

static void addresses_of_the_sender(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(LISTS); i++) {
        static struct wire_message m;
        int got = decode_list(i, FIELD_ADDRESSES, NULL, 0, &m);
        if (LISTS[i].addrs < 0 ? got != -1 : got != 0 || m.total != 9 || m.own_count != LISTS[i].addrs) {
            fail_msg("%s: %d, %u addresses", LISTS[i].what, got, m.own_count);
        }
    }
}

/* One address: nowhere, where its family is a later version's; cut off, where it is not. */
static void where_it_is_sent_to(void **state)
{
    (void)state;
    static const uint8_t boot[8] = {0, 0, 0, 0, 0, 0, 0, 7};
    for (size_t i = 0; i < COUNT(LISTS); i++) {
        const uint8_t *first = LISTS[i].parts[0].data;
        size_t len = LISTS[i].parts[0].len;
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t value[64];
            struct writer w = writer_over(value, sizeof value);
            write_bytes(&w, boot, sizeof boot);
            write_bytes(&w, first, cut);
            struct raw raw;
            static struct wire_message m;
            begin(&raw);
            add(&raw, FIELD_TO, value, w.len);
            bool later = cut > 0 && first[0] == LATER[0];
            bool whole = cut > 0 && cut == 3 + addr_ip_len(first[0]);
            assert_int_equal(decode(&raw, &m), later || whole ? 0 : -1);
            assert_true(!later || m.to.family == ADDR_NONE);
            assert_true(!whole || later || m.to.family == first[0]);
        }
    }
}

static void bad_entries_are_refused(void **state)
{
    (void)state;
    static struct wire_message m;
    for (size_t size = 0; size < sizeof ENTRY; size++) {
        struct raw raw;
        begin(&raw);
        add(&raw, FIELD_ENTRY, ENTRY, size);
        assert_int_equal(decode(&raw, &m), -1);
    }
    const struct {
        size_t at;
        uint8_t byte;
    } rows[] = {
        {7, 0} /* boot id 0 */, {29, 0}, {29, 2}, {29, 4}, {29, 255}, {30, '@'}, {32, '\n'}, {32, 0x80}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t value[sizeof ENTRY];
        memcpy(value, ENTRY, sizeof value);
        value[rows[i].at] = rows[i].byte;
        struct raw raw;
        begin(&raw);
        add(&raw, FIELD_ENTRY, value, sizeof value);
        assert_int_equal(decode(&raw, &m), -1);
    }
}

static const uint8_t HOST[] = {1, 4, 10, 0, 0, 1, 6, 0x20, 1, [22] = 9};

/* What is understood of it: up to a family of a later version, and no more than there is room for. */
static void hosts(void **state)
{
    (void)state;
    uint8_t many[1 + 8 * 5] = {0};
    for (size_t i = 0; i < 8; i++) {
        many[1 + 5 * i] = ADDR_IPV4;
    }
    const struct {
        const char *what;
        const uint8_t *value;
        size_t len, expected;
    } rows[] = {{"both", HOST, 23, 23},
                {"none", HOST, 1, 1},
                {"one", HOST, 6, 6},
                {"a later family", (const uint8_t *)"\1\4\12\0\0\1\7more", 11, 6},
                {"as many as there is room for", many, sizeof many, 1 + HOST_ADDRS * 5}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw raw;
        static struct wire_message m;
        begin(&raw);
        add(&raw, FIELD_HOST, rows[i].value, rows[i].len);
        if (decode(&raw, &m) != 0 || m.host.len != rows[i].expected ||
            memcmp(m.host.bytes, rows[i].value, m.host.len) != 0) {
            fail_msg("%s: %u bytes", rows[i].what, m.host.len);
        }
    }
    for (size_t len = 0; len < 23; len++) {
        struct raw raw;
        static struct wire_message m;
        begin(&raw);
        add(&raw, FIELD_HOST, HOST, len);
        bool whole = len == 1 || len == 6;
        assert_int_equal(decode(&raw, &m), whole ? 0 : -1);
    }
}

/* Behind the addresses of an entry, and as it was when it is passed on. */
static void the_host_of_an_entry(void **state)
{
    (void)state;
    static struct wire_message m, copy;
    wire_clear(&m);
    m.type = WIRE_NEWS;
    m.id.boot = 7;
    struct wire_entry *e = &m.entries[m.entry_count++];
    *e = (struct wire_entry){.id = build_identity(8, "a@host", 1), .addr_count = 1};
    e->addrs[0] = build_addr(5, 45893);
    assert_int_equal(host_set(&e->host, HOST, 23), 0);
    uint8_t data[WIRE_MESSAGE_MAX];
    size_t len = wire_encode(&m, data, sizeof data);
    assert_int_equal(len, WIRE_FIXED + wire_entry_size(e));
    assert_int_equal(wire_decode(&copy, data, len), 0);
    assert_int_equal(copy.entries[0].addr_count, 1);
    assert_true(host_same(&copy.entries[0].host, &e->host));
    /* cut short */
    assert_int_equal(wire_decode(&copy, data, len - 1), -1);
    e->host.len = 0;
    len = wire_encode(&m, data, sizeof data);
    assert_int_equal(wire_decode(&copy, data, len), 0);
    assert_int_equal(copy.entries[0].host.len, 0);
}

#define PAIRS "\4role\2db\4zone\1a"

/* What is not whole, in order, or readable is refused, with the message. */
static void tags(void **state)
{
    (void)state;
    static struct wire_message m;
    static uint8_t longest[4 + TAGS_MAX + 1] = {0, 0, 0, 9, 1, 'k', 253};
    memset(longest + 7, 'v', TAGS_MAX - 2);
    const struct {
        const char *what;
        const void *value;
        size_t len;
        int result;
    } rows[] = {{"two", "\0\0\0\1" PAIRS, 19, 0},
                {"none", "\0\0\0\1", 4, 0},
                {"as long as may be", longest, 4 + TAGS_MAX, 0},
                {"a byte more", longest, sizeof longest, -1},
                {"no number", "\0\0\1", 3, -1},
                {"number 0", "\0\0\0\0" PAIRS, 19, -1},
                {"no order", "\0\0\0\1\1b\0\1a\0", 10, -1},
                {"a key twice", "\0\0\0\1\1a\1x\1a\1y", 12, -1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct raw raw;
        begin(&raw);
        add(&raw, FIELD_TAGS, rows[i].value, rows[i].len);
        int result = decode(&raw, &m);
        if (result != rows[i].result || (result == 0 && m.tags.len != rows[i].len - 4)) {
            fail_msg("%s: %d, %u bytes", rows[i].what, result, m.tags.len);
        }
    }
    for (size_t len = 0; len < 19; len++) {
        struct raw raw;
        begin(&raw);
        add(&raw, FIELD_TAGS, "\0\0\0\1" PAIRS, len);
        bool whole = len == 4 || len == 12;
        assert_int_equal(decode(&raw, &m), whole ? 0 : -1);
    }
}

/* They come behind its entry, in a field that an earlier version skips; and are refused whosever they are. */
static void the_tags_of_an_entry(void **state)
{
    (void)state;
    static struct wire_message m, copy;
    wire_clear(&m);
    m.type = WIRE_NEWS;
    m.id.boot = 7;
    for (uint64_t boot = 8; boot < 10; boot++) {
        m.entries[m.entry_count] =
            (struct wire_entry){.id = build_identity(boot, "a@host", 1), .addr_count = 1};
        m.entries[m.entry_count++].addrs[0] = build_addr(5, 45893);
    }
    uint8_t data[WIRE_MESSAGE_MAX];
    size_t bare = wire_encode(&m, data, sizeof data);
    m.entries[0].tags = build_tags(3, "role=db");
    size_t len = wire_encode(&m, data, sizeof data);
    assert_int_equal(len - bare, WIRE_FIELD_HEADER + 8 + 4 + 8);
    assert_int_equal(wire_decode(&copy, data, len), 0);
    assert_int_equal(copy.entries[0].tags.number, 3);
    assert_true(tags_same(&copy.entries[0].tags, &m.entries[0].tags));
    assert_int_equal(copy.entries[1].tags.len, 0);

    static const uint8_t theirs[] = "\0\0\0\0\0\0\0\7\0\0\0\1" PAIRS;
    for (size_t size = 0; size <= 27; size++) {
        struct raw raw;
        begin(&raw);
        add(&raw, FIELD_TAGS_OF, theirs, size);
        bool whole = size == 12 || size == 20 || size == 27;
        assert_int_equal(decode(&raw, &copy), whole ? 0 : -1);
        assert_int_equal(copy.entry_count, 0);
    }
}

static void the_last_of_a_field_that_comes_twice(void **state)
{
    (void)state;
    struct raw raw;
    static struct wire_message m;
    begin(&raw);
    add(&raw, FIELD_NAME, "longer@name", 11);
    add(&raw, FIELD_NAME, "a@b", 3);
    add(&raw, FIELD_QUESTION, "\x01", 1);
    add(&raw, FIELD_QUESTION, "\x02", 1);
    assert_int_equal(decode(&raw, &m), 0);
    struct name expected = build_name("a@b");
    assert_memory_equal(&m.id.name, &expected, sizeof expected); /* nothing of the longer one is left */
    assert_int_equal(m.question, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sender_has_a_boot_id),
        cmocka_unit_test(unknown_types_and_flags_are_kept),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(sizes_of_fields),
        cmocka_unit_test(lengths_of_names),
        cmocka_unit_test(more_than_the_decoder_takes),
        cmocka_unit_test(more_entries_than_the_decoder_takes),
        cmocka_unit_test(entries),
        cmocka_unit_test(addresses_of_the_sender),
        cmocka_unit_test(where_it_is_sent_to),
        cmocka_unit_test(bad_entries_are_refused),
        cmocka_unit_test(hosts),
        cmocka_unit_test(the_host_of_an_entry),
        cmocka_unit_test(tags),
        cmocka_unit_test(the_tags_of_an_entry),
        cmocka_unit_test(the_last_of_a_field_that_comes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
