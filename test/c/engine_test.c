/* How much one turn of the engine takes of its sockets: real ones, on the loopback interface. */
#include "engine.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "clock.h"
#include "lines.h"
#include "ports.h"
#include "random.h"
#include "test.h"
#include "wait.h"

#define MANY     1000
#define PATIENCE INT64_C(5000000) /* microseconds until what must be readable is */

struct fixture {
    struct lines lines;
    struct udp_options options;
    struct uplink uplink;
    struct links links;
    struct engine engine;
    struct udp *sender;
    struct interface_list loopback;
    uint8_t prefix[SEAL_PREFIX];
};

static void start(struct fixture *f)
{
    const uint8_t group[4] = {233, 252, 1, 33}, key[KEY_BYTES] = {1};
    const uint8_t group6[16] = {0xff, 0x12, [14] = 0x67, [15] = 0x63};
    const struct interface_filter lo = {.mode = FILTER_ONLY, .count = 1, .items = {"127.0.0.1"}};
    struct gossip_options options = {
        .interval_ms = 60000, .max_peers = 16, .random = random_fill, .sealing = &gossip_sealed};
    struct fault fault = {0};
    memset(f, 0, sizeof *f);
    f->options.group = addr_ipv4(group, ports_first(), 0);
    f->options.group6 = addr_ipv6(group6, 0, 0);
    assert_int_equal(interfaces_list(&lo, &f->loopback, NULL), 0);
    assert_int_equal(uplink_init(&f->uplink, open("/dev/null", O_WRONLY | O_CLOEXEC)), 0);
    f->uplink.log = lines_log(&f->lines);
    if (links_open(&f->links, &f->options, &lo, &f->uplink.log, &fault) != 0) {
        fail_msg("%s", fault.text);
    }
    assert_int_equal(keyring_add(&options.keys, SECRET_KEY, key, sizeof key, "", 0), 0);
    memcpy(f->prefix, options.keys.keys[0].prefix, SEAL_PREFIX);
    assert_int_equal(engine_start(&f->engine, &options, clock_now(), &f->links, &f->uplink), 0);
    assert_int_equal(udp_set_interfaces(f->links.udp, &f->loopback), 1);
    f->sender = udp_open(&f->options, &f->uplink.log, &fault);
    assert_non_null(f->sender);
    assert_int_equal(udp_set_interfaces(f->sender, &f->loopback), 1);
}

static void end(struct fixture *f)
{
    udp_close(f->sender);
    engine_free(&f->engine);
    links_close(&f->links);
    (void)close(f->uplink.out);
    uplink_free(&f->uplink);
}

/* Datagrams whose tag is right and whose seal is not: as dear as any that an outsider can say. */
static void flood(const struct fixture *f, const struct path *to, size_t count)
{
    uint8_t datagram[200] = {0};
    memcpy(datagram, f->prefix, SEAL_PREFIX);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(udp_send(f->sender, to, datagram, sizeof datagram), 0);
    }
}

static struct path unicast(const struct fixture *f, struct addr to)
{
    to.port = udp_port(f->links.udp);
    return path_unicast(&to);
}

/* One turn: what it took. `turn` is what it says. */
static size_t turn(struct fixture *f, enum engine_turn *turn)
{
    struct pollfd fds[UDP_SOCKETS_MAX];
    size_t count = links_descriptors(&f->links, fds);
    assert_true(wait_for(fds, count, PATIENCE) > 0);
    uint64_t before = engine_stats(&f->engine).received;
    *turn = engine_receive(&f->engine, clock_now(), fds);
    return (size_t)(engine_stats(&f->engine).received - before);
}

/* One socket is flooded, and one datagram has come by another: it has its turn at once, and timers and the
 * owner have theirs, after as many of the flood as a turn takes. */
static void a_flood_of_one_socket_leaves_their_turn_to_all_others(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    const struct path group = path_group();
    struct path to = unicast(&f, f.loopback.items[0].addr);
    enum engine_turn said;
    flood(&f, &to, MANY);
    flood(&f, &group, 1);
    assert_int_equal(turn(&f, &said), ENGINE_SOCKET_TURN + 1);
    assert_int_equal(said, TURN_CUT);
    size_t left = MANY - ENGINE_SOCKET_TURN;
    for (; left > ENGINE_SOCKET_TURN; left -= ENGINE_SOCKET_TURN) {
        assert_int_equal(turn(&f, &said), ENGINE_SOCKET_TURN);
        assert_int_equal(said, TURN_CUT);
    }
    assert_int_equal(turn(&f, &said), left);
    assert_int_equal(said, TURN_WHOLE);
    assert_int_equal(engine_stats(&f.engine).forged, MANY + 1);
    end(&f);
}

