/* What goes up, over a pipe that takes little at once: no process, and no socket. */
#include "uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "clock.h"
#include "frame.h"
#include "net.h"
#include "test.h"

#include <ei.h>

#define T0 (100 * SECOND_US)

struct owner {
    int fds[2]; /* the owner reads from the first; the uplink writes into the second */
    struct frame_parser parser;
    struct uplink uplink;
    const uint8_t *frame;
    size_t len;
    char tag[MAXATOMLEN_UTF8];
};

static void start(struct owner *o)
{
    *o = (struct owner){.parser = frame_parser_new(FRAME_LIMIT)};
    assert_int_equal(pipe(o->fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fcntl(o->fds[i], F_SETFL, O_NONBLOCK), 0);
    }
#if defined(F_SETPIPE_SZ)
    assert_true(fcntl(o->fds[1], F_SETPIPE_SZ, 4096) > 0);
#endif
    assert_int_equal(uplink_init(&o->uplink, o->fds[1]), 0);
    uplink_time(&o->uplink, T0);
}

static void configured(struct owner *o)
{
    start(o);
    uplink_configured(&o->uplink);
}

static void end(struct owner *o)
{
    uplink_free(&o->uplink);
    frame_parser_free(&o->parser);
    (void)close(o->fds[0]);
    (void)close(o->fds[1]);
}

static void parse_tag(struct owner *o)
{
    const char *buffer = (const char *)o->frame;
    int at = 0, version = 0, arity = 0;
    assert_int_equal(ei_decode_version(buffer, &at, &version), 0);
    (void)ei_decode_tuple_header(buffer, &at, &arity);
    assert_int_equal(ei_decode_atom(buffer, &at, o->tag), 0);
}

/* The next frame that is in the pipe, or goes into it as the owner reads; false: there is none. */
static bool next(struct owner *o, const struct gossip *core)
{
    for (;;) {
        uint8_t *frame;
        size_t room;
        int got = frame_next(&o->parser, &frame, &o->len);
        assert_true(got >= 0);
        if (got == 1) {
            o->frame = frame;
            parse_tag(o);
            return true;
        }
        uplink_flush(&o->uplink, core);
        uint8_t *at = frame_room(&o->parser, &room);
        assert_non_null(at);
        ssize_t n = read(o->fds[0], at, room);
        if (n <= 0) {
            assert_true(n < 0 && errno == EAGAIN);
            return false;
        }
        frame_filled(&o->parser, (size_t)n);
    }
}

static bool mentions(const struct owner *o, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= o->len; i++) {
        if (memcmp(o->frame + i, text, len) == 0) {
            return true;
        }
    }
    return false;
}

static void expect(struct owner *o, const struct gossip *core, const char *tag, const char *text)
{
    assert_true(next(o, core));
    assert_string_equal(o->tag, tag);
    if (!mentions(o, text)) {
        fail_msg("a frame %s does not mention %s", tag, text);
    }
}

static struct network network(const char *name, uint8_t last)
{
    const uint8_t ip[4] = {10, 0, 0, last};
    struct network n = {.reach = REACH_LAN, .count = 1};
    n.items[0] = (struct interface){.index = last, .addr = addr_ipv4(ip, 0, last)};
    (void)snprintf(n.items[0].name, sizeof n.items[0].name, "%s", name);
    return n;
}

static struct event event_up(uint8_t type, const char *name)
{
    struct event e = {.type = type, .peer = {.id = build_identity(7, name, 1), .status = STATUS_ALIVE}};
    return e;
}

/* A member that lists `peers` others. */
static struct net *member_of(size_t peers)
{
    struct net *net = net_from(5);
    net->forgetful = true;
    size_t a = net_member(net, "a@host", 1);
    net_run(net, 10 * MS_US);
    for (size_t i = 0; i < peers; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "p%lu@host", (unsigned long)i);
        struct forged f = forge(1000 + i, name, 1, (uint8_t)(20 + i));
        net_prove(net, a, &f);
    }
    assert_int_equal(net_listed(net, a), peers);
    return net;
}

