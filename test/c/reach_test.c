/* Hosts by their names, and who is at an endpoint, as far as this host alone can show it. */
#include "reach.h"
#include "resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "units.h"

#define PATIENCE (30 * SECOND_US)

static void an_address_stands_for_itself(void **state)
{
    (void)state;
    char why[RESOLVE_TEXT];
    struct addr a;
    assert_int_equal(resolve("198.51.100.2", true, 0, &a, why), 0);
    assert_int_equal(a.family, ADDR_IPV4);
    assert_memory_equal(a.ip, ((const uint8_t[]){198, 51, 100, 2}), 4);
    assert_int_equal(a.port, 0);
    assert_int_equal(resolve("2001:db8::1", true, 0, &a, why), 0);
    assert_int_equal(a.family, ADDR_IPV6);
    assert_int_equal(a.ip[15], 1);
    assert_int_equal(resolve("fe80::1%lo", true, 0, &a, why), 0);
    assert_true(a.ifindex != 0 && addr_is_scoped(&a));
}

static void what_is_no_address_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {"10.1", "1", "1.2.3.256", "1.2.3.4.5",
                                        "",     ".", "::1::",     "fe80::1%nowhere0"};
    char why[RESOLVE_TEXT];
    struct addr a;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        why[0] = '\0';
        assert_int_equal(resolve(wrong[i], true, PATIENCE, &a, why), -1);
        assert_true(strlen(why) > 4 && a.family == ADDR_NONE);
    }
    assert_int_equal(resolve("::1", false, PATIENCE, &a, why), -1);
}

static void a_name_resolves_or_is_waited_for_in_vain(void **state)
{
    (void)state;
    char why[RESOLVE_TEXT] = "";
    struct addr a;
    assert_int_equal(resolve("localhost", true, PATIENCE, &a, why), 0);
    assert_true(addr_is_loopback(&a) && a.port == 0);
    assert_int_equal(resolve("localhost", true, 0, &a, why), -1);
    assert_string_equal(why, "the system's resolver does not answer");
}

/* A port of the loopback that nobody has, once this is closed, or who has it listens. */
static int bound(int type, struct addr *at)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof in;
    int fd = socket(AF_INET, type, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    *at = addr_ipv4((const uint8_t[]){127, 0, 0, 1}, ntohs(in.sin_port), 0);
    return fd;
}

static void await(int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    assert_int_equal(poll(&ready, 1, (int)(PATIENCE / MS_US)), 1);
}

static void tcp_is_open_or_refused(void **state)
{
    (void)state;
    struct addr at;
    int listener = bound(SOCK_STREAM, &at);
    assert_int_equal(listen(listener, 1), 0);
    int fd = reach_tcp(&at);
    assert_true(fd >= 0);
    await(fd, POLLOUT);
    assert_int_equal(reach_result(fd), 0);
    (void)close(fd);
    (void)close(listener);
    fd = reach_tcp(&at);
    if (fd < 0) {
        assert_int_equal(errno, ECONNREFUSED);
        return;
    }
    await(fd, POLLOUT);
    assert_int_equal(reach_result(fd), ECONNREFUSED);
    (void)close(fd);
}

static void udp_is_told_of_a_port_that_nobody_has(void **state)
{
    (void)state;
    struct addr at;
    int somebody = bound(SOCK_DGRAM, &at);
    int fd = reach_udp(&at);
    assert_true(fd >= 0);
    assert_int_equal(reach_poke(fd), 0);
    await(somebody, POLLIN);
    assert_int_equal(reach_heard(fd), 0);
    (void)close(somebody);
    assert_int_equal(reach_poke(fd), 0);
    await(fd, POLLIN);
    assert_int_equal(reach_heard(fd), ECONNREFUSED);
    assert_int_equal(reach_heard(fd), 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_stands_for_itself),
        cmocka_unit_test(what_is_no_address_is_none),
        cmocka_unit_test(a_name_resolves_or_is_waited_for_in_vain),
        cmocka_unit_test(tcp_is_open_or_refused),
        cmocka_unit_test(udp_is_told_of_a_port_that_nobody_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
