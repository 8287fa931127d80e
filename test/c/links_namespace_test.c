/* Links that come and go, and more of them than one socket can join: in a network namespace of this process's
 * own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "links.h"
#include "namespace.h"
#include "receive_one.h"
#include "sidecar.h"
#include "udp.h"
#include "wait.h"

#define LINKS 45 /* three sockets' worth of memberships */

static bool alone; /* in a namespace of its own; set by main alone */

/* Without a namespace nothing here may be tried: the links would be this machine's. */
static void need_namespace(void)
{
    if (!alone) {
        skip();
    }
}

static void ip(const char *arguments)
{
    char command[256];
    (void)snprintf(command, sizeof command, "ip %s", arguments);
    namespace_run(command);
}

static void add_link(unsigned n)
{
    char arguments[128];
    (void)snprintf(arguments, sizeof arguments, "link add v%u type veth peer name w%u", n, n);
    ip(arguments);
    (void)snprintf(arguments, sizeof arguments, "addr add 10.77.%u.1/24 dev v%u", n, n);
    ip(arguments);
    (void)snprintf(arguments, sizeof arguments, "link set w%u up", n);
    ip(arguments);
    (void)snprintf(arguments, sizeof arguments, "link set v%u up", n);
    ip(arguments);
}

/* All at once, v1 to v45: each command by itself takes longer than all that is tested with them. */
static void add_links(void)
{
    char command[256];
    (void)snprintf(command, sizeof command,
                   "for n in $(seq %d); do echo \"link add v$n type veth peer name w$n\n"
                   "addr add 10.77.$n.1/24 dev v$n\nlink set w$n up\nlink set v$n up group 77\"; done |"
                   " ip -batch -",
                   LINKS);
    namespace_run(command);
}

static void ip_up(const char *name)
{
    char command[64];
    (void)snprintf(command, sizeof command, "link set %s up", name);
    ip(command);
}

static void delete_links(void)
{
    ip("link del group 77");
}

static void ignore_line(void *context, uint8_t level, const char *text)
{
    (void)level;
    (void)snprintf(context, LOG_TEXT, "%s", text);
}

static bool hears(struct udp *u, uint8_t wanted)
{
    int64_t until = clock_now() + SIDECAR_PATIENCE;
    while (clock_now() < until) {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = udp_descriptors(u, fds);
        assert_true(wait_for(fds, count, until - clock_now()) >= 0);
        for (size_t i = 0; i < count; i++) {
            struct path from;
            uint8_t data[DATAGRAM_MAX];
            size_t len;
            if (receive_one(u, i, &from, data, &len) == 1 && len == 1 && data[0] == wanted) {
                return true;
            }
        }
    }
    return false;
}

/* One socket joins at most 20 groups (net.ipv4.igmp_max_memberships). */
static void more_links_than_one_socket_joins(void **state)
{
    (void)state;
    need_namespace();
    const uint8_t group[4] = {233, 252, 1, 33};
    const struct interface_filter all = {.mode = FILTER_ALL};
    struct udp_options options = {.group = addr_ipv4(group, sidecar_port(), 0)};
    struct interface_list list;
    struct fault fault;
    char last[LOG_TEXT] = "";
    struct log log = log_new(ignore_line, last);
    struct pollfd fds[UDP_SOCKETS_MAX];
    struct interface usable[INTERFACES_MAX];
    add_links();
    assert_int_equal(interfaces_list(&all, &list, NULL), 0);
    assert_int_equal(list.count, LINKS);
    struct udp *a = udp_open(&options, &log, &fault), *b = udp_open(&options, &log, &fault);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(udp_set_interfaces(a, &list), LINKS);
    assert_int_equal(udp_set_interfaces(b, &list), LINKS);
    assert_true(udp_descriptors(a, fds) > 2);
    assert_string_equal(last, "");
    for (size_t i = 0; i < list.count; i++) { /* each of them, by itself */
        struct path path = path_group();
        const uint8_t number = (uint8_t)i;
        path.addr.ifindex = list.items[i].index;
        assert_int_equal(udp_send(a, &path, &number, 1), 0);
        assert_true(hears(b, number));
    }
    /* Joined still, but nothing goes out there. */
    struct path down = path_group();
    down.addr.ifindex = list.items[1].index;
    assert_int_equal(udp_usable(a, usable), LINKS);
    char command[64];
    (void)snprintf(command, sizeof command, "link set %s down", list.items[1].name);
    ip(command);
    assert_int_equal(udp_send(a, &down, (const uint8_t *)"x", 1), -1);
    assert_int_equal(udp_usable(a, usable), LINKS - 1);
    for (size_t i = 0; i < LINKS - 1; i++) {
        assert_int_not_equal(usable[i].index, list.items[1].index);
    }
    /* To all at once: the others take it, and the trouble of the one is counted and told. */
    struct path everywhere = path_group();
    uint64_t errors = udp_stats(a).send_errors;
    last[0] = '\0';
    for (uint8_t n = 100; n < 103; n++) {
        assert_int_equal(udp_send(a, &everywhere, &n, 1), 0);
        for (size_t i = 0; i < LINKS - 1; i++) {
            assert_true(hears(b, n));
        }
    }
    assert_int_equal(udp_stats(a).send_errors, errors + 3);
    assert_string_equal(last, ""); /* told with the first, above */
    ip_up(list.items[1].name);
    const uint8_t again = 110;
    assert_int_equal(udp_send(a, &everywhere, &again, 1), 0);
    assert_non_null(strstr(last, "is sent on interface"));
    assert_non_null(strstr(last, list.items[1].name));
    for (size_t i = 0; i < LINKS; i++) {
        assert_true(hears(b, again));
    }
    udp_close(a);
    udp_close(b);
    delete_links();
}

