#include "interfaces.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

enum { UP = 1, MULTICAST = 2, LOOPBACK = 4 };

static struct candidate candidate(const char *name, uint32_t index, uint8_t last, int flags)
{
    const uint8_t ip[4] = {10, 0, 0, last};
    struct candidate c = {
        .up = (flags & UP) != 0, .multicast = (flags & MULTICAST) != 0, .loopback = (flags & LOOPBACK) != 0};
    (void)snprintf(c.interface.name, sizeof c.interface.name, "%s", name);
    c.interface.index = index;
    c.interface.addr = addr_ipv4(ip, 0, index);
    return c;
}

struct row {
    const char *what;
    uint8_t mode;
    const char *items[4];
    const char *chosen; /* "name:last byte of the address", in order */
    uint32_t missing;
    bool fallback;
};

static void the_choice(void **state)
{
    (void)state;
    const struct candidate host[] = {
        candidate("lo", 1, 1, UP | LOOPBACK),    candidate("eth0", 2, 2, UP | MULTICAST),
        candidate("eth0", 2, 3, UP | MULTICAST), candidate("eth1", 3, 4, UP | MULTICAST),
        candidate("down0", 4, 5, MULTICAST),     candidate("wg0", 5, 6, UP),
    };
    const struct candidate alone[] = {candidate("lo", 1, 1, UP | LOOPBACK),
                                      candidate("down0", 4, 5, MULTICAST)};
    const struct row on_host[] = {
        {"all that can", FILTER_ALL, {0}, "eth0:2 eth1:4", 0, false},
        {"by name", FILTER_ONLY, {"eth1"}, "eth1:4", 0, false},
        {"by address", FILTER_ONLY, {"10.0.0.4"}, "eth1:4", 0, false},
        {"by its second address", FILTER_ONLY, {"10.0.0.3"}, "eth0:3", 0, false},
        {"by name and address: once", FILTER_ONLY, {"10.0.0.3", "eth0"}, "eth0:2", 0, false},
        {"loopback when named", FILTER_ONLY, {"lo", "eth0"}, "lo:1 eth0:2", 0, false},
        {"named, though it cannot say that it multicasts", FILTER_ONLY, {"wg0"}, "wg0:6", 0, false},
        {"named, but down", FILTER_ONLY, {"down0"}, "", 1, false},
        {"named, but not there", FILTER_ONLY, {"eth0", "eth9", "10.9.9.9"}, "eth0:2", 6, false},
        {"a name is no prefix", FILTER_ONLY, {"eth", "10.0.0"}, "", 3, false},
        {"except a name", FILTER_EXCEPT, {"eth0"}, "eth1:4", 0, false},
        {"except an address", FILTER_EXCEPT, {"10.0.0.2"}, "eth0:3 eth1:4", 0, false},
        {"except what is not there", FILTER_EXCEPT, {"eth9"}, "eth0:2 eth1:4", 0, false},
        {"except all: loopback", FILTER_EXCEPT, {"eth0", "eth1"}, "lo:1", 0, true},
        {"except all and loopback", FILTER_EXCEPT, {"eth0", "eth1", "lo"}, "", 0, false},
    };
    const struct row on_alone[] = {
        {"loopback where there is no other", FILTER_ALL, {0}, "lo:1", 0, true},
        {"but not in place of a named one", FILTER_ONLY, {"eth0"}, "", 1, false},
        {"and not when excepted by address", FILTER_EXCEPT, {"10.0.0.1"}, "", 0, false},
    };
    for (size_t i = 0; i < COUNT(on_host) + COUNT(on_alone); i++) {
        bool is_host = i < COUNT(on_host);
        const struct row *r = is_host ? &on_host[i] : &on_alone[i - COUNT(on_host)];
        struct interface_filter filter = {.mode = r->mode};
        struct interface_list list;
        char chosen[128] = "";
        while (filter.count < COUNT(r->items) && r->items[filter.count] != NULL) {
            (void)snprintf(filter.items[filter.count], FILTER_TEXT, "%s", r->items[filter.count]);
            filter.count++;
        }
        interfaces_choose(&filter, is_host ? host : alone, is_host ? COUNT(host) : COUNT(alone), &list);
        for (size_t n = 0; n < list.count; n++) {
            size_t used = strlen(chosen);
            (void)snprintf(chosen + used, sizeof chosen - used, "%s%s:%u", n == 0 ? "" : " ",
                           list.items[n].name, (unsigned)list.items[n].addr.ip[3]);
        }
        print_message("%s\n", r->what);
        assert_string_equal(chosen, r->chosen);
        assert_int_equal(list.missing, r->missing);
        assert_int_equal(list.fallback, r->fallback);
        assert_int_equal(list.left_out, 0);
    }
}

