/* Real sockets on the loopback interface: nothing leaves this machine (and the TTL is 0). */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "lines.h"
#include "ports.h"
#include "receive_one.h"
#include "test.h"
#include "transport.h"
#include "udp_system.h"
#include "wait.h"

#define PATIENCE INT64_C(5000000) /* microseconds until a datagram on loopback is taken for lost */

struct fixture {
    struct log log;
    struct lines lines;
    struct udp_options options;
    struct interface_list loopback;
};

static void prepare(struct fixture *f)
{
    const uint8_t group[4] = {233, 252, 1, 33};
    const struct interface_filter filter = {.mode = FILTER_ONLY, .count = 1, .items = {"127.0.0.1"}};
    memset(f, 0, sizeof *f);
    f->log = lines_log(&f->lines);
    f->options.group = addr_ipv4(group, ports_first(), 0);
    f->options.unicast_first = (uint16_t)(f->options.group.port + 1);
    f->options.unicast_last = (uint16_t)(f->options.group.port + 8);
    assert_int_equal(interfaces_list(&filter, &f->loopback, NULL), 0);
    assert_int_equal(f->loopback.count, 1);
}

static struct udp *open_one(struct fixture *f)
{
    struct fault fault = {0};
    struct udp *u = udp_open(&f->options, &f->log, &fault);
    if (u == NULL) {
        fail_msg("%s", fault.text);
    }
    assert_int_equal(udp_set_interfaces(u, &f->loopback), 1);
    return u;
}

struct heard {
    struct path from;
    uint8_t data[DATAGRAM_MAX];
    size_t len;
    size_t socket;
};

/* Takes the next datagram within `patience`: whether there was one. */
static bool hear(struct udp *u, struct heard *h, int64_t patience)
{
    int64_t until = clock_now() + patience;
    do {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = udp_descriptors(u, fds);
        int64_t left = until - clock_now();
        assert_true(wait_for(fds, count, left > 0 ? left : 0) >= 0);
        for (h->socket = 0; h->socket < count; h->socket++) {
            int got = receive_one(u, h->socket, &h->from, h->data, &h->len);
            if (got == 1) {
                return true;
            }
        }
    } while (clock_now() < until);
    return false;
}

static void expect(struct udp *u, struct heard *h, const char *text)
{
    if (!hear(u, h, PATIENCE)) {
        fail_msg("nothing was heard, where \"%s\" should have been", text);
    }
    assert_int_equal(h->len, strlen(text));
    assert_memory_equal(h->data, text, h->len);
}

static int send_group(struct udp *u, const char *text)
{
    struct path group = path_group();
    return udp_send(u, &group, (const uint8_t *)text, strlen(text));
}

static int send_to(struct udp *u, struct addr to, const char *text)
{
    struct path path = path_unicast(&to);
    return udp_send(u, &path, (const uint8_t *)text, strlen(text));
}

static void nodes_of_one_host_share_the_port(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h, back;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f), *c = open_one(&f);
    assert_int_equal(send_group(a, "hello"), 0);
    expect(b, &h, "hello");
    assert_int_equal(h.from.kind, PATH_GROUP);
    assert_int_equal(h.from.addr.family, ADDR_IPV4);
    assert_memory_equal(h.from.addr.ip, f.loopback.items[0].addr.ip, 4);
    assert_int_not_equal(h.from.addr.port, f.options.group.port); /* from the private socket */
#if defined(IP_PKTINFO)
    assert_int_equal(h.from.addr.ifindex, f.loopback.items[0].index);
#endif
    expect(c, &h, "hello");
    expect(a, &h, "hello"); /* its own, looped back */

    /* The answer goes to the private socket of the one who asked, and to nobody else. */
    assert_int_equal(send_to(c, h.from.addr, "answer"), 0);
    expect(a, &back, "answer");
    assert_int_equal(back.from.kind, PATH_UNICAST);
    assert_int_equal(back.socket, 0);
    assert_int_equal(send_to(a, back.from.addr, "thanks"), 0);
    expect(c, &h, "thanks");
    assert_int_equal(send_group(b, "end"), 0);
    expect(b, &h, "end"); /* b has heard neither answer nor thanks */
    udp_close(a);
    udp_close(b);
    udp_close(c);
    assert_int_equal(f.lines.count, 0);
}

