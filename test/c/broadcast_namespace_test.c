/* What goes to the group is broadcast, too: on links in a network namespace of this process's own. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "lines.h"
#include "namespace.h"
#include "receive_one.h"
#include "test.h"
#include "udp.h"
#include "wait.h"

#define PATIENCE INT64_C(20000000) /* microseconds until a datagram is taken for lost */
#define PORT     45893

static bool alone; /* in a namespace of its own; set by main alone */

struct fixture {
    struct log log;
    struct lines lines;
    struct udp_options options;
    struct interface_list list; /* v1 broadcasts, v2 is taken for one that cannot */
};

static int add_links(void **state)
{
    (void)state;
    for (int n = 1; alone && n <= 2; n++) {
        char command[256];
        (void)snprintf(command, sizeof command,
                       "ip link add v%d type veth peer name w%d && ip addr add 10.77.%d.1/24 dev v%d && "
                       "ip link set w%d up && ip link set v%d up",
                       n, n, n, n, n, n);
        namespace_run(command);
    }
    return 0;
}

static int delete_links(void **state)
{
    (void)state;
    return alone ? system("ip link del v1 && ip link del v2") : 0;
}

static void prepare(struct fixture *f)
{
    if (!alone) {
        skip(); /* the links would be this machine's */
    }
    const uint8_t group[4] = {233, 252, 1, 33};
    const struct interface_filter filter = {.mode = FILTER_ONLY, .count = 2, .items = {"v1", "v2"}};
    memset(f, 0, sizeof *f);
    f->log = lines_log(&f->lines);
    f->options = (struct udp_options){.group = addr_ipv4(group, PORT, 0), .ttl = 1, .broadcast = true};
    assert_int_equal(interfaces_list(&filter, &f->list, NULL), 0);
    assert_int_equal(f->list.count, 2);
    assert_string_equal(f->list.items[1].name, "v2");
    assert_true(f->list.items[0].broadcast);
    f->list.items[1].broadcast = false;
}

#if defined(__linux__) && !defined(GOSSIP_PORTABLE)

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

static int send_on(struct udp *u, const struct fixture *f, size_t link, uint8_t byte)
{
    struct path path = path_group();
    path.addr.ifindex = f->list.items[link].index;
    return udp_send(u, &path, &byte, 1);
}

/* Which bytes came how, until `last` has come by multicast. */
struct heard {
    unsigned multicast[256], broadcast[256];
};

static void hear_until(struct udp *u, const struct udp *from, uint8_t last, struct heard *h)
{
    static const uint8_t everybody[4] = {255, 255, 255, 255};
    int64_t until = clock_now() + PATIENCE;
    memset(h, 0, sizeof *h);
    while (h->multicast[last] == 0) {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = udp_descriptors(u, fds);
        int64_t left = until - clock_now();
        assert_true(left > 0);
        assert_true(wait_for(fds, count, left) >= 0);
        for (size_t i = 0; i < count; i++) {
            struct path path;
            uint8_t data[DATAGRAM_MAX];
            size_t len;
            while (receive_one(u, i, &path, data, &len) == 1) {
                assert_int_equal(len, 1);
                assert_int_equal(path.kind, PATH_GROUP);
                assert_int_equal(path.addr.port, udp_port(from));
                assert_int_equal(path.local.port, PORT);
                bool all = memcmp(path.local.ip, everybody, sizeof everybody) == 0;
                (all ? h->broadcast : h->multicast)[data[0]]++;
            }
        }
    }
}

static void it_goes_beside_multicast_where_an_interface_can(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    f.options.broadcast = false;
    struct udp *without = open_one(&f);
    assert_int_equal(send_on(a, &f, 0, 1), 0);
    assert_int_equal(send_on(a, &f, 1, 2), 0);
    assert_int_equal(send_on(a, &f, 0, 3), 0);
    struct path everywhere = path_group();
    assert_int_equal(udp_send(a, &everywhere, (const uint8_t[]){4}, 1), 0);
    assert_int_equal(send_on(a, &f, 1, 5), 0);
    struct udp *listeners[] = {b, a, without};
    for (size_t i = 0; i < 3; i++) {
        unsigned broadcast = listeners[i] != without;
        hear_until(listeners[i], a, 5, &h);
        for (uint8_t byte = 1; byte <= 5; byte++) {
            bool on_first = byte == 1 || byte == 3 || byte == 4;
            assert_int_equal(h.multicast[byte], byte == 4 ? 2 : 1);
            assert_int_equal(h.broadcast[byte], on_first ? broadcast : 0);
        }
    }
    /* Who is without it sends none, either. */
    assert_int_equal(send_on(without, &f, 0, 6), 0);
    assert_int_equal(send_on(without, &f, 1, 7), 0);
    hear_until(b, without, 7, &h);
    assert_int_equal(h.multicast[6], 1);
    assert_int_equal(h.broadcast[6], 0);
    assert_int_equal(f.lines.count, 0);
    udp_close(a);
    udp_close(b);
    udp_close(without);
}