static void where_it_leads_to(void **state)
{
    (void)state;
    const struct {
        const char *name;
        uint8_t reach;
        int flags;
    } rows[] = {
        {"lo", REACH_LOOPBACK, LOOPBACK},
        {"eth0", REACH_LAN, MULTICAST},
        {"br0", REACH_LAN, MULTICAST},
        {"br-lan", REACH_LAN, MULTICAST},
        {"br-0123456789a", REACH_LAN, MULTICAST},
        {"br-0123456789ag", REACH_LAN, MULTICAST},
        {"wg0", REACH_LAN, MULTICAST},
        {"br-0123456789ab", REACH_VIRTUAL, MULTICAST},
        {"docker0", REACH_VIRTUAL, MULTICAST},
        {"docker_gwbridge", REACH_VIRTUAL, MULTICAST},
        {"veth12ab", REACH_VIRTUAL, MULTICAST},
        {"virbr0", REACH_VIRTUAL, MULTICAST},
        {"cni0", REACH_VIRTUAL, MULTICAST},
        {"podman1", REACH_VIRTUAL, MULTICAST},
    };
    const struct interface_filter none = {.mode = FILTER_EXCEPT, .count = 1, .items = {"nothing"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct candidate one[] = {candidate(rows[i].name, 1, 1, UP | rows[i].flags)};
        struct interface_list list;
        print_message("%s\n", rows[i].name);
        interfaces_choose(&none, one, 1, &list);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.items[0].reach, rows[i].reach);
    }
}

static void the_network_is_as_far_as_its_farthest_interface(void **state)
{
    (void)state;
    const struct interface_filter filter = {
        .mode = FILTER_ONLY, .count = 3, .items = {"eth7", "docker0", "10.9.9.9"}};
    struct network n = {.count = 0};
    interfaces_judge(&n, &filter, 5);
    assert_int_equal(n.reach, REACH_NONE);
    assert_int_equal(n.missing_count, 2);
    assert_string_equal(n.missing[0], "eth7");
    assert_string_equal(n.missing[1], "10.9.9.9");
    const uint8_t reaches[] = {REACH_LOOPBACK, REACH_VIRTUAL, REACH_LAN, REACH_VIRTUAL};
    const uint8_t farthest[] = {REACH_LOOPBACK, REACH_VIRTUAL, REACH_LAN, REACH_LAN};
    for (size_t i = 0; i < COUNT(reaches); i++) {
        n.items[n.count++].reach = reaches[i];
        interfaces_judge(&n, &filter, 0);
        assert_int_equal(n.reach, farthest[i]);
        assert_int_equal(n.missing_count, 0);
    }
}

static void more_than_fit_are_counted(void **state)
{
    (void)state;
    struct candidate many[INTERFACES_MAX + 5];
    struct interface_filter all = {.mode = FILTER_ALL};
    struct interface_list list;
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i] = candidate("veth", (uint32_t)i + 1, (uint8_t)i, UP | MULTICAST);
    }
    interfaces_choose(&all, many, COUNT(many), &list);
    assert_int_equal(list.count, INTERFACES_MAX);
    assert_int_equal(list.left_out, 5);
}

/* The system's own loopback interface, whatever it is called here. */
static void the_system_is_asked(void **state)
{
    (void)state;
    struct interface_filter only = {.mode = FILTER_ONLY, .count = 1, .items = {"127.0.0.1"}};
    const uint8_t ip[4] = {127, 0, 0, 1};
    struct interface_list list;
    assert_int_equal(interfaces_list(&only, &list, NULL), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.missing, 0);
    assert_memory_equal(list.items[0].addr.ip, ip, sizeof ip);
    assert_true(list.items[0].index > 0);
    assert_int_equal(list.items[0].addr.ifindex, list.items[0].index);
    assert_true(strncmp(list.items[0].name, "lo", 2) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choice),
        cmocka_unit_test(where_it_leads_to),
        cmocka_unit_test(the_network_is_as_far_as_its_farthest_interface),
        cmocka_unit_test(more_than_fit_are_counted),
        cmocka_unit_test(the_system_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