/* The system would give it to one of all that share the port, mostly to another. */
static void unicast_to_the_shared_port_reaches_nobody(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f);
    struct addr to = f.loopback.items[0].addr;
    to.port = f.options.group.port;
    assert_int_equal(send_to(a, to, "seed"), 0);
    assert_int_equal(send_group(a, "end"), 0);
    expect(a, &h, "end");
    assert_true(h.socket > 0);
    assert_int_equal(h.from.kind, PATH_GROUP);
    assert_int_equal(h.from.local.port, f.options.group.port);
    udp_close(a);
}

static int held_port(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

static void the_private_port_is_the_first_free_one(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    uint16_t first = f.options.unicast_first;
    int held = held_port((uint16_t)(first + 1));
    struct udp *a = open_one(&f), *b = open_one(&f);
    assert_int_equal(udp_port(a), first);
    assert_int_equal(udp_port(b), first + 2);
    udp_close(a);
    struct udp *c = open_one(&f);
    assert_int_equal(udp_port(c), first);

    /* Where all are taken it is any other, and none of these. */
    f.options.unicast_last = (uint16_t)(first + 2);
    struct udp *d = open_one(&f);
    assert_true(udp_port(d) < first || udp_port(d) > f.options.unicast_last);
    f.options.unicast_first = f.options.unicast_last = 0;
    struct udp *e = open_one(&f);
    assert_true(udp_port(e) >= 1024 && udp_port(e) != udp_port(d));
    f.options.unicast_first = f.options.unicast_last = UINT16_MAX; /* the last of all is no endless search */
    struct udp *last = open_one(&f);
    assert_int_equal(udp_port(last), UINT16_MAX);
    udp_close(b);
    udp_close(c);
    udp_close(d);
    udp_close(e);
    udp_close(last);
    (void)close(held);
    assert_int_equal(f.lines.count, 0);
}

/* Of two clusters with neighbouring ports, one's private port is that of the other's group. Whoever came
 * first: either hears its group, and what is sent to it alone. */
static void a_private_port_may_be_that_of_another_group(void **state)
{
    (void)state;
    for (int low_first = 0; low_first <= 1; low_first++) {
        struct fixture f, g;
        struct heard h;
        prepare(&f);
        prepare(&g);
        g.options.group.port++;
        g.options.unicast_first++;
        g.options.unicast_last++;
        struct udp *high = low_first ? NULL : open_one(&g);
        struct udp *low = open_one(&f), *second = open_one(&g);
        high = low_first ? open_one(&g) : high;
        assert_int_equal(udp_port(low), f.options.unicast_first + (low_first ? 0 : 2));

        struct udp *all[] = {low, second, high};
        for (size_t i = 0; i < 3; i++) {
            struct addr to = f.loopback.items[0].addr;
            to.port = udp_port(all[i]);
            assert_int_equal(send_to(all[(i + 1) % 3], to, "alone"), 0);
            expect(all[i], &h, "alone");
            assert_int_equal(h.socket, 0);
            assert_int_equal(h.from.kind, PATH_UNICAST);
        }
        assert_int_equal(send_group(low, "low"), 0);
        expect(low, &h, "low");
        assert_int_equal(send_group(high, "high"), 0);
        expect(high, &h, "high");
        assert_int_equal(h.from.kind, PATH_GROUP);
        expect(second, &h, "high");
        for (size_t i = 0; i < 3; i++) {
            assert_false(hear(all[i], &h, 0)); /* nothing was another's */
            udp_close(all[i]);
        }
        assert_int_equal(f.lines.count + g.lines.count, 0);
    }
}

/* Another user's socket, which shares with whoever lets it: 0 when it may not have this port, at any address.
 */
static int refused(uint16_t port)
{
    const uid_t nobody = 65534;
    const uint32_t where[] = {INADDR_ANY, INADDR_LOOPBACK};
    int one = 1;
    if (setuid(nobody) != 0) {
        return 2;
    }
    for (size_t i = 0; i < COUNT(where); i++) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        in.sin_addr.s_addr = htonl(where[i]);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0 ||
            bind(fd, (const struct sockaddr *)&in, sizeof in) == 0 || errno != EADDRINUSE) {
            return 1;
        }
        (void)close(fd);
    }
    return 0;
}

