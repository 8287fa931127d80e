/* IPv6 beside IPv4: on links in a network namespace of this process's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lines.h"
#include "namespace.h"
#include "receive_one.h"
#include "test.h"
#include "udp.h"
#include "wait.h"

#define PATIENCE INT64_C(20000000) /* microseconds until a datagram is taken for lost */
#define PORT     45893

/* The kernel gives the address a moment after the carrier. */
#define READY                                                                                                \
    "for i in $(seq 1000); do ip -6 addr show dev v1 scope link -tentative | grep -q fe80 && exit 0; "       \
    "sleep 0.02; done; exit 1"

static bool alone; /* in a namespace of its own; set by main alone */

static const uint8_t GROUP[4] = {233, 252, 1, 33};
static const uint8_t GROUP6[16] = {0xff, 0x12, [14] = 0x67, [15] = 0x63};

struct fixture {
    struct log log;
    struct lines lines;
    struct udp_options options;
    struct interface_filter filter;
    struct interface_list list;
};

/* v1, whose address of IPv6 is there at once. */
static int add_link(void **state)
{
    (void)state;
    if (alone) {
        namespace_run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad && "
                      "ip link add v1 index 100 type veth peer name w1 && ip addr add 10.77.1.1/24 dev v1 && "
                      "ip link set w1 up && ip link set v1 up && " READY);
    }
    return 0;
}

static int delete_link(void **state)
{
    (void)state;
    return alone ? system("ip link del v1") : 0;
}

static void look(struct fixture *f)
{
    assert_int_equal(interfaces_list(&f->filter, &f->list, NULL), 0);
}

static void prepare(struct fixture *f)
{
    if (!alone) {
        skip(); /* the links would be this machine's */
    }
    memset(f, 0, sizeof *f);
    f->log = lines_log(&f->lines);
    f->options = (struct udp_options){.group = addr_ipv4(GROUP, PORT, 0),
                                      .group6 = addr_ipv6(GROUP6, 0, 0),
                                      .ttl = 1,
                                      .unicast_first = PORT + 1,
                                      .unicast_last = PORT + 8};
    f->filter = (struct interface_filter){.mode = FILTER_ONLY, .count = 1, .ipv6 = true, .items = {"v1"}};
    look(f);
}

static struct udp *open_one(struct fixture *f)
{
    struct fault fault = {0};
    struct udp *u = udp_open(&f->options, &f->log, &fault);
    if (u == NULL) {
        fail_msg("%s", fault.text);
    }
    assert_int_equal(udp_set_interfaces(u, &f->list), f->list.count);
    return u;
}

struct heard {
    struct path from;
    uint8_t byte;
};

/* Takes the next datagram within `patience`: whether there was one. */
static bool hear(struct udp *u, struct heard *h, int64_t patience)
{
    int64_t until = clock_now() + patience;
    memset(h, 0, sizeof *h);
    do {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = udp_descriptors(u, fds);
        int64_t left = until - clock_now();
        assert_true(wait_for(fds, count, left > 0 ? left : 0) >= 0);
        for (size_t i = 0; i < count; i++) {
            uint8_t data[DATAGRAM_MAX];
            size_t len;
            if (receive_one(u, i, &h->from, data, &len) == 1) {
                assert_int_equal(len, 1);
                h->byte = data[0];
                return true;
            }
        }
    } while (clock_now() < until);
    return false;
}

static void expect(struct udp *u, struct heard *h, uint8_t kind, uint8_t family, uint8_t byte)
{
    assert_true(hear(u, h, PATIENCE));
    assert_int_equal(h->byte, byte);
    assert_int_equal(h->from.kind, kind);
    assert_int_equal(h->from.addr.family, family);
    assert_int_equal(h->from.local.family, family);
}

static int say(struct udp *u, uint8_t family, uint8_t byte)
{
    struct path group = path_group();
    group.addr.family = family;
    return udp_send(u, &group, &byte, 1);
}

static int say_to(struct udp *u, struct addr to, uint8_t byte)
{
    struct path path = path_unicast(&to);
    return udp_send(u, &path, &byte, 1);
}