/* Whatever fills the queue up: answers, which nobody reads. */
static void overflow(struct owner *o)
{
    struct gossip_stats core = {0};
    struct udp_stats udp = {0};
    uint64_t before = o->uplink.outbox.dropped;
    for (uint32_t i = 0; o->uplink.outbox.dropped == before; i++) {
        assert_true(i < 100000);
        uplink_stats(&o->uplink, i, &core, &udp, &(struct legacy_stats){0});
    }
}

static void the_first_words_are_in_order(void **state)
{
    (void)state;
    struct owner o;
    struct net *net = member_of(1);
    const struct gossip *core = net->nodes[0]->g;
    const struct network eth0 = network("eth0", 1);
    start(&o);
    assert_false(uplink_waits(&o.uplink));
    log_line(&o.uplink.log, LEVEL_INFO, "not for stderr");
    assert_false(next(&o, NULL)); /* before the configuration no frame goes up */
    uplink_configured(&o.uplink);
    uplink_network(&o.uplink, &eth0); /* kept, for the frame that follows */
    log_line(&o.uplink.log, LEVEL_INFO, "look at %s", "this");
    assert_true(uplink_waits(&o.uplink));
    uplink_ready(&o.uplink, "1.2.3", gossip_boot(core), 4711, 4096);
    expect(&o, core, "log", "look at this");
    expect(&o, core, "ready", "1.2.3");
    assert_true(mentions(&o, "eth0") && mentions(&o, "10.0.0.1"));
    expect(&o, core, "snapshot", "p0@host");
    assert_true(mentions(&o, "first"));
    expect(&o, core, "snapshot_end", "");
    assert_false(next(&o, core)); /* and it is paid once */
    assert_false(uplink_waits(&o.uplink));
    end(&o);
    net_free(net);
}

static void events_and_answers_are_frames(void **state)
{
    (void)state;
    struct owner o;
    const struct network eth1 = network("eth1", 2);
    struct event health = {.type = EVENT_HEALTH, .health = HEALTH_ISOLATED};
    struct event left = {.type = EVENT_LEFT};
    struct event up = event_up(EVENT_UP, "b@host"), update = event_up(EVENT_UPDATE, "c@host");
    struct gossip_stats core = {.listed = 3};
    struct udp_stats udp = {.oversized = 4};
    configured(&o);
    uplink_ready(&o.uplink, "1", 1, 1, 4096);
    uplink_event(&o.uplink, &up);
    uplink_event(&o.uplink, &update);
    uplink_event(&o.uplink, &health);
    uplink_event(&o.uplink, &left);
    uplink_network(&o.uplink, &eth1);
    uplink_stats(&o.uplink, 9, &core, &udp, &(struct legacy_stats){0});
    uplink_keys_changed(&o.uplink);
    expect(&o, NULL, "ready", "");
    expect(&o, NULL, "up", "b@host");
    expect(&o, NULL, "update", "c@host");
    expect(&o, NULL, "health", "isolated");
    expect(&o, NULL, "left", "");
    expect(&o, NULL, "interfaces", "eth1");
    expect(&o, NULL, "stats", "oversized");
    assert_true(mentions(&o, "eth1"));
    expect(&o, NULL, "keys_changed", "");
    assert_false(next(&o, NULL)); /* no snapshot without a roster */
    end(&o);
}

static void an_event_snapshot_is_a_debt_that_is_paid_once(void **state)
{
    (void)state;
    struct owner o;
    struct net *net = member_of(0);
    const struct gossip *core = net->nodes[0]->g;
    struct event ask = {.type = EVENT_SNAPSHOT}, left = {.type = EVENT_LEFT};
    configured(&o);
    uplink_event(&o.uplink, &ask);
    uplink_event(&o.uplink, &ask);
    uplink_event(&o.uplink, &left);
    expect(&o, core, "left", ""); /* what is queued goes before */
    expect(&o, core, "snapshot", "first");
    expect(&o, core, "snapshot_end", "");
    assert_false(next(&o, core));
    end(&o);
    net_free(net);
}