/* What is sent to it alone comes to no socket of another user, who offers to share the port. */
static void another_user_cannot_share_the_private_port(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    struct udp *u = open_one(&f);
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        status = refused(udp_port(u));
        udp_close(u); /* its own copy, or Valgrind says that it lost it */
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    udp_close(u);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) {
        print_message("this process cannot be another user: what he may share cannot be seen\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Without IP_MULTICAST_ALL 0 a socket hears every group that any process of the host has joined. */
static void another_group_on_the_same_port_is_not_heard(void **state)
{
    (void)state;
    struct fixture f, g;
    struct heard h;
    prepare(&f);
    prepare(&g);
    g.options.group.ip[3] = 34;
    struct udp *a = open_one(&f), *b = open_one(&g);
    assert_int_equal(send_group(a, "for 33"), 0);
    expect(a, &h, "for 33");
    assert_int_equal(send_group(b, "for 34"), 0);
    expect(b, &h, "for 34");
    assert_false(hear(b, &h, 0));
    assert_false(hear(a, &h, 0));
    udp_close(a);
    udp_close(b);
}

static void what_is_too_long_is_counted_and_dropped(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    uint8_t big[DATAGRAM_MAX + 1] = {0};
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    struct path group = path_group();
    assert_int_equal(udp_send(a, &group, big, sizeof big), 0);
    assert_int_equal(udp_send(a, &group, big, DATAGRAM_MAX), 0);
    assert_int_equal(udp_send(a, &group, big, 0), 0);
    assert_true(hear(b, &h, PATIENCE));
    assert_int_equal(h.len, DATAGRAM_MAX);
    assert_true(hear(b, &h, PATIENCE));
    assert_int_equal(h.len, 0);
    assert_int_equal(udp_stats(b).oversized, 1);
    udp_close(a);
    udp_close(b);
}

static void interfaces_come_and_go(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    struct interface_list none = {0};
    size_t count;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    struct interface usable[INTERFACES_MAX];
    assert_ptr_not_equal(udp_interfaces(b, &count), NULL);
    assert_int_equal(count, 1);
    assert_int_equal(udp_usable(b, usable), 1);
    assert_int_equal(usable[0].index, f.loopback.items[0].index);
    assert_int_equal(udp_set_interfaces(b, &f.loopback), 1); /* nothing changes */
    assert_int_equal(udp_set_interfaces(b, &none), 0);
    (void)udp_interfaces(b, &count);
    assert_int_equal(count, 0);
    assert_int_equal(udp_usable(b, usable), 0);
    assert_int_equal(send_group(b, "nowhere"), -1);
    assert_int_equal(send_group(a, "missed"), 0);
    expect(a, &h, "missed");
    assert_int_equal(udp_set_interfaces(b, &f.loopback), 1);
    assert_int_equal(send_group(a, "again"), 0);
    expect(b, &h, "again");
    assert_int_equal(f.lines.count, 0);
    udp_close(a);
    udp_close(b);
}

/* An interface that is not there is told once, and all others work on. */
static void an_interface_that_cannot_be_joined_is_told_once(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *a = open_one(&f);
    struct interface_list list = f.loopback;
    const uint8_t ip[4] = {192, 0, 2, 77};
    list.items[1] = (struct interface){.name = "ghost0", .index = 999999, .addr = addr_ipv4(ip, 0, 999999)};
    list.count = 2;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(udp_set_interfaces(a, &list), 1);
    }
    assert_int_equal(f.lines.count, 1);
    assert_non_null(strstr(f.lines.last, "ghost0"));
    assert_int_equal(send_group(a, "on"), 0);
    expect(a, &h, "on");
    udp_close(a);
}

static void trouble_with_sending_is_counted_only(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    struct udp *a = open_one(&f);
    /* Of the loopback: it is routed in every namespace, so what fails is the missing permission. */
    const uint8_t broadcast[4] = {127, 255, 255, 255};
    const uint8_t loopback[4] = {127, 0, 0, 1};
    const uint8_t any6[16] = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send_to(a, addr_ipv4(broadcast, 9, 0), "x"),
                         -1);                                         /* EACCES: a firewall has the same */
        assert_int_equal(send_to(a, addr_ipv6(any6, 9, 0), "x"), -1); /* no such socket */
        assert_int_equal(send_to(a, addr_ipv4(loopback, 0, 0), "x"), -1);
    }
    assert_int_equal(udp_stats(a).send_errors, 9);
    assert_int_equal(f.lines.count, 1);
    for (int i = 0; i < 3; i++) { /* that others are allowed is no news, nor makes it the other */
        assert_int_equal(send_to(a, addr_ipv4(loopback, 9, 0), "x"), 0);
        assert_int_equal(send_to(a, addr_ipv4(broadcast, 9, 0), "x"), -1);
    }
    assert_int_equal(f.lines.count, 1);
    udp_close(a);
}

