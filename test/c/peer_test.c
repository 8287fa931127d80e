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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_most_recently_heard_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
