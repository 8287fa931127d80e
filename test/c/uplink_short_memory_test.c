/* What goes up while memory is short: nothing may be lost for good, and what is dropped is counted. */
#include "uplink.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "frame.h"
#include "net.h"
#include "refuse.h"
#include "test.h"

#include <ei.h>

struct owner {
    int fds[2];
    struct frame_parser parser;
    struct uplink uplink;
};

static void start(struct owner *o)
{
    *o = (struct owner){.parser = frame_parser_new(FRAME_LIMIT)};
    assert_int_equal(pipe(o->fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fcntl(o->fds[i], F_SETFL, O_NONBLOCK), 0);
    }
    assert_int_equal(uplink_init(&o->uplink, o->fds[1]), 0);
    uplink_time(&o->uplink, SECOND_US);
    uplink_configured(&o->uplink);
    refuse_start(prng_from(1), 100, 1);
}

static void end(struct owner *o)
{
    uplink_free(&o->uplink);
    frame_parser_free(&o->parser);
    (void)close(o->fds[0]);
    (void)close(o->fds[1]);
}

static void flush(struct owner *o, const struct gossip *core, bool refusing)
{
    refuse_inside(refusing);
    uplink_flush(&o->uplink, core);
    refuse_inside(false);
}

/* The tags of all frames that have come, each followed by a space. */
static void read_tags(struct owner *o, char *out, size_t size)
{
    size_t used = 0, room, len;
    out[0] = '\0';
    for (;;) {
        uint8_t *frame;
        if (frame_next(&o->parser, &frame, &len) == 1) {
            char tag[MAXATOMLEN_UTF8];
            int at = 0, version, arity;
            assert_int_equal(ei_decode_version((const char *)frame, &at, &version), 0);
            (void)ei_decode_tuple_header((const char *)frame, &at, &arity);
            assert_int_equal(ei_decode_atom((const char *)frame, &at, tag), 0);
            used += (size_t)snprintf(out + used, size - used, "%s ", tag);
            continue;
        }
        uint8_t *to = frame_room(&o->parser, &room);
        assert_non_null(to);
        ssize_t n = read(o->fds[0], to, room);
        if (n <= 0) {
            return;
        }
        frame_filled(&o->parser, (size_t)n);
    }
}

static void what_was_refused_is_told_as_soon_as_there_is_memory(void **state)
{
    (void)state;
    struct owner o;
    char tags[256];
    struct net *net = net_from(5);
    const struct gossip *core = net->nodes[net_member(net, "a@host", 1)]->g;
    const struct event health = {.type = EVENT_HEALTH, .health = HEALTH_ISOLATED};
    start(&o);
    refuse_inside(true);
    uplink_ready(&o.uplink, "1", gossip_boot(core), 1, 4096);
    uplink_event(&o.uplink, &health);
    refuse_inside(false);
    for (int i = 0; i < 3; i++) {
        flush(&o, core, true);
    }
    assert_true(refuse_count() > 0 && o.uplink.outbox.dropped >= 2);
    read_tags(&o, tags, sizeof tags);
    assert_string_equal(tags, "");
    flush(&o, core, false);
    read_tags(&o, tags, sizeof tags);
    assert_string_equal(tags, "ready snapshot snapshot_end health interfaces log ");
    flush(&o, core, false);
    read_tags(&o, tags, sizeof tags);
    assert_string_equal(tags, ""); /* once */
    end(&o);
    net_free(net);
}

/* ei would lose its buffer where it cannot grow it, and the term with it. */
static void the_largest_page_needs_no_memory(void **state)
{
    (void)state;
    struct term *t = term_new();
    struct peer_view p = {.status = STATUS_ALIVE, .addr_count = PEER_ADDRS};
    uint8_t ip[16];
    char name[NAME_MAX_LEN];
    memset(ip, 0xff, sizeof ip);
    memset(name, 'n', sizeof name);
    name[1] = '@';
    assert_int_equal(name_set(&p.id.name, name, sizeof name), 0);
    p.id.boot = p.id.creation = p.id.incarnation = UINT32_MAX;
    for (size_t i = 0; i < PEER_ADDRS; i++) {
        p.addrs[i] = addr_ipv6(ip, UINT16_MAX, UINT32_MAX);
    }
    refuse_start(prng_from(1), 100, 1);
    refuse_inside(true);
    int result = term_page_begin(t, true);
    for (int i = 0; i < UPLINK_PAGE_PEERS && result == 0; i++) {
        result = term_page_peer(t, &p);
    }
    result = result == 0 ? term_page_end(t) : result;
    refuse_inside(false);
    assert_int_equal(result, 0);
    assert_int_equal(refuse_count(), 0);
    term_free(t);
}

static void a_start_without_memory_fails_and_says_so(void **state)
{
    (void)state;
    struct uplink u;
    refuse_start(prng_from(1), 100, 1);
    refuse_inside(true);
    int result = uplink_init(&u, -1);
    refuse_inside(false);
    assert_int_equal(result, -1);
    uplink_free(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_refused_is_told_as_soon_as_there_is_memory),
        cmocka_unit_test(the_largest_page_needs_no_memory),
        cmocka_unit_test(a_start_without_memory_fails_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