static void a_port_that_is_not_shared_is_a_clear_fault(void **state)
{
    (void)state;
    struct fixture f;
    struct fault fault = {0};
    char number[8];
    prepare(&f);
    int fd = held_port(f.options.group.port);
    assert_null(udp_open(&f.options, &f.log, &fault));
    assert_int_equal(fault.kind, FAULT_PORT_TAKEN);
    (void)snprintf(number, sizeof number, "%u", (unsigned)f.options.group.port);
    assert_non_null(strstr(fault.text, number));
    (void)close(fd);
    struct udp *a = open_one(&f);
    udp_close(a);
}

/* One datagram as a member seals it: of this ring, by its prefix. */
static void send_sealed(struct udp *from, const struct keyring *ring, uint8_t number)
{
    uint8_t datagram[SEAL_OVERHEAD + 20] = {0};
    struct path group = path_group();
    memcpy(datagram, ring->keys[0].prefix, SEAL_PREFIX);
    datagram[SEAL_PREFIX] = number;
    assert_int_equal(udp_send(from, &group, datagram, sizeof datagram), 0);
}

static struct keyring ring_of(uint8_t first, uint8_t count)
{
    struct keyring ring = {0};
    for (uint8_t i = 0; i < count; i++) {
        const uint8_t key[KEY_BYTES] = {(uint8_t)(first + i)};
        assert_int_equal(keyring_add(&ring, SECRET_KEY, key, sizeof key, "", 0), 0);
    }
    return ring;
}

/* Says `count` words under another key, and one under this ring behind each hundred of them. How many others
 * were heard; each of this ring must be. */
static size_t flood(struct udp *from, struct udp *to, const struct keyring *ring, size_t count)
{
    struct keyring other = ring_of(77, 1);
    struct heard h;
    size_t foreign = 0;
    for (size_t i = 0; i < count / 100; i++) {
        for (size_t n = 0; n < 100; n++) {
            send_sealed(from, &other, (uint8_t)n);
        }
        send_sealed(from, ring, (uint8_t)i);
        while (true) {
            assert_true(hear(to, &h, PATIENCE));
            if (memcmp(h.data, ring->keys[0].prefix, SEAL_PREFIX) == 0) {
                break;
            }
            foreign++;
        }
        assert_int_equal(h.data[SEAL_PREFIX], (uint8_t)i);
    }
    return foreign;
}

