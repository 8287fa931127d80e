/* Who is on a link, and what is no one's address. */
#include "interfaces.h"
#include "subnets.h"

#include <string.h>

#include "test.h"

static struct addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint32_t ifindex)
{
    return addr_ipv4((const uint8_t[4]){a, b, c, d}, 4444, ifindex);
}

static void put(struct subnets *s, struct addr addr, uint8_t prefix)
{
    s->items[s->count++] = (struct subnet){.addr = addr, .prefix = prefix};
}

/* lo, eth0 with two addresses, eth1 with a mask of 31, a tunnel, and one whose mask tells nothing. */
static struct subnets host(void)
{
    struct subnets s = {0};
    put(&s, v4(127, 0, 0, 1, 1), 8);
    put(&s, v4(10, 0, 0, 5, 2), 24);
    put(&s, v4(172, 16, 9, 5, 2), 20);
    put(&s, v4(192, 0, 2, 6, 3), 31);
    put(&s, v4(10, 9, 0, 1, 4), 32);
    s.items[s.count - 1].other = v4(10, 9, 0, 2, 0);
    put(&s, v4(198, 51, 100, 7, 5), 32);
    return s;
}

static bool near(const struct subnets *s, struct addr a)
{
    return subnets_near(s, &a);
}

static bool broadcast(const struct subnets *s, struct addr a)
{
    return subnets_broadcast(s, &a);
}

static void near_is_who_shares_a_subnet_of_the_link(void **state)
{
    (void)state;
    struct subnets s = host();
    assert_true(near(&s, v4(10, 0, 0, 200, 2)));
    assert_true(near(&s, v4(172, 16, 0, 1, 2)));
    assert_true(near(&s, v4(172, 16, 15, 254, 2)));
    assert_false(near(&s, v4(172, 16, 16, 1, 2)));
    assert_false(near(&s, v4(10, 0, 1, 5, 2)));
    assert_false(near(&s, v4(8, 8, 8, 8, 2)));
    assert_false(near(&s, v4(10, 0, 0, 200, 3))); /* of another link */
    assert_true(near(&s, v4(10, 0, 0, 5, 3)));    /* this host itself, whatever the way */
    assert_true(near(&s, v4(127, 0, 0, 1, 1)));
    assert_true(near(&s, v4(127, 8, 0, 1, 0)));
}

static void where_the_system_does_not_tell_the_link_any_will_do(void **state)
{
    (void)state;
    struct subnets s = host();
    struct addr there = v4(172, 16, 1, 1, 0), here = v4(192, 0, 2, 7, 0), nowhere = v4(8, 8, 8, 8, 0);
    assert_true(near(&s, there));
    assert_false(near(&s, nowhere));
    assert_int_equal(subnets_interface(&s, &there), 2);
    assert_int_equal(subnets_interface(&s, &here), 3);
    assert_int_equal(subnets_interface(&s, &nowhere), 0);
}

static void links_between_two_have_no_broadcast(void **state)
{
    (void)state;
    struct subnets s = host();
    assert_true(near(&s, v4(192, 0, 2, 7, 3)));
    assert_false(near(&s, v4(192, 0, 2, 8, 3)));
    assert_true(near(&s, v4(10, 9, 0, 2, 4)));
    assert_false(near(&s, v4(10, 9, 0, 3, 4)));
    assert_true(near(&s, v4(198, 51, 100, 7, 5)));
    assert_false(near(&s, v4(198, 51, 100, 8, 5)));
    assert_false(broadcast(&s, v4(192, 0, 2, 6, 3)));
    assert_false(broadcast(&s, v4(192, 0, 2, 7, 3)));
    assert_false(broadcast(&s, v4(10, 9, 0, 1, 4)));
    assert_false(broadcast(&s, v4(198, 51, 100, 7, 5)));
}

static void the_first_and_the_last_of_a_subnet_are_nobodys(void **state)
{
    (void)state;
    struct subnets s = host();
    assert_true(broadcast(&s, v4(10, 0, 0, 255, 2)));
    assert_true(broadcast(&s, v4(10, 0, 0, 0, 2)));
    assert_true(broadcast(&s, v4(172, 16, 15, 255, 2)));
    assert_true(broadcast(&s, v4(172, 16, 0, 0, 0)));
    assert_true(broadcast(&s, v4(10, 0, 0, 255, 3))); /* the kernel does not care by which it would go */
    assert_true(broadcast(&s, v4(127, 255, 255, 255, 1)));
    assert_false(broadcast(&s, v4(10, 0, 0, 254, 2)));
    assert_false(broadcast(&s, v4(172, 16, 9, 255, 2)));
    assert_false(broadcast(&s, v4(10, 0, 1, 255, 2)));
}

static void nothing_known_is_nothing_refused(void **state)
{
    (void)state;
    struct subnets s = {0};
    struct addr a = v4(8, 8, 8, 8, 2);
    assert_true(near(&s, a));
    assert_false(broadcast(&s, a));
    assert_int_equal(subnets_interface(&s, &a), 0);
}

static void addresses_of_the_other_family_are_compared_with_their_own(void **state)
{
    (void)state;
    struct subnets s = host();
    const uint8_t link[16] = {0xfe, 0x80, [15] = 1}, other[16] = {0xfe, 0x80, [15] = 0xff},
                  far[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    s.items[s.count++] = (struct subnet){.addr = addr_ipv6(link, 0, 2), .prefix = 64};
    assert_true(near(&s, addr_ipv6(other, 4444, 2)));
    assert_false(near(&s, addr_ipv6(other, 4444, 3)));
    assert_false(near(&s, addr_ipv6(far, 4444, 2)));
    assert_false(broadcast(&s, addr_ipv6(other, 4444, 2)));
}

/* Whatever this machine has: the loopback is there, with its mask. */
static void the_system_tells_the_loopback(void **state)
{
    (void)state;
    const struct interface_filter all = {.mode = FILTER_ALL};
    struct interface_list list;
    struct subnets s;
    size_t found = 0;
    assert_int_equal(interfaces_list(&all, &list, &s), 0);
    for (size_t i = 0; i < s.count; i++) {
        found +=
            s.items[i].addr.family == ADDR_IPV4 && s.items[i].addr.ip[0] == 127 && s.items[i].prefix == 8;
        assert_true(s.items[i].addr.ifindex != 0);
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_is_who_shares_a_subnet_of_the_link),
        cmocka_unit_test(where_the_system_does_not_tell_the_link_any_will_do),
        cmocka_unit_test(links_between_two_have_no_broadcast),
        cmocka_unit_test(the_first_and_the_last_of_a_subnet_are_nobodys),
        cmocka_unit_test(nothing_known_is_nothing_refused),
        cmocka_unit_test(addresses_of_the_other_family_are_compared_with_their_own),
        cmocka_unit_test(the_system_tells_the_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