static void both_families_of_a_link_are_used_and_ipv4_comes_first(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h, back;
    struct addr own[4];
    prepare(&f);
    assert_int_equal(f.list.count, 2);
    assert_int_equal(f.list.items[0].addr.family, ADDR_IPV4);
    assert_int_equal(f.list.items[1].addr.family, ADDR_IPV6);
    assert_string_equal(f.list.items[1].name, "v1");
    assert_true(addr_is_link_local(&f.list.items[1].addr));
    struct udp *a = open_one(&f), *b = open_one(&f);
    assert_int_equal(udp_port(a), PORT + 1);
    assert_int_equal(udp_port(b), PORT + 2);
    assert_int_equal(udp_addresses(a, own, 4), 2);
    assert_int_equal(own[0].family, ADDR_IPV4);
    assert_int_equal(own[1].family, ADDR_IPV6);
    assert_int_equal(own[1].port, PORT + 1); /* the same for both families */

    assert_int_equal(say(a, ADDR_NONE, 1), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV4, 1);
    expect(b, &h, PATH_GROUP, ADDR_IPV6, 1);
    assert_true(addr_same_host(&h.from.addr, &f.list.items[1].addr));
    assert_int_equal(h.from.addr.port, PORT + 1);
    assert_int_equal(h.from.addr.ifindex, f.list.items[1].index);
    assert_memory_equal(h.from.local.ip, GROUP6, 16);
    assert_int_equal(h.from.local.port, PORT);
    assert_int_equal(h.from.source, SOURCE_NEAR);

    /* The answer goes to the private socket of the one who asked, and says where it was sent to. */
    assert_int_equal(say_to(b, h.from.addr, 2), 0);
    expect(a, &back, PATH_GROUP, ADDR_IPV4, 1); /* its own */
    expect(a, &back, PATH_UNICAST, ADDR_IPV6, 2);
    assert_true(addr_same(&back.from.local, &h.from.addr));
    assert_int_equal(back.from.addr.port, PORT + 2);
    expect(a, &back, PATH_GROUP, ADDR_IPV6, 1);

    /* One family alone. */
    assert_int_equal(say(a, ADDR_IPV6, 3), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV6, 3);
    assert_int_equal(say(a, ADDR_IPV4, 4), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV4, 4);
    assert_false(hear(b, &h, 0));
    udp_close(a);
    udp_close(b);
    assert_int_equal(f.lines.count, 0);
}

static void a_link_without_ipv4_is_enough(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    struct interface usable[INTERFACES_MAX];
    prepare(&f);
    namespace_run("ip addr del 10.77.1.1/24 dev v1");
    look(&f);
    assert_int_equal(f.list.count, 1);
    assert_false(f.list.fallback);
    struct udp *a = open_one(&f), *b = open_one(&f);
    assert_int_equal(say(a, ADDR_NONE, 1), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV6, 1);
    assert_int_equal(udp_usable(a, usable), 1);
    udp_close(a);
    udp_close(b);
    assert_int_equal(f.lines.count, 0);
}

/* The system would give it to one of all that share the port. */
static void unicast_to_the_shared_port_reaches_nobody(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    struct addr to = f.list.items[1].addr;
    to.port = PORT;
    (void)say_to(a, to, 1); /* "connection refused" may come back at once */
    assert_int_equal(say(a, ADDR_IPV6, 2), 0);
    expect(a, &h, PATH_GROUP, ADDR_IPV6, 2);
    expect(b, &h, PATH_GROUP, ADDR_IPV6, 2);
    udp_close(a);
    udp_close(b);
}

/* Of two clusters with neighbouring ports, one's private port is that of the other's group: either hears its
 * group, and what is sent to it alone. */
static void a_private_port_may_be_that_of_another_group(void **state)
{
    (void)state;
    struct fixture f, g;
    struct heard h;
    prepare(&f);
    prepare(&g);
    g.options.group.port++;
    g.options.unicast_first++;
    g.options.unicast_last++;
    struct udp *low = open_one(&f), *high = open_one(&g);
    assert_int_equal(udp_port(low), PORT + 1);
    struct addr to = f.list.items[1].addr;
    to.port = udp_port(low);
    assert_int_equal(say_to(high, to, 1), 0);
    expect(low, &h, PATH_UNICAST, ADDR_IPV6, 1);
    assert_int_equal(say(high, ADDR_IPV6, 2), 0);
    expect(high, &h, PATH_GROUP, ADDR_IPV6, 2);
    assert_int_equal(say(low, ADDR_IPV6, 3), 0);
    expect(low, &h, PATH_GROUP, ADDR_IPV6, 3);
    assert_false(hear(low, &h, 0));
    assert_false(hear(high, &h, 0));
    udp_close(low);
    udp_close(high);
    assert_int_equal(f.lines.count + g.lines.count, 0);
}

/* Until nobody else on the link has answered for it, nothing can be sent from it, and it is not in use. */
static void a_tentative_address_waits(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    namespace_run("ip link del v1 && echo 1 > /proc/sys/net/ipv6/conf/default/accept_dad && "
                  "ip link add v1 type veth peer name w1 && ip addr add 10.77.1.1/24 dev v1 && "
                  "ip link set w1 up && ip link set v1 up");
    look(&f);
    assert_int_equal(f.list.count, 1);
    assert_int_equal(f.list.items[0].addr.family, ADDR_IPV4);
    struct udp *a = open_one(&f), *b = open_one(&f);
    assert_int_equal(say(a, ADDR_NONE, 1), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV4, 1); /* found over IPv4 meanwhile */
    assert_true(udp_reaches_more(a));
    for (int64_t until = clock_now() + PATIENCE; f.list.count < 2; look(&f)) {
        assert_true(clock_now() < until);
        assert_true(wait_for(NULL, 0, INT64_C(50000)) >= 0);
    }
    assert_int_equal(udp_set_interfaces(a, &f.list), 2);
    assert_int_equal(udp_set_interfaces(b, &f.list), 2);
    assert_true(udp_reaches_more(a));
    assert_int_equal(say(a, ADDR_IPV6, 2), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV6, 2);
    udp_close(a);
    udp_close(b);
    assert_int_equal(f.lines.count, 0);
}