/* What bears no key of ours the kernel drops, when there is much of it; all that does bear one comes, also
 * over a socket that was opened since, and under a ring that was rotated since. */
static void of_a_flood_the_kernel_lets_through_what_bears_our_keys(void **state)
{
    (void)state;
    struct fixture f;
    struct interface_list none = {0};
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    struct keyring old = ring_of(1, 1), both = ring_of(2, 1), left = ring_of(2, 1);
    both.keys[both.count++] = old.keys[0];
    size_t all = flood(a, b, &old, 300); /* no ring yet */
    assert_int_equal(all, 300);
    udp_set_ring(b, &old);
    size_t some = flood(a, b, &old, 20000);
    struct udp_stats stats = udp_stats(b);
#if !defined(GOSSIP_PORTABLE) && defined(__linux__)
    assert_in_range(some, FILTER_RAISE, 20000 / 4);
    assert_int_equal(stats.filtered + some, 20000); /* each is accounted for */
#else
    assert_int_equal(some, 20000);
    assert_int_equal(stats.filtered, 0);
#endif
    assert_int_equal(stats.overflowed, 0);

    udp_set_ring(b, &both); /* rotated, as guides/rotation.md has it */
    (void)flood(a, b, &old, 500);
    (void)flood(a, b, &both, 500);
    udp_set_ring(b, &left);
    assert_int_equal(udp_set_interfaces(b, &none), 0);
    assert_int_equal(udp_set_interfaces(b, &f.loopback), 1);
    (void)flood(a, b, &left, 500);
    udp_close(a);
    udp_close(b);
    assert_int_equal(f.lines.count, 0);
}

#if !defined(GOSSIP_PORTABLE) && defined(__linux__)
/* Sockets of a host, opened while its filter has this level. */
struct filtered {
    struct fixture f;
    struct filter filter;
    struct transport t;
};

static void open_filtered(struct filtered *x, uint8_t level)
{
    struct fault fault = {0};
    struct keyring ring = ring_of(1, 1);
    *x = (struct filtered){0};
    x->t.filter = &x->filter;
    prepare(&x->f);
    filter_set(&x->filter, &ring);
    x->filter.level = level;
    assert_int_equal(transport_open(&x->t, &x->f.options.group, 0, 0), 0);
    assert_int_equal(transport_open_shared(&x->t, &fault), 0);
}

/* What is opened while it floods has the filter at once. */
static void a_socket_that_is_opened_in_a_flood_has_the_filter(void **state)
{
    (void)state;
    struct filtered x;
    int joined;
    open_filtered(&x, 1);
    assert_int_equal(transport_join(&x.t, &x.f.loopback.items[0], &joined), 0);
    assert_int_equal(x.t.count, 2);
    for (size_t i = 0; i < x.t.count; i++) {
        assert_int_equal(udp_system_filter(x.t.sockets[i].fd, NULL, 0), 0); /* there is one to take away */
    }
    transport_close(&x.t);
}

/* A socket that was opened while memory was short has none to take away: the others lose theirs all the same.
 */
static void a_socket_without_a_filter_keeps_it_on_no_other(void **state)
{
    (void)state;
    struct filtered x;
    open_filtered(&x, 0);
    x.filter.level = 1;
    assert_int_equal(transport_filter(&x.t), 0);
    assert_int_equal(udp_system_filter(x.t.sockets[0].fd, NULL, 0), 0);
    x.filter.level = 0;
    assert_int_equal(transport_filter(&x.t), -1);
    assert_int_equal(udp_system_filter(x.t.sockets[1].fd, NULL, 0), -1);
    assert_int_equal(errno, ENOENT);
    transport_close(&x.t);
}
#endif