static void share_port(int fd, int shares)
{
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &shares, sizeof shares), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares, sizeof shares), 0);
}

/* The second shared socket cannot be bound (somebody holds the port in a way that forbids it), and a second
 * later it can. What was left of the first try was used for the next join, unbound, and so deaf for ever. */
static void a_shared_socket_that_could_not_be_bound_is_not_joined_on(void **state)
{
    (void)state;
    need_namespace();
    const uint8_t group[4] = {233, 252, 1, 33};
    const struct interface_filter all = {.mode = FILTER_ALL};
    struct udp_options options = {.group = addr_ipv4(group, (uint16_t)(sidecar_port() + 1), 0)};
    struct interface_list list;
    struct fault fault;
    char last[LOG_TEXT] = "";
    struct log log = log_new(ignore_line, last);
    struct pollfd fds[UDP_SOCKETS_MAX];
    add_links();
    assert_int_equal(interfaces_list(&all, &list, NULL), 0);
    assert_int_equal(list.count, LINKS);
    struct udp *a = udp_open(&options, &log, &fault), *b = udp_open(&options, &log, &fault);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(udp_set_interfaces(b, &list), LINKS);
    assert_int_equal(udp_descriptors(a, fds), 2);
    share_port(fds[1].fd, 0);
    for (int i = 0; i < 3; i++) { /* as many as the one socket takes, and no more sockets each time */
        assert_true(udp_set_interfaces(a, &list) < LINKS);
        assert_int_equal(udp_descriptors(a, fds), 2);
    }
    share_port(fds[1].fd, 1);
    assert_int_equal(udp_set_interfaces(a, &list), LINKS);
    for (size_t i = 0; i < list.count; i++) {
        struct path path = path_group();
        const uint8_t number = (uint8_t)i;
        path.addr.ifindex = list.items[i].index;
        assert_int_equal(udp_send(b, &path, &number, 1), 0);
        assert_true(hears(a, number));
    }
    udp_close(a);
    udp_close(b);
    delete_links();
}

static void await_log(struct sidecar *s, const char *text)
{
    do {
        sidecar_await(s, "log");
    } while (!sidecar_mentions(s, text));
}

/* The owner is told what is in use now, once. */
static void await_interfaces(struct sidecar *s, const char *address)
{
    sidecar_await(s, "interfaces");
    assert_true(sidecar_mentions(s, address));
}

/* Deaf for ever after a link was down, or an address has changed, is what users of other mechanisms suffer
 * from. */
static void links_that_come_back_are_joined_again(void **state)
{
    (void)state;
    need_namespace();
    struct sidecar a = sidecar_start();
    add_link(1);
    sidecar_configure(&a, (struct port_config){.interface = "", .interval = 200});
    await_log(&a, "multicast on v1 10.77.1.1");
    sidecar_alive(&a, "a@host");
    ip("link set v1 down");
    await_log(&a, "only nodes on this machine");
    await_interfaces(&a, "127.0.0.1");
    ip("link set v1 up");
    await_log(&a, "multicast on v1 10.77.1.1");
    await_interfaces(&a, "10.77.1.1");
    ip("addr del 10.77.1.1/24 dev v1"); /* as a DHCP renewal may have it */
    ip("addr add 10.77.9.9/24 dev v1");
    await_log(&a, "multicast on v1 10.77.9.9");
    await_interfaces(&a, "10.77.9.9");
    ip("link del v1");
    await_log(&a, "only nodes on this machine");
    add_link(1); /* the same name, another index */
    await_log(&a, "multicast on v1 10.77.1.1");
    struct sidecar b = sidecar_started((struct port_config){.interface = "", .interval = 200});
    sidecar_alive(&b, "b@host");
    sidecar_await(&a, "up");
    assert_true(sidecar_mentions(&a, "b@host"));
    sidecar_finish(&a);
    sidecar_finish(&b);
    ip("link del v1");
}

