/* The wire: what is written is read alike, and what was damaged is read or refused, but never misread into
 * something that cannot be written. */
#include "message/wire.h"

#include <string.h>

#include "build.h"
#include "test.h"

/* Decodes from a buffer of exactly `len` bytes, so that the sanitizer sees a step beyond. A message that
 * decodes is written again, in no more bytes, and that decodes alike. */
static int decode(struct wire_message *m, const uint8_t *data, size_t len)
{
    static struct wire_message again;
    uint8_t *exact = test_malloc(len + (len == 0));
    memcpy(exact, data, len);
    int result = wire_decode(m, exact, len);
    if (result == 0) {
        size_t size = wire_encode(m, exact, len);
        assert_in_range(size, WIRE_FIXED, len);
        assert_int_equal(wire_decode(&again, exact, size), 0);
        assert_true(build_same_message(m, &again));
    }
    test_free(exact);
    return result;
}

static void any_message_of_any_type_round_trips(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_message_of_any_type_round_trips");
    static struct wire_message m, decoded;
    uint8_t data[WIRE_MESSAGE_MAX];
    for (int round = 0; round < 1500; round++) {
        build_random_message(&p, &m, (uint8_t)(round % 10)); /* the seven types, and three that are none */
        size_t len = wire_encode(&m, data, sizeof data);
        assert_in_range(len, WIRE_FIXED, WIRE_MESSAGE_MAX);
        assert_int_equal(decode(&decoded, data, len), 0);
        assert_true(build_same_message(&m, &decoded));
    }
}

/* Whether a message may end here: after the fixed part or after a whole field. */
static bool at_border(const uint8_t *data, size_t len)
{
    size_t at = WIRE_FIXED;
    while (at < len && at + WIRE_FIELD_HEADER <= len) {
        at += WIRE_FIELD_HEADER + ((size_t)data[at + 1] << 8 | data[at + 2]);
    }
    return at == len;
}

static void every_truncation(void **state)
{
    (void)state;
    struct prng p = prng_printed("every_truncation");
    static struct wire_message m, decoded;
    uint8_t data[WIRE_MESSAGE_MAX];
    for (int round = 0; round < 2 * WIRE_DISCONNECT; round++) {
        build_random_message(&p, &m, (uint8_t)(WIRE_HELLO + round % WIRE_DISCONNECT));
        size_t len = wire_encode(&m, data, sizeof data);
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_equal(decode(&decoded, data, cut), at_border(data, cut) ? 0 : -1);
        }
    }
}