/* What is to be heard once goes one way on each link: the last bit says which, where there are two. */
static void what_is_to_go_once_goes_one_way(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    for (uint8_t byte = 10; byte < 20; byte++) {
        for (size_t link = 0; link < 2; link++) {
            struct path path = path_group();
            path.once = true;
            path.addr.ifindex = f.list.items[link].index;
            assert_int_equal(udp_send(a, &path, (const uint8_t[]){byte}, 1), 0);
        }
    }
    assert_int_equal(send_on(a, &f, 1, 20), 0);
    hear_until(b, a, 20, &h);
    for (uint8_t byte = 10; byte < 20; byte++) {
        assert_int_equal(h.broadcast[byte], byte % 2);
        assert_int_equal(h.multicast[byte], 2 - byte % 2); /* on the second link there is no other way */
    }
    udp_close(a);
    udp_close(b);
}

/* Bound to 255.255.255.255, a socket hears every interface of the host. */
static void what_comes_by_an_interface_that_is_not_joined_is_dropped(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    struct interface_list second = {.count = 1};
    second.items[0] = f.list.items[1];
    assert_int_equal(udp_set_interfaces(b, &second), 1);
    assert_int_equal(send_on(a, &f, 0, 1), 0);
    assert_int_equal(send_on(a, &f, 1, 2), 0);
    hear_until(b, a, 2, &h);
    assert_int_equal(h.broadcast[1] + h.multicast[1], 0);
    assert_int_equal(udp_set_interfaces(b, &f.list), 2);
    assert_int_equal(send_on(a, &f, 0, 3), 0);
    assert_int_equal(send_on(a, &f, 1, 4), 0);
    hear_until(b, a, 4, &h);
    assert_int_equal(h.broadcast[3], 1);
    udp_close(a);
    udp_close(b);
}

static void a_ttl_of_0_keeps_it_to_this_host(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *b = open_one(&f);
    f.options.ttl = 0;
    struct udp *a = open_one(&f);
    assert_int_equal(send_on(a, &f, 0, 1), 0);
    assert_int_equal(send_on(a, &f, 1, 2), 0);
    hear_until(b, a, 2, &h);
    assert_int_equal(h.multicast[1], 1);
    assert_int_equal(h.broadcast[1], 0);
    udp_close(a);
    udp_close(b);
}

/* Else who writes a subnet's broadcast address into a datagram as its source made a member flood the subnet.
 */
static void the_private_socket_may_not_broadcast_otherwise(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f);
    static const uint8_t all[2][4] = {{10, 77, 1, 255}, {255, 255, 255, 255}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(send_on(a, &f, 0, 1), 0);
        struct addr to = addr_ipv4(all[i], PORT, f.list.items[0].index);
        struct path path = path_unicast(&to);
        assert_int_equal(udp_send(a, &path, (const uint8_t[]){2}, 1), -1);
    }
    assert_int_equal(send_on(a, &f, 0, 3), 0);
    hear_until(a, a, 3, &h);
    assert_int_equal(h.multicast[1], 2);
    assert_int_equal(h.broadcast[1], 2);
    assert_int_equal(h.broadcast[2] + h.multicast[2], 0);
    udp_close(a);
}

/* Only the group's port is the group's: else what was said to one could be made to seem said to all. */
static void a_broadcast_to_a_private_port_is_not_the_groups(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    struct udp *a = open_one(&f);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(udp_port(a)), .sin_addr.s_addr = htonl(INADDR_BROADCAST)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "v1", sizeof "v1"), 0);
    assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof to), 1);
    struct pollfd own[UDP_SOCKETS_MAX];
    (void)udp_descriptors(a, own);
    assert_int_equal(wait_for(own, 1, PATIENCE), 1); /* the private one */
    struct path path;
    uint8_t data[DATAGRAM_MAX];
    size_t len;
    assert_int_equal(receive_one(a, 0, &path, data, &len), 1);
    assert_int_equal(path.kind, PATH_UNICAST);
    assert_int_equal(path.local.port, udp_port(a));
    (void)close(fd);
    udp_close(a);
}

/* A firewall of this host that lets nothing out to this address. */
static void forbid(const char *ip)
{
    char command[256];
    (void)snprintf(command, sizeof command,
                   "nft flush ruleset && nft add table ip t && "
                   "nft add chain ip t o '{ type filter hook output priority 0; }' && "
                   "nft add rule ip t o ip daddr %s drop",
                   ip);
    namespace_run(command);
}

