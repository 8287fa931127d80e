#include "ip.h"

#include <string.h>

#include "test.h"

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
        {addr_ipv4((const uint8_t[4]){192, 0, 2, 1}, 45893, 1), "192.0.2.1"},
        {addr_ipv4(longest4, 65535, 1), "255.255.255.255"},
        {addr_ipv6(longest6, 65535, 1), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {addr_ipv6((const uint8_t[16]){0xfe, 0x80, [15] = 0x2a}, 0, 1), "fe80::2a"},
        {addr_ipv6((const uint8_t[16]){0}, 1, 1), "::"},
        {addr_ipv6((const uint8_t[16]){[15] = 1}, 1, 1), "::1"},
        {addr_ipv6((const uint8_t[16]){0x20, 1, [13] = 0}, 1, 1), "2001::"},
        {addr_ipv6((const uint8_t[16]){0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0}, 1, 1),
         "1:0:2::3:0:0"}, /* the first of two equal runs */
        {addr_ipv6((const uint8_t[16]){0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7}, 1, 1),
         "1:0:2:3:4:5:6:7"}, /* one zero group is no run */
        {{0}, "nowhere"},
        {{.family = 9, .port = 3}, "nowhere"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[IP_TEXT];
        const char *returned = ip_text(&rows[i].a, out);
        assert_ptr_equal(returned, out);
        assert_string_equal(out, rows[i].text);
    }
}

static void only_four_plain_numbers_are_an_ipv4_address(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t len;
        bool good;
        uint8_t ip[4];
    } rows[] = {
        {"233.252.1.33", 12, true, {233, 252, 1, 33}},
        {"0.0.0.0", 7, true, {0}},
        {"255.255.255.255", 15, true, {255, 255, 255, 255}},
        {"233.252.1.333", 12, true, {233, 252, 1, 33}}, /* the length counts, and not what follows */
        {"", 0, false, {0}},
        {"1.2.3", 5, false, {0}},
        {"1.2.3.", 6, false, {0}},
        {"1.2.3.4.5", 9, false, {0}},
        {"1.2.3.256", 9, false, {0}},
        {"1.2.3.04", 8, false, {0}}, /* octal to some */
        {"1.2.3.4 ", 8, false, {0}},
        {" 1.2.3.4", 8, false, {0}},
        {"1.2.3.4\0", 8, false, {0}},
        {"1.2.3.4\0x", 9, false, {0}},
        {"1..3.4", 6, false, {0}},
        {"0x1.2.3.4", 9, false, {0}},
        {"255.255.255.2555", 16, false, {0}},
        {"localhost", 9, false, {0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t ip[4] = {0};
        print_message("%s\n", rows[i].text);
        assert_int_equal(ip_parse_v4((const uint8_t *)rows[i].text, rows[i].len, ip), rows[i].good ? 0 : -1);
        if (rows[i].good) {
            assert_memory_equal(ip, rows[i].ip, sizeof ip);
        }
    }
}

static void a_group_is_multicast_and_of_one_link_with_ipv6(void **state)
{
    (void)state;
    static const char *const good[] = {"224.0.0.0", "239.255.255.255", GROUP_DEFAULT};
    static const char *const wrong[] = {"223.255.255.255", "240.0.0.0", "224.0.0", "ff12::1", ""};
    static const char *const good6[] = {"ff02::1", "fff2::1", GROUP6_DEFAULT};
    static const char *const wrong6[] = {"ff01::1", "ff1e::1", "fe80::1", "224.0.0.1", ""};
    uint8_t ip[16];
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(ip_parse_group((const uint8_t *)good[i], strlen(good[i]), ip), 0);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(ip_parse_group((const uint8_t *)wrong[i], strlen(wrong[i]), ip), -1);
    }
    for (size_t i = 0; i < COUNT(good6); i++) {
        assert_int_equal(ip_parse_group6((const uint8_t *)good6[i], strlen(good6[i]), ip), 0);
    }
    for (size_t i = 0; i < COUNT(wrong6); i++) {
        assert_int_equal(ip_parse_group6((const uint8_t *)wrong6[i], strlen(wrong6[i]), ip), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(only_four_plain_numbers_are_an_ipv4_address),
        cmocka_unit_test(a_group_is_multicast_and_of_one_link_with_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