static void every_single_bit_flip(void **state)
{
    (void)state;
    struct prng p = prng_printed("every_single_bit_flip");
    static struct wire_message m, decoded;
    uint8_t data[WIRE_MESSAGE_MAX];
    size_t refused = 0, changed = 0, same = 0;
    for (int round = 0; round < WIRE_DISCONNECT; round++) {
        build_random_message(&p, &m, (uint8_t)(WIRE_HELLO + round % WIRE_DISCONNECT));
        size_t len = wire_encode(&m, data, sizeof data);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (decode(&decoded, data, len) != 0) {
                refused++;
            } else if (build_same_message(&m, &decoded)) {
                same++;
            } else {
                changed++;
            }
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_true(refused > 0 && changed > refused);
    assert_int_equal(same, 0); /* no bit is without meaning */
}

static void any_bytes(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_bytes");
    static struct wire_message decoded;
    uint8_t data[WIRE_MESSAGE_MAX];
    for (int round = 0; round < 20000; round++) {
        size_t len = prng_below(&p, prng_chance(&p, 10) ? sizeof data : 90);
        prng_fill(&p, data, len);
        for (size_t at = WIRE_FIXED; at + 2 < len; at += 3 + data[at + 2]) {
            data[at] = (uint8_t)prng_below(&p, FIELD_PADDING +
                                                   2); /* as many plausible fields as there is room for */
            data[at + 1] = 0;
            data[at + 2] &= 31;
        }
        (void)decode(&decoded, data, len);
    }
}

static void a_buffer_too_small_writes_nothing_beyond(void **state)
{
    (void)state;
    struct prng p = prng_printed("a_buffer_too_small_writes_nothing_beyond");
    static struct wire_message m;
    uint8_t data[WIRE_MESSAGE_MAX];
    for (int round = 0; round < 50; round++) {
        build_random_message(&p, &m, WIRE_ACK);
        size_t len = wire_encode(&m, data, sizeof data);
        for (size_t size = 0; size <= len; size++) {
            uint8_t *exact = test_malloc(size + (size == 0));
            assert_int_equal(wire_encode(&m, exact, size), size == len ? len : 0);
            test_free(exact);
        }
    }
}

static void an_entry_tells_its_size(void **state)
{
    (void)state;
    struct prng p = prng_printed("an_entry_tells_its_size");
    static struct wire_message m;
    uint8_t data[WIRE_MESSAGE_MAX];
    for (int round = 0; round < 1000; round++) {
        wire_clear(&m);
        m.id.boot = 1;
        m.entries[0] = build_random_entry(&p);
        size_t without = wire_encode(&m, data, sizeof data);
        m.entry_count = 1;
        assert_int_equal(wire_encode(&m, data, sizeof data) - without, wire_entry_size(&m.entries[0]));
    }
}

/* The wire is a contract between builds: these bytes must not change within version 1. */
static void known_bytes(void **state)
{
    (void)state;
    /* clang-format off */
    static const uint8_t expected[] = {
        3, 0x91, 0x03, 0xe8, 6, 1, 0x01, 0x02,          /* ACK; hidden, long names, ASK; T 1000 ... */
        1, 2, 3, 4, 5, 6, 7, 8,                         /* boot id */
        0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, /* nonce */
        0, 0, 0, 9, 0x65, 0x66, 0x67, 0x68,             /* incarnation, creation */
        0x23, 0x8c, 0x10, 0x00,                         /* distribution port 9100, a group of 4096 */
        0, 0, 0, 0, 0, 0x0f, 0x42, 0x40,                /* sent at 1 s */
        0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, /* digest */
        1, 0, 3, 'a', '@', 'b',                         /* name */
        13, 0, 15,                                      /* to: boot id, 192.0.2.7:40000 */
        0, 0, 0, 0, 0, 0, 0, 0xb1, 4, 0x9c, 0x40, 192, 0, 2, 7,
        14, 0, 14,                                      /* its own addresses */
        4, 0x9c, 0x41, 192, 0, 2, 8, 4, 0x9c, 0x41, 198, 51, 100, 8,
        2, 0, 1, 5,                                     /* question */
        6, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xc1,             /* cursor */
        7, 0, 4, 0, 0, 1, 0,                            /* total */
        8, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xc2,             /* target */
        9, 0, 8, 1, 1, 2, 2, 3, 3, 4, 4,                /* fingerprint */
        11, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0xc3,            /* relay */
        12, 0, 2, 1, 0x2c,                              /* heard 300 ms ago */
        10, 0, 1, 2,                                    /* reason */
        3, 0, 16,                                       /* echo: boot id, nonce */
        0, 0, 0, 0, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 0, 0, 0xe2,
        4, 0, 13, 3,                                    /* verdict DEAD: boot id, incarnation */
        0, 0, 0, 0, 0, 0, 0, 0xd1, 0, 0, 0, 7,
        5, 0, 66,                                       /* entry, as far as its name */
        0, 0, 0, 0, 0, 0, 0, 0xf1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 3,
         0x23, 0x8d, 0x0a, 0x07, 0xd0, 3, 'c', '@', 'd',
        4, 0xb3, 0x45, 192, 0, 2, 1,                                              /* 192.0.2.1:45893 */
        6, 0xb3, 0x46, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2a, /* [2001:db8::2a]:45894 */
        4, 0, 7, 127, 0, 0, 1,                                                    /* 127.0.0.1:7 */
    };
    /* clang-format on */
    const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x2a};
    static struct wire_message m, decoded;
    wire_clear(&m);
    m.type = WIRE_ACK;
    m.flags = WIRE_ASK;
    m.interval_ms = 1000;
    m.miss = 6;
    m.health = HEALTH_ISOLATED;
    m.beam_age_ms = 258;
    m.nonce = UINT64_C(0x1112131415161718);
    m.group_size = 4096;
    m.sent_at = 1000000;
    m.digest = UINT64_C(0x2122232425262728);
    m.id = build_identity(UINT64_C(0x0102030405060708), "a@b", 0x65666768);
    m.id.incarnation = 9;
    m.id.flags = IDENTITY_LONG_NAMES | IDENTITY_HIDDEN;
    m.has = HAS_QUESTION | HAS_CURSOR | HAS_TOTAL | HAS_TARGET | HAS_FINGERPRINT | HAS_REASON | HAS_RELAY |
            HAS_HEARD | HAS_TO;
    m.to_boot = 0xb1;
    m.to = addr_ipv4((const uint8_t[]){192, 0, 2, 7}, 40000, 4);
    m.own_count = 2;
    m.own[0] = addr_ipv4((const uint8_t[]){192, 0, 2, 8}, 40001, 4);
    m.own[1] = addr_ipv4((const uint8_t[]){198, 51, 100, 8}, 40001, 4);
    m.question = 5;
    m.cursor = 0xc1;
    m.total = 256;
    m.target = 0xc2;
    m.relay = 0xc3;
    m.heard_ms = 300;
    memcpy(m.fingerprint, (const uint8_t[]){1, 1, 2, 2, 3, 3, 4, 4}, sizeof m.fingerprint);
    m.reason = DOWN_BEAM_EXIT;
    m.echo_count = m.verdict_count = m.entry_count = 1;
    m.echoes[0] = (struct wire_echo){.boot = 0xe1, .nonce = 0xe2};
    m.verdicts[0] = (struct wire_verdict){.verdict = VERDICT_DEAD, .boot = 0xd1, .incarnation = 7};
    m.entries[0] = (struct wire_entry){
        .id = build_identity(0xf1, "c@d", 2), .clock = 256, .interval_ms = 2000, .addr_count = 3};
    m.entries[0].id.incarnation = 3;
    m.entries[0].id.dist_port = 9101;
    m.entries[0].id.flags = IDENTITY_TLS | IDENTITY_HIDDEN;
    m.entries[0].addrs[0] = addr_ipv4((const uint8_t[]){192, 0, 2, 1}, 45893, 5);
    m.entries[0].addrs[1] = addr_ipv6(v6, 45894, 6);
    m.entries[0].addrs[2] = addr_ipv4((const uint8_t[]){127, 0, 0, 1}, 7, 1);
    uint8_t data[WIRE_MESSAGE_MAX];
    size_t len = wire_encode(&m, data, sizeof data);
    assert_int_equal(len, sizeof expected);
    assert_memory_equal(data, expected, len);
    assert_int_equal(decode(&decoded, expected, sizeof expected), 0);
    assert_true(build_same_message(&m, &decoded));
    assert_int_equal(decoded.entries[0].addrs[0].ifindex, 0); /* an interface means nothing to another host */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_message_of_any_type_round_trips),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_single_bit_flip),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(a_buffer_too_small_writes_nothing_beyond),
        cmocka_unit_test(an_entry_tells_its_size),
        cmocka_unit_test(known_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