static void a_snapshot_has_pages(void **state)
{
    (void)state;
    const size_t sizes[] = {UPLINK_PAGE_PEERS - 1, UPLINK_PAGE_PEERS, UPLINK_PAGE_PEERS + 1, 100};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct owner o;
        struct net *net = member_of(sizes[i]);
        const struct gossip *core = net->nodes[0]->g;
        struct event ask = {.type = EVENT_SNAPSHOT};
        size_t pages = (sizes[i] + UPLINK_PAGE_PEERS - 1) / UPLINK_PAGE_PEERS;
        size_t named = 0;
        configured(&o);
        uplink_event(&o.uplink, &ask);
        for (size_t page = 0; page < pages; page++) {
            expect(&o, core, "snapshot", page == 0 ? "first" : "more");
            for (size_t at = 0; at + 5 <= o.len; at++) {
                named += memcmp(o.frame + at, "@host", 5) == 0;
            }
        }
        assert_int_equal(named, sizes[i]);
        expect(&o, core, "snapshot_end", "");
        assert_false(next(&o, core));
        end(&o);
        net_free(net);
    }
}

static size_t conflicts_in_snapshot(struct owner *o, const struct gossip *core, const char *name)
{
    size_t n = 0;
    expect(o, core, "snapshot", "first");
    assert_true(next(o, core));
    for (; strcmp(o->tag, "conflict") == 0; n++) {
        assert_true(mentions(o, name));
        assert_true(next(o, core));
    }
    assert_string_equal(o->tag, "snapshot_end");
    return n;
}

/* That one is over may be lost as all else, so a snapshot tells those that hold: whoever has the name of this
 * member, or of one that it lists. */
static void a_snapshot_tells_the_conflicts_that_hold(void **state)
{
    (void)state;
    struct owner o;
    struct event ask = {.type = EVENT_SNAPSHOT};
    struct net *net = net_from(5);
    (void)net_member(net, "a@host", 1);
    (void)net_member(net, "b@host", 1);
    net_run(net, 5 * SECOND_US);
    size_t twin = net_member(net, "a@host", 2);
    net_run(net, 5 * SECOND_US);
    configured(&o);
    for (size_t left = 0; left < 2; left++) {
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(net_events(net, i, EVENT_CONFLICT), 1);
            assert_int_equal(net_events(net, i, EVENT_SETTLED), left);
            uplink_event(&o.uplink, &ask);
            assert_int_equal(conflicts_in_snapshot(&o, net->nodes[i]->g, "a@host"), 1 - left);
        }
        net_leave(net, twin, DOWN_LEFT);
        net_run(net, SECOND_US);
    }
    end(&o);
    net_free(net);
}

static void an_overflow_leaves_a_fresh_picture_owed(void **state)
{
    (void)state;
    struct owner o;
    struct net *net = member_of(2);
    const struct gossip *core = net->nodes[0]->g;
    const struct network eth0 = network("eth0", 1), eth1 = network("eth1", 2);
    struct event health = {.type = EVENT_HEALTH, .health = HEALTH_ISOLATED};
    configured(&o);
    uplink_network(&o.uplink, &eth0);
    uplink_ready(&o.uplink, "1", 1, 1, 4096);
    while (next(&o, core)) {
    }
    overflow(&o);
    uplink_event(&o.uplink, &health); /* these two may be lost */
    uplink_network(&o.uplink, &eth1);
    overflow(&o);
    uint64_t dropped = o.uplink.outbox.dropped;
    assert_true(dropped > 1000);
    size_t answers = 0;
    do {
        assert_true(next(&o, core));
        answers += strcmp(o.tag, "stats") == 0;
    } while (strcmp(o.tag, "stats") == 0);
    assert_true(answers <= 1); /* what was partly written */
    assert_string_equal(o.tag, "snapshot");
    assert_true(mentions(&o, "p0@host") && mentions(&o, "p1@host"));
    expect(&o, core, "snapshot_end", "");
    expect(&o, core, "health", "isolated");
    expect(&o, core, "interfaces", "eth1");
    expect(&o, core, "log", "did not read");
    assert_false(next(&o, core)); /* once */
    assert_int_equal(o.uplink.outbox.dropped, dropped);
    end(&o);
    net_free(net);
}

