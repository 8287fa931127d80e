#include "state/peer.h"

#include "build.h"
#include "test.h"

static void addresses_most_recently_heard_first(void **state)
{
    (void)state;
    struct peer p = {0};
    const struct {
        uint8_t host;
        bool changed;
        uint8_t expected[PEER_ADDRS]; /* hosts, in order */
    } rows[] = {
        {1, true, {1}},          {1, false, {1}},          {2, true, {2, 1}},        {1, false, {1, 2}},
        {3, true, {3, 1, 2}},    {4, true, {4, 3, 1, 2}},  {2, false, {2, 4, 3, 1}}, {5, true, {5, 2, 4, 3}},
        {1, true, {1, 5, 2, 4}}, {4, false, {4, 1, 5, 2}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a = build_addr(rows[i].host, 100);
        assert_int_equal(peer_address(&p, &a), rows[i].changed);
        for (size_t k = 0; k < PEER_ADDRS; k++) {
            assert_int_equal(p.addrs[k].ip[3], rows[i].expected[k]);
            assert_true(rows[i].expected[k] == 0 || k < p.addr_count);
        }
        assert_true(peer_has_address(&p, &a));
    }
    struct addr gone = build_addr(3, 100), port = build_addr(4, 101);
    assert_false(peer_has_address(&p, &gone));
    assert_false(peer_has_address(&p, &port));
}

/* It is known of an address as long as that stands in the set, wherever. */
static void where_it_was_reached(void **state)
{
    (void)state;
    struct peer p = {0};
    struct addr a[6];
    for (uint8_t i = 0; i < 6; i++) {
        a[i] = build_addr(i, 100);
    }
    peer_reached(&p, &a[1]); /* not in the set */
    assert_false(peer_is_reached(&p, &a[1]));
    peer_hearsay(&p, &a[5]);
    (void)peer_address(&p, &a[1]);
    (void)peer_address(&p, &a[2]);
    assert_false(peer_is_reached(&p, &a[1]));
    peer_reached(&p, &a[1]);
    assert_false(peer_is_reached(&p, &a[2]));
    (void)peer_address(&p, &a[3]);
    assert_true(peer_is_reached(&p, &a[1]));
    (void)peer_address(&p, &a[1]); /* to the front */
    assert_true(peer_is_reached(&p, &a[1]));
    assert_true(peer_own_word(&p, &a[1], 1)); /* what another has told of is gone */
    assert_true(peer_is_reached(&p, &a[1]));
    assert_false(peer_is_reached(&p, &a[2]));
    assert_false(peer_is_reached(&p, &a[3]));
    for (uint8_t i = 2; i < 6; i++) { /* four others push it out */
        (void)peer_address(&p, &a[i]);
    }
    (void)peer_address(&p, &a[1]);
    assert_false(peer_is_reached(&p, &a[1]));
}

/* The first of its addresses is dropped: what is known of the others stays with them. */
static void where_it_was_reached_when_hearsay_goes(void **state)
{
    (void)state;
    struct peer p = {0};
    struct addr said = build_addr(9, 100), own = build_addr(1, 100);
    peer_hearsay(&p, &said);
    (void)peer_address(&p, &own);
    peer_hearsay(&p, &said);
    p.addrs[1] = own;
    p.addrs[0] = said;
    p.hearsay = 1;
    peer_reached(&p, &own);
    assert_true(peer_own_word(&p, &own, 1));
    assert_int_equal(p.addr_count, 1);
    assert_true(peer_is_reached(&p, &own));
}

/* What is known of each address goes with it, wherever another comes in between. */
static void an_address_behind_the_first(void **state)
{
    (void)state;
    struct peer p = {.direct = 5};
    struct addr a[7];
    for (uint8_t i = 0; i < 7; i++) {
        a[i] = build_addr(i, 100);
    }
    assert_true(peer_beside(&p, &a[1])); /* there is none: it is the first */
    peer_reached(&p, &a[1]);
    peer_heard_at(&p, &a[1], 4); /* of the only one, `direct` says it */
    assert_true(peer_beside(&p, &a[2]));
    assert_false(peer_beside(&p, &a[2]) || peer_beside(&p, &a[1]));
    assert_int_equal(p.path_heard[0], 5);
    assert_int_equal(p.path_heard[1], 0);
    peer_heard_at(&p, &a[2], 7);
    peer_heard_at(&p, &a[6], 8); /* not in the set */
    peer_reached(&p, &a[2]);
    peer_hearsay(&p, &a[3]);
    assert_true(peer_beside(&p, &a[4]));
    const uint8_t order[] = {1, 4, 2, 3};
    const int64_t heard[] = {5, 0, 7, 0};
    for (size_t i = 0; i < COUNT(order); i++) {
        assert_true(addr_same(&p.addrs[i], &a[order[i]]));
        assert_int_equal(p.path_heard[i], heard[i]);
    }
    assert_int_equal(p.hearsay, 1u << 3);
    assert_true(peer_is_reached(&p, &a[1]) && peer_is_reached(&p, &a[2]));
    assert_false(peer_is_reached(&p, &a[4]) || peer_is_reached(&p, &a[3]));
    assert_true(peer_beside(&p, &a[5])); /* the last gives way, and what was known of it */
    assert_int_equal(p.addr_count, PEER_ADDRS);
    assert_false(peer_has_address(&p, &a[3]));
    assert_int_equal(p.hearsay, 0);
    assert_false(peer_address(&p, &a[2]));
    assert_true(p.path_heard[0] == 7 && p.path_heard[1] == 5 && p.path_heard[2] == 0);
    assert_true(peer_is_reached(&p, &a[2]) && peer_is_reached(&p, &a[1]));
}

/* Others tell where it is now: there alone. What is known of an address that stays goes with it, and what is
 * new is known from others only. */
static void where_others_tell_that_it_is_now(void **state)
{
    (void)state;
    struct peer p = {.direct = 5};
    struct addr a[8];
    for (uint8_t i = 0; i < 8; i++) {
        a[i] = build_addr(i, 100);
    }
    for (uint8_t i = 4; i >= 1; i--) {
        (void)peer_address(&p, &a[i]); /* 1, 2, 3, 4 */
    }
    for (uint8_t i = 1; i <= 4; i++) {
        peer_heard_at(&p, &a[i], 10 * i);
    }
    peer_reached(&p, &a[1]);
    peer_reached(&p, &a[4]);
    p.hearsay = 1u << 2;
    assert_false(peer_told(&p, NULL, 0)); /* of no address: nothing changes */
    assert_int_equal(p.addr_count, 4);
    const struct addr same[] = {a[4], a[2], a[1], a[3]};
    assert_false(peer_told(&p, same, 4)); /* nor does its order */
    assert_true(addr_same(&p.addrs[0], &a[1]) && addr_same(&p.addrs[3], &a[4]));
    assert_int_equal(p.reached, 1u | 1u << 3);
    assert_int_equal(p.hearsay, 1u << 2);

    const struct addr fewer[] = {a[4], a[3], a[2]}; /* the first is gone */
    assert_true(peer_told(&p, fewer, 3));
    const uint8_t left[] = {2, 3, 4};
    assert_int_equal(p.addr_count, 3);
    for (size_t i = 0; i < COUNT(left); i++) {
        assert_true(addr_same(&p.addrs[i], &a[left[i]]));
        assert_int_equal(p.path_heard[i], 10 * left[i]);
    }
    assert_int_equal(p.reached, 1u << 2);
    assert_int_equal(p.hearsay, 1u << 1);

    const struct addr more[] = {a[2], a[3], a[4], a[5]}; /* one comes */
    assert_true(peer_told(&p, more, 4));
    assert_int_equal(p.addr_count, 4);
    assert_true(addr_same(&p.addrs[3], &a[5]));
    assert_int_equal(p.path_heard[3], 0);
    assert_int_equal(p.hearsay, 1u << 1 | 1u << 3);
    assert_false(peer_is_reached(&p, &a[5]));

    const struct addr others[] = {a[6], a[7]}; /* it has moved altogether */
    assert_true(peer_told(&p, others, 2));
    assert_int_equal(p.addr_count, 2);
    assert_true(addr_same(&p.addrs[0], &a[6]) && addr_same(&p.addrs[1], &a[7]));
    assert_int_equal(p.hearsay, 3);
    assert_int_equal(p.reached, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_most_recently_heard_first),
        cmocka_unit_test(where_it_was_reached),
        cmocka_unit_test(where_it_was_reached_when_hearsay_goes),
        cmocka_unit_test(an_address_behind_the_first),
        cmocka_unit_test(where_others_tell_that_it_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