/* Nobody reads: what finds no room is counted, and is not taken for what a filter dropped. */
static void what_finds_no_room_is_counted(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    struct udp *a = open_one(&f), *b = open_one(&f);
    struct keyring ring = ring_of(1, 1);
    udp_set_ring(b, &ring);
    size_t sent = 0, most = udp_stats(b).receive_buffer / 256 + 100;
    for (; sent < most; sent++) {
        send_sealed(a, &ring, 0);
    }
    struct heard h;
    size_t heard = 0;
    while (hear(b, &h, 0)) {
        heard++;
    }
    struct udp_stats stats = udp_stats(b);
#if !defined(GOSSIP_PORTABLE) && defined(__linux__)
    assert_int_equal(heard + stats.overflowed, sent);
    assert_true(stats.overflowed > 0);
#else
    assert_true(heard < sent);
    assert_int_equal(stats.overflowed, 0);
#endif
    assert_int_equal(stats.filtered, 0);
    udp_close(a);
    udp_close(b);
}

/* Nothing of what it has sent has come back: it is closed, and stays so when its memberships are reported
 * anew, until something does. */
static void an_interface_is_closed_until_something_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    struct heard h;
    prepare(&f);
    struct udp *u = open_one(&f);
    uint32_t index = f.loopback.items[0].index;
    assert_false(udp_closed(u, index));
    for (int i = 0; i < 8; i++) { /* they are taken only below */
        assert_int_equal(send_group(u, "hello"), 0);
    }
    assert_true(udp_closed(u, index));
    udp_step_out(u);
    udp_step_in(u);
    assert_true(udp_closed(u, index));
    expect(u, &h, "hello");
    assert_false(udp_closed(u, index));
    udp_close(u);
}

static uint32_t buffer_of(int fd)
{
    int bytes = 0;
    socklen_t len = sizeof bytes;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);
    return (uint32_t)bytes;
}

/* What the kernel grants to who asks for 4 MiB: beyond its limit, where this user may, else up to it. */
static void the_receive_buffer_is_asked_for_and_told(void **state)
{
    (void)state;
    struct fixture f;
    prepare(&f);
    const int want = 4 * 1024 * 1024;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    uint32_t unasked = buffer_of(fd);
#if !defined(GOSSIP_PORTABLE) && defined(__linux__)
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof want) != 0)
#endif
    {
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof want), 0);
    }
    uint32_t granted = buffer_of(fd);
    (void)close(fd);
    struct udp *a = open_one(&f);
    assert_true(granted > unasked);
    assert_int_equal(udp_stats(a).receive_buffer, granted);
    udp_close(a);
    udp_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_of_one_host_share_the_port),
        cmocka_unit_test(unicast_to_the_shared_port_reaches_nobody),
        cmocka_unit_test(the_private_port_is_the_first_free_one),
        cmocka_unit_test(a_private_port_may_be_that_of_another_group),
        cmocka_unit_test(another_user_cannot_share_the_private_port),
        cmocka_unit_test(another_group_on_the_same_port_is_not_heard),
        cmocka_unit_test(what_is_too_long_is_counted_and_dropped),
        cmocka_unit_test(interfaces_come_and_go),
        cmocka_unit_test(an_interface_that_cannot_be_joined_is_told_once),
        cmocka_unit_test(trouble_with_sending_is_counted_only),
        cmocka_unit_test(a_port_that_is_not_shared_is_a_clear_fault),
        cmocka_unit_test(an_interface_is_closed_until_something_comes_back),
        cmocka_unit_test(the_receive_buffer_is_asked_for_and_told),
        cmocka_unit_test(of_a_flood_the_kernel_lets_through_what_bears_our_keys),
#if !defined(GOSSIP_PORTABLE) && defined(__linux__)
        cmocka_unit_test(a_socket_that_is_opened_in_a_flood_has_the_filter),
        cmocka_unit_test(a_socket_without_a_filter_keeps_it_on_no_other),
#endif
        cmocka_unit_test(what_finds_no_room_is_counted),
    };
    return seal_init() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