/* Three are flooded, and a turn has room for two: the third begins the next one. */
static void of_many_flooded_sockets_each_has_its_turn(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    const uint8_t loopback6[16] = {[15] = 1};
    const struct path group = path_group();
    struct path to = unicast(&f, f.loopback.items[0].addr), to6 = unicast(&f, addr_ipv6(loopback6, 0, 0));
    uint8_t one[1] = {0}; /* foreign */
    if (udp_send(f.sender, &to6, one, sizeof one) != 0) {
        end(&f);
        print_message(
            "this system has no IPv6 on its loopback: there are two sockets, and each has its turn\n");
        skip();
    }
    flood(&f, &to, MANY);
    flood(&f, &group, MANY);
    flood(&f, &to6, MANY);
    enum engine_turn said;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(turn(&f, &said), ENGINE_TURN);
        assert_int_equal(said, TURN_CUT);
    }
    struct pollfd fds[UDP_SOCKETS_MAX];
    size_t sockets = links_descriptors(&f.links, fds);
    assert_int_equal(sockets, 3);
    for (size_t i = 0; i < sockets; i++) {
        size_t left = 0;
        for (int got; (got = udp_take(f.links.udp, i, UDP_BATCH)) > 0;) {
            left += (size_t)got;
        }
        assert_in_range(left, MANY - 3 * ENGINE_SOCKET_TURN, MANY + 1 - ENGINE_SOCKET_TURN);
    }
    end(&f);
}

/* After a pause all that waits is taken before anything is judged. */
static void after_a_pause_all_is_taken(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    const struct path group = path_group();
    struct path to = unicast(&f, f.loopback.items[0].addr);
    flood(&f, &to, MANY);
    flood(&f, &group, MANY);
    engine_drain(&f.engine, clock_now());
    assert_int_equal(engine_stats(&f.engine).received, 2 * MANY);
    struct pollfd fds[UDP_SOCKETS_MAX];
    assert_int_equal(wait_for(fds, links_descriptors(&f.links, fds), 0), 0);
    end(&f);
}

/* Time passes, from one thing that is due to the next: how many datagrams it has sent meanwhile. */
static uint64_t live(struct fixture *f, int64_t *now, int64_t duration)
{
    uint64_t before = engine_stats(&f->engine).sent;
    int64_t until = *now + duration;
    while (engine_deadline(&f->engine) <= until) {
        *now = engine_deadline(&f->engine) > *now ? engine_deadline(&f->engine) : *now;
        engine_tick(&f->engine, *now);
    }
    *now = until;
    return engine_stats(&f->engine).sent - before;
}

/* Alone, it asks more and more seldom; where more is reached, at once, as it did at first. */
static void where_more_is_reached_it_asks_anew(void **state)
{
    (void)state;
    struct fixture f;
    struct interface_list none = {0};
    struct command alive = {.type = COMMAND_ALIVE};
    int64_t now = clock_now();
    start(&f);
    engine_look(&f.engine, now);
    alive.as.alive.self = build_identity(0, "a@host", 1);
    engine_command(&f.engine, now, &alive);
    assert_true(live(&f, &now, SECOND_US / 10) >= 3);
    while (live(&f, &now, 2 * SECOND_US) > 0) {
    }
    engine_look(&f.engine, now);
    assert_int_equal(live(&f, &now, SECOND_US / 10), 0);
    assert_int_equal(udp_set_interfaces(f.links.udp, &none), 0);
    engine_look(&f.engine, now);
    assert_true(live(&f, &now, SECOND_US / 10) >= 3);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_one_socket_leaves_their_turn_to_all_others),
        cmocka_unit_test(of_many_flooded_sockets_each_has_its_turn),
        cmocka_unit_test(after_a_pause_all_is_taken),
        cmocka_unit_test(where_more_is_reached_it_asks_anew),
    };
    return seal_init() != 0 || term_init() != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
