/* The kernel's filter: its program, run step by step by support/bpf.c, against what the core does with the
 * same bytes; and when it is there. udp_test.c has it in the kernel. */
#include "filter.h"

#include <string.h>

#include "bpf.h"
#include "corpus.h"
#include "effect.h"
#include "test.h"
#include "units.h"

#define BIG (DATAGRAM_MAX + 200)

static struct keyring ring_of(uint8_t count)
{
    struct keyring ring = {0};
    for (uint8_t i = 0; i < count; i++) {
        const uint8_t key[KEY_BYTES] = {i};
        assert_int_equal(keyring_add(&ring, SECRET_KEY, key, sizeof key, "", 0), 0);
    }
    return ring;
}

struct judged {
    size_t wanted, unwanted;
};

static void judge(const struct keyring *ring, const uint8_t *datagram, size_t len, struct judged *judged)
{
    int drops = bpf_judge(ring, datagram, len);
    assert_in_range(drops, 0, 1);
    judged->wanted += drops == 0;
    judged->unwanted += drops == 1;
}

/* Under each key that a ring may have: what is sealed, cut at each length that matters, and with each byte of
 * its prefix another. */
static void no_datagram_of_the_ring_is_dropped(void **state)
{
    (void)state;
    struct judged judged = {0};
    for (uint8_t count = 1; count <= KEYRING_MAX; count++) {
        struct keyring ring = ring_of(count);
        for (uint8_t i = 0; i < count; i++) {
            uint8_t datagram[BIG];
            memset(datagram, i + 1, sizeof datagram);
            memcpy(datagram, ring.keys[i].prefix, SEAL_PREFIX);
            const size_t lengths[] = {
                0, 1, 3, 4, 7, 8, SEAL_OVERHEAD - 1, SEAL_OVERHEAD, 500, DATAGRAM_MAX, DATAGRAM_MAX + 1};
            for (size_t n = 0; n < COUNT(lengths); n++) {
                judge(&ring, datagram, lengths[n], &judged);
            }
            for (size_t at = 0; at < SEAL_PREFIX; at++) {
                datagram[at] ^= 1;
                judge(&ring, datagram, 200, &judged);
                datagram[at] ^= 1;
            }
        }
    }
    assert_int_equal(judged.wanted, 10 * 3);
    assert_int_equal(judged.unwanted, 10 * (8 + SEAL_PREFIX));
}

struct under {
    const struct keyring *ring;
    struct judged *judged;
};

/* As it is, and where it begins as our own do. */
static void judge_input(void *context, const uint8_t *input, size_t len)
{
    const struct under *u = context;
    uint8_t data[BIG] = {0};
    len = len < sizeof data ? len : sizeof data;
    memcpy(data, input, len);
    judge(u->ring, data, len, u->judged);
    if (len > 1) { /* the first byte is the fuzzer's own */
        judge(u->ring, data + 1, len - 1, u->judged);
    }
    memcpy(data, u->ring->keys[1].prefix, len < SEAL_PREFIX ? len : SEAL_PREFIX);
    judge(u->ring, data, len, u->judged);
}

/* All that the fuzzers of datagrams have found interesting. */
static void the_corpus_is_judged_as_the_core_judges(void **state)
{
    (void)state;
    struct keyring ring = ring_of(2);
    struct judged judged = {0};
    struct under under = {&ring, &judged};
    assert_true(corpus_each("datagram", judge_input, &under) > 0);
    assert_true(corpus_each("datagram_sealed", judge_input, &under) > 0);
    assert_true(judged.wanted > 30 && judged.unwanted > 60);
}

static void say(struct filter *f, int64_t from, int64_t until, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)filter_saw(f, from + (until - from) * (int64_t)i / (int64_t)count);
    }
}

/* Two nodes with two cookies: each word of the other is seen. So it is with a whole cluster, up to 63 a
 * second. */
static void few_are_all_seen(void **state)
{
    (void)state;
    struct keyring ring = ring_of(1);
    struct filter f = {0};
    filter_set(&f, &ring);
    for (int64_t second = 1; second < 60; second++) {
        say(&f, second * SECOND_US, (second + 1) * SECOND_US, FILTER_RAISE - 1);
        assert_int_equal(f.level, 0);
    }
}

/* What a level lets through of `rate`, second after second: whether some are seen in each, and few, once it
 * has settled; and that no level is left for another but when the rate has changed. */
static void of_a_flood_some_are_seen(void **state)
{
    (void)state;
    struct keyring ring = ring_of(1);
    for (size_t rate = 100; rate <= 200000; rate += rate / 3) {
        struct filter f = {0};
        filter_set(&f, &ring);
        int64_t now = SECOND_US;
        for (int second = 0; second < 20; second++) {
            size_t passed = 0, share = (size_t)1 << FILTER_SHARE_BITS * f.level;
            int levels = 0;
            for (size_t i = 0; i < rate; i++) {
                if (i % share == 0) {
                    passed++;
                    levels += filter_saw(&f, now + SECOND_US * (int64_t)i / (int64_t)rate);
                    share = (size_t)1 << FILTER_SHARE_BITS * f.level;
                }
            }
            now += SECOND_US;
            if (second >= FILTER_LEVELS) {
                assert_in_range(passed, FILTER_LOWER, FILTER_RAISE + FILTER_RAISE / 8);
                assert_int_equal(levels, 0);
            }
        }
        /* It is over: a level a second, and then there is none. */
        for (int second = 0; second <= FILTER_LEVELS; second++) {
            now += SECOND_US;
            (void)filter_tick(&f, now);
        }
        assert_int_equal(f.level, 0);
        struct filter_step steps[FILTER_STEPS_MAX];
        assert_int_equal(filter_program(&f, steps), 0);
    }
}

/* Without a ring, or a kernel that filters, nothing changes. */
static void where_there_is_none_all_is_read(void **state)
{
    (void)state;
    struct keyring ring = ring_of(1);
    struct filter none = {0}, missing = {.missing = true};
    filter_set(&missing, &ring);
    say(&none, SECOND_US, 2 * SECOND_US, 10000);
    say(&missing, SECOND_US, 2 * SECOND_US, 10000);
    assert_int_equal(none.level, 0);
    assert_int_equal(missing.level, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_datagram_of_the_ring_is_dropped),
        cmocka_unit_test(the_corpus_is_judged_as_the_core_judges),
        cmocka_unit_test(few_are_all_seen),
        cmocka_unit_test(of_a_flood_some_are_seen),
        cmocka_unit_test(where_there_is_none_all_is_read),
    };
    return seal_init() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