#if defined(__linux__) && !defined(GOSSIP_PORTABLE)
#define TELLS_HARDWARE true
#else
#define TELLS_HARDWARE false
#endif

/* Who has sent to the one before goes on with it, until something is heard from the new one. */
static void another_hardware_address_is_one_more_link(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    struct udp *a = open_one(&f);
    assert_true(udp_reaches_more(a));
    look(&f);
    assert_int_equal(udp_set_interfaces(a, &f.list), f.list.count);
    assert_false(udp_reaches_more(a));
    namespace_run("ip link set v1 address 02:00:00:00:77:01");
    look(&f);
    assert_int_equal(f.list.items[0].hardware, TELLS_HARDWARE ? UINT64_C(0x020000007701) : 0);
    assert_int_equal(udp_set_interfaces(a, &f.list), f.list.count);
    assert_int_equal(udp_reaches_more(a), TELLS_HARDWARE);
    look(&f);
    assert_int_equal(udp_set_interfaces(a, &f.list), f.list.count);
    assert_false(udp_reaches_more(a));
    udp_close(a);
    assert_int_equal(f.lines.count, 0);
}

/* The kernel's membership goes with a link, and comes back with none that is made under its number. */
static void a_link_made_again_under_its_number_is_heard(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    for (uint8_t seen = 0; seen <= 1; seen++) {
        namespace_run("ip link del v1");
        assert_int_equal(add_link(NULL), 0);
        look(&f);
        assert_int_equal(f.list.count, 2);
        assert_int_equal(f.list.items[1].index, 100);
        struct udp *both[] = {a, b};
        for (size_t i = 0; i < 2; i++) {
            if (seen != 0) {
                udp_forget(both[i], 100);
            } else {
                udp_step_out(both[i]); /* nobody has told; it is mended all the same */
                udp_step_in(both[i]);
            }
            assert_int_equal(udp_set_interfaces(both[i], &f.list), 2);
        }
        assert_int_equal(say(a, ADDR_IPV6, seen), 0);
        expect(b, &h, PATH_GROUP, ADDR_IPV6, seen);
    }
    udp_close(a);
    udp_close(b);
    assert_int_equal(f.lines.count, 0);
}

/* Sockets are left as they were found, however often a link comes and goes. */
static void a_link_that_goes_takes_its_socket_along(void **state)
{
    (void)state;
    struct fixture f;
    struct pollfd fds[UDP_SOCKETS_MAX];
    struct interface_list none = {0};
    prepare(&f);
    struct udp *a = open_one(&f);
    size_t before = udp_descriptors(a, fds);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(udp_set_interfaces(a, &none), 0);
        assert_int_equal(udp_descriptors(a, fds), before - 1);
        assert_int_equal(udp_set_interfaces(a, &f.list), 2);
        assert_int_equal(udp_descriptors(a, fds), before);
    }
    udp_close(a);
    assert_int_equal(f.lines.count, 0);
}

static void a_host_whose_ipv6_is_off_has_no_trouble(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    namespace_run("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    look(&f);
    assert_int_equal(f.list.count, 1);
    struct udp *a = open_one(&f), *b = open_one(&f);
    assert_int_equal(say(a, ADDR_NONE, 1), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV4, 1);
    assert_int_equal(say(a, ADDR_NONE, 2), 0);
    expect(b, &h, PATH_GROUP, ADDR_IPV4, 2);
    assert_int_equal(udp_stats(a).send_errors, 0);
    udp_close(a);
    udp_close(b);
    assert_int_equal(f.lines.count, 0);
    namespace_run("echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
}

int main(void)
{
    alone = namespace_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_families_of_a_link_are_used_and_ipv4_comes_first, add_link,
                                        delete_link),
        cmocka_unit_test_setup_teardown(a_link_without_ipv4_is_enough, add_link, delete_link),
        cmocka_unit_test_setup_teardown(unicast_to_the_shared_port_reaches_nobody, add_link, delete_link),
        cmocka_unit_test_setup_teardown(a_private_port_may_be_that_of_another_group, add_link, delete_link),
        cmocka_unit_test_setup_teardown(a_tentative_address_waits, add_link, delete_link),
        cmocka_unit_test_setup_teardown(another_hardware_address_is_one_more_link, add_link, delete_link),
        cmocka_unit_test_setup_teardown(a_link_made_again_under_its_number_is_heard, add_link, delete_link),
        cmocka_unit_test_setup_teardown(a_link_that_goes_takes_its_socket_along, add_link, delete_link),
        cmocka_unit_test_setup_teardown(a_host_whose_ipv6_is_off_has_no_trouble, add_link, delete_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