/* It was shown under its old name for ever: an interface counted as the same by its index and address alone.
 * Linux renames one that is up since 6.2, which no datagram shows; older kernels want it down. */
static void a_link_that_is_renamed_is_shown_under_its_new_name(void **state)
{
    (void)state;
    need_namespace();
    add_link(3);
    struct sidecar a = sidecar_start();
    sidecar_configure(&a, (struct port_config){.interface = "", .interval = 200});
    await_log(&a, "multicast on v3 10.77.3.1");
    sidecar_await(&a, "snapshot_end");
    sidecar_alive(&a, "a@host");
    ip("link set v3 name wan3 2>/dev/null ||"
       " { ip link set v3 down && ip link set v3 name wan3 && ip link set wan3 up; }");
    await_log(&a, "multicast on wan3 10.77.3.1");
    await_interfaces(&a, "wan3");
    (void)sidecar_stat(&a, "sent");
    assert_true(sidecar_mentions(&a, "wan3"));
    struct sidecar b = sidecar_started((struct port_config){.interface = "", .interval = 200});
    sidecar_alive(&b, "b@host");
    sidecar_await(&a, "up");
    sidecar_finish(&a);
    sidecar_finish(&b);
    ip("link del wan3");
}

static void a_named_link_is_waited_for(void **state)
{
    (void)state;
    need_namespace();
    struct sidecar a = sidecar_start();
    sidecar_configure(&a, (struct port_config){.interface = "v2"});
    await_log(&a, "v2");
    await_log(&a, "no interface to multicast on");
    add_link(2);
    await_log(&a, "multicast on v2 10.77.2.1");
    sidecar_finish(&a);
    ip("link del v2");
}

/* Does the system say when its links change? */
static bool watched(void)
{
    int fd = link_watch_open();
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

/* The system tells of a change, and a look is due at once: no longer after the last one than keeps swarms of
 * them together, where otherwise it would be due in 5 s. */
static void a_change_makes_a_look_due_at_once(void **state)
{
    (void)state;
    need_namespace();
    if (!watched()) {
        (void)fprintf(stderr, "skipped: this system does not tell of changes\n");
        skip();
    }
    const uint8_t group[4] = {233, 252, 1, 33};
    const struct interface_filter filter = {.mode = FILTER_ONLY, .count = 1, .items = {"v6"}};
    struct udp_options options = {.group = addr_ipv4(group, sidecar_port(), 0)};
    char last[LOG_TEXT] = "";
    struct log log = log_new(ignore_line, last);
    struct fault fault;
    struct links links;
    int64_t now = LINKS_REPORT_GAP + SECOND_US;
    add_link(6);
    assert_int_equal(links_open(&links, &options, &filter, &log, &fault), 0);
    for (size_t count = 1; count <= 2; count++) {
        const char *changes[] = {"link set v6 down", "link set v6 up"};
        now += 2 * LINKS_TELL_GAP; /* each is told */
        (void)links_look(&links, now);
        assert_int_equal(links.network.count, count % 2);
        links_changed(&links, now); /* what has waited until now */
        (void)links_look(&links, now);
        ip(changes[count - 1]);
        while (links_deadline(&links) != now + LINKS_EVENT_GAP) { /* not all that is told asks for a look */
            struct pollfd watch = {.fd = links_watch(&links), .events = POLLIN};
            assert_int_equal(wait_for(&watch, 1, SIDECAR_PATIENCE), 1);
            links_changed(&links, now);
        }
    }
    now += 2 * LINKS_TELL_GAP;
    (void)links_look(&links, now);
    assert_int_equal(links.network.count, 1);
    links_close(&links);
    ip("link del v6");
}

/* Two who know no link yet that they may use. That who reaches more asks anew is seen in engine_test, and at
 * once, in gossip_join_test. */
static void a_link_that_comes_is_joined(void **state)
{
    (void)state;
    need_namespace();
    struct port_config c = {.interface = "x1", .interval = 60000};
    struct sidecar two[] = {sidecar_started(c), sidecar_started(c)};
    sidecar_alive(&two[0], "a@host");
    sidecar_alive(&two[1], "b@host");
    ip("link add x1 type veth peer name y1");
    ip("link set y1 up");
    ip("addr add 10.77.101.1/24 dev x1");
    ip("link set x1 up");
    for (size_t i = 0; i < COUNT(two); i++) {
        sidecar_await(&two[i], "reaches_more");
    }
    for (size_t i = 0; i < COUNT(two); i++) {
        sidecar_await(&two[i], "up");
    }
    for (size_t i = 0; i < COUNT(two); i++) {
        sidecar_finish(&two[i]);
    }
    ip("link del x1");
}

/* Whether the kernel takes the group's datagrams in on this link. */
static bool kernel_has_joined(const char *link)
{
    char line[256], name[64] = "";
    bool joined = false;
    FILE *in = fopen("/proc/self/net/igmp", "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        if (line[0] != '\t') {
            (void)sscanf(line, "%*d %63s", name);
        } else if (strcmp(name, link) == 0) {
            joined = joined || strstr(line, "2101FCE9") != NULL; /* 233.252.1.33 */
        }
    }
    (void)fclose(in);
    return joined;
}

