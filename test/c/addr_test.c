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

static void lengths_by_family(void **state)
{
    (void)state;
    for (unsigned family = 0; family < 256; family++) {
        size_t expected = family == 4 ? 4 : family == 6 ? 16 : 0;
        assert_int_equal(addr_ip_len((uint8_t)family), expected);
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

static void text(void **state)
{
    (void)state;
    uint8_t longest6[16], longest4[4];
    memset(longest6, 0xff, sizeof longest6);
    memset(longest4, 0xff, sizeof longest4);
    const struct {
        struct addr a;
        const char *text;
    } rows[] = {
        {addr_ipv4(V4, 45893, 1), "192.0.2.1:45893"},
        {addr_ipv4(longest4, 65535, 1), "255.255.255.255:65535"},
        {addr_ipv6(longest6, 65535, 1), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        {addr_ipv6(V6, 0, 1), "[fe80::2a]:0"},
        {addr_ipv6((const uint8_t[16]){0}, 1, 1), "[::]:1"},
        {addr_ipv6((const uint8_t[16]){[15] = 1}, 1, 1), "[::1]:1"},
        {addr_ipv6((const uint8_t[16]){0x20, 1, [13] = 0}, 1, 1), "[2001::]:1"},
        {addr_ipv6((const uint8_t[16]){0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0}, 1, 1),
         "[1:0:2::3:0:0]:1"}, /* the first of two equal runs */
        {addr_ipv6((const uint8_t[16]){0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7}, 1, 1),
         "[1:0:2:3:4:5:6:7]:1"}, /* one zero group is no run */
        {{0}, "nowhere"},
        {{.family = 9, .port = 3}, "nowhere"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[ADDR_TEXT];
        const char *returned = addr_text(&rows[i].a, out);
        assert_ptr_equal(returned, out);
        assert_string_equal(out, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_addresses_are_equal_bytes),
        cmocka_unit_test(sameness_is_family_ip_and_port),
        cmocka_unit_test(lengths_by_family),
        cmocka_unit_test(paths),
        cmocka_unit_test(text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
