#include "addr.h"

#include <string.h>

#include "test.h"

static const uint8_t V4[4] = {192, 0, 2, 1};
static const uint8_t V6[16] = {0xfe, 0x80, [15] = 0x2a};

static void equal_addresses_are_equal_bytes(void **state)
{
    (void)state;
    struct addr a, b;
    memset(&a, 0xff, sizeof a);
    memset(&b, 0x00, sizeof b);
    a = addr_ipv4(V4, 45893, 3);
    b = addr_ipv4(V4, 45893, 3);
    assert_memory_equal(a.ip, b.ip, sizeof a.ip);
    assert_memory_equal(a.ip + 4, ((uint8_t[12]){0}), 12);
    assert_int_equal(a.family, ADDR_IPV4);
    assert_int_equal(a.port, 45893);
    assert_int_equal(a.ifindex, 3);
    a = addr_ipv6(V6, 1, 0);
    assert_memory_equal(a.ip, V6, 16);
    assert_int_equal(a.family, ADDR_IPV6);
}

static void sameness_is_family_ip_and_port(void **state)
{
    (void)state;
    const uint8_t other[4] = {192, 0, 2, 2};
    const uint8_t padded[16] = {192, 0, 2, 1};
    struct addr a = addr_ipv4(V4, 1000, 1);
    const struct {
        struct addr b;
        bool same;
    } rows[] = {
        {addr_ipv4(V4, 1000, 1), true},      {addr_ipv4(V4, 1000, 2), true},
        {addr_ipv4(V4, 1001, 1), false},     {addr_ipv4(other, 1000, 1), false},
        {addr_ipv6(padded, 1000, 1), false}, {{0}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(addr_same(&a, &rows[i].b), rows[i].same);
        assert_int_equal(addr_same(&rows[i].b, &a), rows[i].same);
    }
}

/* What stands on each link is told apart by the link, where that is known. */
static void a_link_local_address_is_one_on_each_link(void **state)
{
    (void)state;
    const uint8_t global[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, v4[4] = {169, 254, 1, 1};
    struct addr two = addr_ipv6(V6, 1000, 2), three = addr_ipv6(V6, 1000, 3), any = addr_ipv6(V6, 1000, 0);
    assert_false(addr_same(&two, &three));
    assert_false(addr_same_host(&two, &three));
    assert_true(addr_same(&two, &any) && addr_same(&any, &three));
    assert_true(addr_is_scoped(&any));
    two = addr_ipv6(global, 1000, 2);
    three = addr_ipv6(global, 1000, 3);
    assert_true(addr_same(&two, &three) && !addr_is_scoped(&two));
    two = addr_ipv4(v4, 1000, 2);
    three = addr_ipv4(v4, 1000, 3);
    assert_true(addr_same(&two, &three) && !addr_is_scoped(&two));
}

static void lengths_by_family(void **state)
{
    (void)state;
    for (unsigned family = 0; family < 256; family++) {
        size_t expected = family == 4 ? 4 : family == 6 ? 16 : 0;
        assert_int_equal(addr_ip_len((uint8_t)family), expected);
    }
}

/* IPv4 in the guise of IPv6 would pass where 224.0.0.1 or 127.0.0.1 do not. */
static void what_a_datagram_may_go_to(void **state)
{
    (void)state;
    const struct {
        uint8_t family, ip[16];
        bool endpoint, loopback, link_local;
    } rows[] = {
        {ADDR_IPV4, {192, 0, 2, 1}, true, false, false},
        {ADDR_IPV4, {127, 0, 0, 1}, true, true, false},
        {ADDR_IPV4, {169, 254, 0, 1}, true, false, true},
        {ADDR_IPV4, {0}, false, false, false},
        {ADDR_IPV4, {224, 0, 0, 1}, false, false, false},
        {ADDR_IPV4, {255, 255, 255, 255}, false, false, false},
        {ADDR_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, true, false, false},
        {ADDR_IPV6, {0xfd, [15] = 1}, true, false, false},
        {ADDR_IPV6, {0xfe, 0x80, [15] = 1}, true, false, true},
        {ADDR_IPV6, {0xfe, 0xbf, [15] = 1}, true, false, true},
        {ADDR_IPV6, {0xfe, 0xc0, [15] = 1}, true, false, false},
        {ADDR_IPV6, {[15] = 1}, true, true, false},
        {ADDR_IPV6, {0}, false, false, false},
        {ADDR_IPV6, {0xff, 0x12, [15] = 1}, false, false, false},
        {ADDR_IPV6, {[10] = 0xff, 0xff, 192, 0, 2, 1}, false, false, false},
        {ADDR_IPV6, {[10] = 0xff, 0xff, 127, 0, 0, 1}, false, false, false},
        {ADDR_IPV6, {[12] = 192, 0, 2, 1}, false, false, false},
        {ADDR_IPV6, {[15] = 2}, false, false, false},
        {ADDR_NONE, {1}, false, false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr a =
            rows[i].family == ADDR_IPV4 ? addr_ipv4(rows[i].ip, 9, 0) : addr_ipv6(rows[i].ip, 9, 0);
        a.family = rows[i].family;
        print_message("row %u\n", (unsigned)i);
        assert_int_equal(addr_is_endpoint(&a), rows[i].endpoint);
        assert_int_equal(addr_is_loopback(&a), rows[i].loopback);
        assert_int_equal(addr_is_link_local(&a), rows[i].link_local);
        a.port = 0;
        assert_false(addr_is_endpoint(&a));
    }
}

static void paths(void **state)
{
    (void)state;
    struct addr a = addr_ipv4(V4, 7, 8);
    struct path group = path_group();
    struct path one = path_unicast(&a);
    assert_int_equal(group.kind, PATH_GROUP);
    assert_int_equal(group.addr.ifindex, 0);
    assert_int_equal(one.kind, PATH_UNICAST);
    assert_true(addr_same(&one.addr, &a));
    assert_int_equal(one.addr.ifindex, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_addresses_are_equal_bytes),
        cmocka_unit_test(sameness_is_family_ip_and_port),
        cmocka_unit_test(a_link_local_address_is_one_on_each_link),
        cmocka_unit_test(lengths_by_family),
        cmocka_unit_test(what_a_datagram_may_go_to),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