static void add_numbered_link(void)
{
    ip("link add v5 index 905 type veth peer name w5");
    ip("link set w5 up");
    ip("addr add 10.77.5.1/24 dev v5");
    ip("link set v5 up");
}

/* The kernel's membership goes with a link, and the socket goes on to count it as joined: made again under
 * the same number, before anybody has looked, it was deaf for ever. */
static void a_link_that_is_made_again_under_its_number_is_joined_again(void **state)
{
    (void)state;
    need_namespace();
    if (!watched()) {
        (void)fprintf(stderr, "skipped: only a system that tells of what it deletes lets this be seen\n");
        skip();
    }
    struct port_config c = {.interface = "v*", .interval = 200};
    struct sidecar a = sidecar_start();
    add_numbered_link();
    sidecar_configure(&a, c);
    await_log(&a, "multicast on v5 10.77.5.1");
    sidecar_await(&a, "snapshot_end");
    sidecar_alive(&a, "a@host");
    for (int i = 0; i < 20; i++) {                 /* more than one socket can join */
        assert_int_equal(kill(a.pid, SIGSTOP), 0); /* or it would see that the link is not there */
        ip("link del v5");
        add_numbered_link();
        assert_int_equal(kill(a.pid, SIGCONT), 0);
    }
    /* A peer would be met all the same, which hears and answers it by unicast: so the kernel is asked. */
    for (int64_t until = clock_now() + SIDECAR_PATIENCE; !kernel_has_joined("v5"); sidecar_breathe()) {
        assert_true(clock_now() < until);
    }
    sidecar_finish(&a);
    ip("link del v5");
}

/* A link that is made again under its number, which nobody has seen, is one whose membership only the kernel
 * has lost: as a switch that snoops has, when its querier has gone mute. */
static void what_is_joined_is_reported_again(void **state)
{
    (void)state;
    need_namespace();
    const uint8_t group[4] = {233, 252, 1, 33};
    const struct interface_filter filter = {.mode = FILTER_ONLY, .count = 1, .items = {"v5"}};
    struct udp_options options = {.group = addr_ipv4(group, sidecar_port(), 0)};
    char last[LOG_TEXT] = "";
    struct log log = log_new(ignore_line, last);
    struct fault fault;
    struct links links;
    int64_t now = LINKS_REPORT_GAP;
    /* One report may be lost on its way to a switch that forgets after 260 s (RFC 3376, section 8.4). */
    assert_in_range(2 * (LINKS_REPORT_GAP + LINKS_REPORT_OUT), 60 * SECOND_US, 260 * SECOND_US);
    add_numbered_link();
    assert_int_equal(links_open(&links, &options, &filter, &log, &fault), 0);
    (void)links_look(&links, now);
    assert_true(kernel_has_joined("v5"));
    for (int i = 0; i < 20; i++) { /* each leaves, or a socket would have its fill of memberships */
        ip("link del v5");
        add_numbered_link();
        (void)links_look(&links, now + LINKS_REPORT_GAP - 1);
        assert_false(kernel_has_joined("v5"));
        now += LINKS_REPORT_GAP;
        (void)links_look(&links, now);
        assert_false(kernel_has_joined("v5"));
        assert_int_equal(links.network.count, 1); /* it is in use all the while */
        assert_true(links_deadline(&links) == now + LINKS_REPORT_OUT);
        (void)links_look(&links, now + LINKS_REPORT_OUT);
        assert_true(kernel_has_joined("v5"));
        assert_int_equal(links.network.count, 1);
        assert_true(links_deadline(&links) <= now + LINKS_REPORT_OUT + LINKS_CALM_GAP);
    }
    assert_false(udp_troubled(links.udp));
    links_close(&links);
    assert_false(kernel_has_joined("v5"));
    ip("link del v5");
}