/* What keeps only broadcast from going out is told once, counted, and the interface is in use all the same;
 * what keeps both, in one line. */
static void trouble_with_broadcast_is_told_once(void **state)
{
    (void)state;
    struct fixture f;
    struct interface usable[INTERFACES_MAX];
    prepare(&f);
    struct udp *a = open_one(&f);
    forbid("255.255.255.255");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send_on(a, &f, 0, 1), 0);
    }
    assert_int_equal(f.lines.count, 1);
    assert_string_equal(f.lines.last, "broadcast cannot be sent on interface v1: Operation not permitted");
    assert_int_equal(udp_stats(a).send_errors, 5);
    assert_int_equal(udp_usable(a, usable), 2);
    assert_false(udp_troubled(a));

    /* The other way round: it is multicast that a firewall drops. */
    forbid("233.252.1.33");
    assert_int_equal(send_on(a, &f, 0, 1), 0);
    assert_int_equal(f.lines.count, 2);
    assert_string_equal(f.lines.last, "broadcast is sent on interface v1 again");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send_on(a, &f, 0, 1), 0);
        assert_int_equal(send_on(a, &f, 1, 1), -1);
    }
    assert_int_equal(f.lines.count, 4); /* that broadcast can be sent again, and a line each */
    assert_non_null(strstr(f.lines.last, "multicast cannot be sent on interface v2"));
    assert_int_equal(udp_usable(a, usable), 1);
    assert_string_equal(usable[0].name, "v1");
    namespace_run("nft flush ruleset");
    assert_int_equal(send_on(a, &f, 0, 1), 0);
    assert_int_equal(send_on(a, &f, 1, 1), 0);
    assert_int_equal(f.lines.count, 6);
    assert_int_equal(udp_usable(a, usable), 2);

    namespace_run("ip link set v1 down");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send_on(a, &f, 0, 1), -1);
    }
    assert_int_equal(f.lines.count, 7);
    assert_non_null(strstr(f.lines.last, "multicast cannot be sent on interface v1"));
    assert_int_equal(udp_usable(a, usable), 1);
    assert_string_equal(usable[0].name, "v2");
    udp_close(a);
}

static void the_loopback_has_none(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    const struct interface_filter loopback = {.mode = FILTER_ONLY, .count = 1, .items = {"lo"}};
    assert_int_equal(interfaces_list(&loopback, &f.list, NULL), 0);
    assert_int_equal(f.list.count, 1);
    assert_false(f.list.items[0].broadcast);
    struct udp *a = open_one(&f);
    struct heard h;
    assert_int_equal(send_on(a, &f, 0, 1), 0);
    assert_int_equal(send_on(a, &f, 0, 2), 0);
    hear_until(a, a, 2, &h);
    assert_int_equal(h.multicast[1], 1);
    assert_int_equal(h.broadcast[1], 0);
    udp_close(a);
}

static void a_port_that_is_not_shared_is_a_clear_fault(void **state)
{
    (void)state;
    struct fixture f;
    struct fault fault = {0};
    prepare(&f);
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_BROADCAST)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
    assert_null(udp_open(&f.options, &f.log, &fault));
    assert_int_equal(fault.kind, FAULT_PORT_TAKEN);
    (void)close(fd);
    udp_close(open_one(&f));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, add_links, delete_links)

static const struct CMUnitTest tests[] = {
    TEST(it_goes_beside_multicast_where_an_interface_can),
    TEST(what_is_to_go_once_goes_one_way),
    TEST(what_comes_by_an_interface_that_is_not_joined_is_dropped),
    TEST(a_ttl_of_0_keeps_it_to_this_host),
    TEST(the_private_socket_may_not_broadcast_otherwise),
    TEST(a_broadcast_to_a_private_port_is_not_the_groups),
    TEST(trouble_with_broadcast_is_told_once),
    TEST(the_loopback_has_none),
    TEST(a_port_that_is_not_shared_is_a_clear_fault),
};

#else

static void it_needs_linux_and_says_so(void **state)
{
    (void)state;
    struct fixture f;
    struct fault fault = {0};
    prepare(&f);
    assert_null(udp_open(&f.options, &f.log, &fault));
    assert_int_equal(fault.kind, FAULT_BAD_CONFIG);
    assert_non_null(strstr(fault.text, "broadcast is true"));
    assert_non_null(strstr(fault.text, "Linux"));
    f.options.broadcast = false;
    struct udp *u = udp_open(&f.options, &f.log, &fault);
    assert_non_null(u);
    udp_close(u);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(it_needs_linux_and_says_so, add_links, delete_links),
};

#endif

int main(void)
{
    alone = namespace_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