/* While the owner does not read, twenty overflows cost no more than one. */
static void what_is_owed_does_not_grow(void **state)
{
    (void)state;
    struct owner o;
    struct net *net = member_of(1);
    const struct gossip *core = net->nodes[0]->g;
    struct gossip_stats stats = {0};
    struct udp_stats udp = {0};
    configured(&o);
    while (!uplink_waits(&o.uplink)) { /* until the pipe is full, in the midst of a frame */
        uplink_stats(&o.uplink, 1, &stats, &udp, &(struct legacy_stats){0});
        uplink_flush(&o.uplink, core);
    }
    for (int i = 0; i < 20; i++) {
        overflow(&o);
        uplink_flush(&o.uplink, core);
        assert_true(uplink_waits(&o.uplink));
        assert_true(o.uplink.outbox.size <= 4 * OUTBOX_LIMIT);
    }
    size_t snapshots = 0;
    while (next(&o, core)) {
        snapshots += strcmp(o.tag, "snapshot") == 0;
    }
    assert_int_equal(snapshots, 1);
    end(&o);
    net_free(net);
}

static size_t count(struct owner *o, const char *tag)
{
    size_t n = 0;
    while (next(o, NULL)) {
        n += strcmp(o->tag, tag) == 0;
    }
    return n;
}

static void heartbeat_frames_have_a_rate(void **state)
{
    (void)state;
    struct owner o;
    struct event beat = event_up(EVENT_HEARTBEAT, "b@host");
    const size_t asked = 4 * UPLINK_HEARTBEATS_BURST;
    configured(&o);
    for (size_t i = 0; i < asked; i++) {
        uplink_event(&o.uplink, &beat);
    }
    assert_int_equal(count(&o, "heartbeat"), UPLINK_HEARTBEATS_BURST);
    assert_int_equal(o.uplink.heartbeats_dropped, asked - UPLINK_HEARTBEATS_BURST);
    uplink_time(&o.uplink, T0 + SECOND_US);
    for (size_t i = 0; i < asked; i++) {
        uplink_event(&o.uplink, &beat);
    }
    assert_int_equal(count(&o, "heartbeat"), UPLINK_HEARTBEATS_PER_SECOND);
    struct gossip_stats core = {0};
    struct udp_stats udp = {0};
    uplink_stats(&o.uplink, 1, &core, &udp, &(struct legacy_stats){0});
    expect(&o, NULL, "stats", "heartbeats_dropped");
    end(&o);
}

static void log_lines_have_a_rate_and_say_so(void **state)
{
    (void)state;
    struct owner o;
    configured(&o);
    for (int i = 0; i < 5000; i++) {
        log_line(&o.uplink.log, LEVEL_INFO, "line %d", i);
    }
    size_t passed = count(&o, "log");
    assert_true(passed > 10 && passed < 1000);
    assert_int_equal(o.uplink.log.dropped, 5000 - passed);
    uplink_time(&o.uplink, T0 + 10 * SECOND_US);
    expect(&o, NULL, "log", "log lines were left out");
    assert_false(next(&o, NULL));
    end(&o);
}

static void a_reader_that_is_gone_is_seen(void **state)
{
    (void)state;
    struct owner o;
    struct net *net = member_of(0);
    configured(&o);
    uplink_ready(&o.uplink, "1", 1, 1, 4096);
    (void)close(o.fds[0]);
    uplink_flush(&o.uplink, net->nodes[0]->g);
    assert_true(o.uplink.broken);
    uplink_flush(&o.uplink, net->nodes[0]->g); /* pays no more */
    assert_true(o.uplink.owed != 0);
    o.fds[0] = open("/dev/null", O_RDONLY);
    end(&o);
    net_free(net);
}

/* However many pulses an owner sends that does not read, their answers take no room from what it must know.
 */
static void a_pulse_is_answered_only_where_nothing_waits(void **state)
{
    (void)state;
    struct owner o;
    configured(&o);
    for (int i = 0; i < 1000; i++) {
        uplink_pulse(&o.uplink);
    }
    expect(&o, NULL, "pulse", "");
    assert_false(next(&o, NULL));
    uplink_keys_changed(&o.uplink);
    uplink_pulse(&o.uplink);
    expect(&o, NULL, "keys_changed", "");
    assert_false(next(&o, NULL));
    uplink_pulse(&o.uplink);
    expect(&o, NULL, "pulse", "");
    end(&o);
}