/* What a switch that snoops knows of who is in the groups: `both` families, or neither. */
static void await_members(bool both)
{
    char command[256];
    (void)snprintf(
        command, sizeof command,
        "for i in $(seq 500); do [ $(bridge mdb show dev sw7 | grep w7 |"
        " grep -ce 'grp 233.252.1.33 ' -e 'grp ff12::6763 ') = %d ] && exit 0; sleep 0.02; done; exit 1",
        both ? 2 : 0);
    namespace_run(command);
}

/* The querier has gone mute, and the switch forgets. The kernel reports only when the first socket of a host
 * joins a group: two members of one host, each of which left and joined by itself, reported nothing, and both
 * were deaf.
 */
static void two_members_of_one_host_are_reported_again(void **state)
{
    (void)state;
    need_namespace();
    const uint8_t group[4] = {233, 252, 1, 33}, group6[16] = {0xff, 0x12, [14] = 0x67, [15] = 0x63};
    const struct interface_filter filter = {.mode = FILTER_ONLY, .count = 1, .ipv6 = true, .items = {"v7"}};
    struct udp_options options = {.group = addr_ipv4(group, sidecar_port(), 0),
                                  .group6 = addr_ipv6(group6, 0, 0)};
    char last[LOG_TEXT] = "";
    struct log log = log_new(ignore_line, last);
    struct fault fault;
    struct links two[2];
    /* It believes that somebody asks (itself, in an hour), as a switch may whose querier is gone. It asks
     * once as it comes up, in IGMPv2, at which the kernel forgets what it was about to report in IGMPv3 (RFC
     * 3376, section 7.2.1) and answers after a random time: at most 0.2 s, so that both families are known at
     * the same time. */
    ip("link add sw7 type bridge mcast_snooping 1 mcast_querier 1 mcast_query_interval 360000"
       " mcast_membership_interval 100 mcast_startup_query_count 0 mcast_query_response_interval 20");
    namespace_run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
    add_link(7);
    ip("link set w7 master sw7");
    ip("link set sw7 up");
    namespace_run(
        "for i in $(seq 1000); do ip -6 addr show dev v7 scope link -tentative | grep -q fe80 && exit 0;"
        " sleep 0.02; done; exit 1");
    int64_t now = LINKS_REPORT_GAP + SECOND_US;
    for (size_t i = 0; i < COUNT(two); i++) {
        assert_int_equal(links_open(&two[i], &options, &filter, &log, &fault), 0);
        (void)links_look(&two[i], now);
        assert_int_equal(two[i].network.count, 2);
    }
    for (int round = 0; round < 2; round++) {
        await_members(true);
        await_members(false); /* it has forgotten them */
        now = (now / LINKS_REPORT_GAP + 1) * LINKS_REPORT_GAP;
        for (int64_t at = 0; at <= LINKS_REPORT_OUT; at += LINKS_REPORT_OUT) {
            for (size_t i = 0; i < COUNT(two); i++) { /* the second was woken a moment later */
                (void)links_look(&two[i], now + at + (int64_t)i * MS_US);
            }
        }
    }
    await_members(true);
    for (size_t i = 0; i < COUNT(two); i++) {
        links_close(&two[i]);
    }
    ip("link del v7");
    ip("link del sw7");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(more_links_than_one_socket_joins, sidecar_kill_all),
        cmocka_unit_test(a_shared_socket_that_could_not_be_bound_is_not_joined_on),
        cmocka_unit_test_teardown(links_that_come_back_are_joined_again, sidecar_kill_all),
        cmocka_unit_test_teardown(a_link_that_is_renamed_is_shown_under_its_new_name, sidecar_kill_all),
        cmocka_unit_test_teardown(a_named_link_is_waited_for, sidecar_kill_all),
        cmocka_unit_test(a_change_makes_a_look_due_at_once),
        cmocka_unit_test_teardown(a_link_that_comes_is_joined, sidecar_kill_all),
        cmocka_unit_test_teardown(a_link_that_is_made_again_under_its_number_is_joined_again,
                                  sidecar_kill_all),
        cmocka_unit_test(what_is_joined_is_reported_again),
        cmocka_unit_test(two_members_of_one_host_are_reported_again),
    };
    if (sidecar_find(argc, argv) != 0) {
        return 1;
    }
    alone = namespace_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