/* A plug that is loose is no reason to speak to everybody all the time. */
static void that_more_is_reached_is_told_at_a_bounded_rate_once_this_is_ready(void **state)
{
    (void)state;
    struct owner o;
    configured(&o);
    uplink_reaches_more(&o.uplink);
    assert_false(next(&o, NULL));
    uplink_ready(&o.uplink, "1", 1, 1, 4096);
    expect(&o, NULL, "ready", "");
    for (int i = 0; i < 1000; i++) {
        uplink_reaches_more(&o.uplink);
    }
    for (int i = 0; i < UPLINK_REACHES_BURST; i++) {
        expect(&o, NULL, "reaches_more", "");
    }
    assert_false(next(&o, NULL));
    uplink_time(&o.uplink, o.uplink.now + SECOND_US / UPLINK_REACHES_PER_SECOND);
    uplink_reaches_more(&o.uplink);
    uplink_reaches_more(&o.uplink);
    expect(&o, NULL, "reaches_more", "");
    assert_false(next(&o, NULL));
    end(&o);
}

static void the_last_word_is_a_frame_behind_what_waits(void **state)
{
    (void)state;
    struct owner o;
    struct fault fault;
    start(&o);
    (void)fault_set(&fault, FAULT_BAD_CONFIG, "port is %s", "odd\x1b");
    uplink_keys_changed(&o.uplink);
    uplink_fault(&o.uplink, &fault);
    expect(&o, NULL, "keys_changed", "");
    expect(&o, NULL, "error", "bad_config");
    assert_true(mentions(&o, "port is odd?"));
    assert_false(next(&o, NULL));
    end(&o);
}

static void parting_ends_with_the_owner(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1); /* what is not read does not end it */
    int64_t since = clock_now();
    uplink_part(fds[0]);
    assert_true(clock_now() - since >= 200 * MS_US);
    assert_int_equal(close(fds[1]), 0);
    since = clock_now();
    for (int i = 0; i < 100; i++) {
        uplink_part(fds[0]);
    }
    assert_true(clock_now() - since < 10 * SECOND_US); /* each in full would make twice that */
    assert_int_equal(close(fds[0]), 0);
}

/* Nobody reads: after a second it goes to stderr, whole. */
static void a_last_word_that_nobody_reads_goes_to_stderr(void **state)
{
    (void)state;
    struct owner o;
    struct fault fault;
    int err[2], saved = dup(STDERR_FILENO);
    char text[256] = "";
    assert_int_equal(pipe(err), 0);
    configured(&o);
    overflow(&o);
    struct gossip_stats core = {0};
    struct udp_stats udp = {0};
    for (uint32_t i = 0; i < 100; i++) {
        uplink_stats(&o.uplink, i, &core, &udp, &(struct legacy_stats){0}); /* more than the pipe takes */
    }
    (void)fault_set(&fault, FAULT_NETWORK, "the net is down");
    assert_true(dup2(err[1], STDERR_FILENO) >= 0);
    uplink_fault(&o.uplink, &fault);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_true(read(err[0], text, sizeof text - 1) > 0);
    assert_string_equal(text, "gossipd: the net is down\n");
    (void)close(err[0]);
    (void)close(err[1]);
    (void)close(saved);
    end(&o);
}

static int prepare(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    return term_init() == 0 && seal_init() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_words_are_in_order),
        cmocka_unit_test(events_and_answers_are_frames),
        cmocka_unit_test(an_event_snapshot_is_a_debt_that_is_paid_once),
        cmocka_unit_test(a_snapshot_has_pages),
        cmocka_unit_test(a_snapshot_tells_the_conflicts_that_hold),
        cmocka_unit_test(an_overflow_leaves_a_fresh_picture_owed),
        cmocka_unit_test(what_is_owed_does_not_grow),
        cmocka_unit_test(heartbeat_frames_have_a_rate),
        cmocka_unit_test(log_lines_have_a_rate_and_say_so),
        cmocka_unit_test(a_reader_that_is_gone_is_seen),
        cmocka_unit_test(a_pulse_is_answered_only_where_nothing_waits),
        cmocka_unit_test(that_more_is_reached_is_told_at_a_bounded_rate_once_this_is_ready),
        cmocka_unit_test(the_last_word_is_a_frame_behind_what_waits),
        cmocka_unit_test(parting_ends_with_the_owner),
        cmocka_unit_test(a_last_word_that_nobody_reads_goes_to_stderr),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
