/* The links, by themselves: real sockets on the loopback interface, and looks that find what a test says. */
#include "links.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "lines.h"
#include "ports.h"
#include "receive_one.h"
#include "test.h"
#include "wait.h"

#define PATIENCE INT64_C(5000000) /* microseconds until a datagram on loopback is taken for lost */
#define T0       (100 * SECOND_US)

struct fixture {
    struct log log;
    struct lines lines;
    struct interface_list loopback, none, ghost;
    struct links links;
};

/* Where changes are not watched, all that is seen is seen by a look. */
static int64_t calm_gap(const struct links *l)
{
    return links_watch(l) >= 0 ? LINKS_CALM_GAP : LINKS_LOOK_GAP;
}

/* So much sooner than it must it may look, when it wakes for something else. */
static void assert_due(const struct links *l, int64_t slack)
{
    int64_t at = links_deadline(l) - slack;
    assert_false(links_due(l, at - 1));
    assert_true(links_due(l, at));
}

static const struct interface_filter LO = {.mode = FILTER_ONLY, .count = 1, .items = {"127.0.0.1"}};

static void start(struct fixture *f, const struct interface_filter *filter)
{
    const uint8_t group[4] = {233, 252, 1, 33}, ip[4] = {192, 0, 2, 77};
    struct udp_options options = {.group = addr_ipv4(group, ports_first(), 0)};
    struct fault fault = {0};
    memset(f, 0, sizeof *f);
    f->log = lines_log(&f->lines);
    assert_int_equal(interfaces_list(&LO, &f->loopback, NULL), 0);
    assert_int_equal(f->loopback.count, 1);
    f->ghost = f->loopback; /* it is listed, and cannot be joined */
    f->ghost.items[1] =
        (struct interface){.name = "ghost0", .index = 999999, .addr = addr_ipv4(ip, 0, 999999)};
    f->ghost.count = 2;
    if (links_open(&f->links, &options, filter, &f->log, &fault) != 0) {
        fail_msg("%s", fault.text);
    }
}

/* Multicasts `text`; how many copies come back until it, or `end` sent after it to oneself, is heard. */
static size_t copies(struct fixture *f, const char *text)
{
    const struct path group = path_group();
    size_t heard = 0;
    links_send(&f->links, T0, &group, (const uint8_t *)text, strlen(text));
    for (int64_t until = clock_now() + PATIENCE; clock_now() < until;) {
        struct pollfd fds[UDP_SOCKETS_MAX];
        size_t count = links_descriptors(&f->links, fds);
        /* Once one was heard, all were: loopback delivers to every socket before sendmsg returns. */
        assert_true(wait_for(fds, count, heard > 0 ? 0 : PATIENCE) >= 0);
        size_t before = heard;
        for (size_t i = 0; i < count; i++) {
            struct path from;
            uint8_t data[DATAGRAM_MAX];
            size_t len;
            while (fds[i].revents != 0 && receive_one(f->links.udp, i, &from, data, &len) == 1) {
                heard += len == strlen(text) && memcmp(data, text, len) == 0;
            }
        }
        if (heard > 0 && heard == before) {
            break;
        }
    }
    return heard;
}

static void closed_links_ask_for_nothing(void **state)
{
    (void)state;
    struct links l = {0};
    struct pollfd fds[UDP_SOCKETS_MAX];
    assert_true(links_deadline(&l) == NEVER);
    assert_false(links_due(&l, T0));
    assert_int_equal(links_descriptors(&l, fds), 0);
    links_close(&l);
}

static void the_first_look_is_due_at_once_and_asks_the_system(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &LO);
    assert_true(links_deadline(&f.links) <= 0);
    assert_true(links_look(&f.links, T0));
    assert_int_equal(f.links.network.count, 1);
    assert_int_equal(f.links.network.items[0].index, f.loopback.items[0].index);
    assert_int_equal(f.links.network.reach, REACH_LOOPBACK);
    assert_int_equal(f.links.network.missing_count, 0);
    assert_int_equal(f.lines.count, 1);
    assert_non_null(strstr(f.lines.last, "multicast on lo"));
    assert_non_null(strstr(f.lines.last, "127.0.0.1"));
    assert_true(links_deadline(&f.links) == T0 + calm_gap(&f.links)); /* all is well */
    assert_due(&f.links, links_watch(&f.links) >= 0 ? LINKS_SLACK : 0);
    assert_int_equal(copies(&f, "one"), 1);
    links_close(&f.links);
}

static void looks_are_idempotent(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &LO);
    assert_true(links_found(&f.links, &f.loopback, T0));
    for (int i = 1; i <= 50; i++) {
        assert_false(links_found(&f.links, &f.loopback, T0 + i * LINKS_TELL_GAP));
        assert_true(links_deadline(&f.links) == T0 + i * LINKS_TELL_GAP + calm_gap(&f.links));
    }
    assert_int_equal(f.lines.count, 1);
    assert_int_equal(f.links.network.count, 1);
    assert_int_equal(copies(&f, "still one"), 1);
    links_close(&f.links);
}

static void no_interface_is_a_state_that_is_looked_after(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &LO);
    assert_true(links_found(&f.links, &f.none, T0));
    assert_int_equal(f.links.network.count, 0);
    assert_int_equal(f.links.network.reach, REACH_NONE);
    assert_int_equal(f.lines.count, 1);
    assert_string_equal(f.lines.last, "no interface to multicast on; one that comes is used");
    assert_true(links_deadline(&f.links) == T0 + LINKS_LOOK_GAP);
    assert_due(&f.links, 0);
    for (int i = 1; i <= 5; i++) {
        int64_t now = T0 + i * LINKS_LOOK_GAP;
        assert_false(links_found(&f.links, &f.none, now));
        assert_true(links_deadline(&f.links) == now + LINKS_LOOK_GAP);
    }
    assert_int_equal(f.lines.count, 1); /* told once */
    links_close(&f.links);
}

static void a_link_that_comes_back_is_joined_again(void **state)
{
    (void)state;
    struct fixture f;
    int64_t now = T0;
    start(&f, &LO);
    assert_true(links_found(&f.links, &f.loopback, now));
    for (int i = 0; i < 5; i++) {
        now += LINKS_TELL_GAP;
        assert_true(links_found(&f.links, &f.none, now));
        assert_int_equal(f.links.network.count, 0);
        assert_non_null(strstr(f.lines.last, "no interface"));
        now += LINKS_TELL_GAP;
        assert_true(links_found(&f.links, &f.loopback, now));
        assert_int_equal(f.links.network.count, 1);
        assert_non_null(strstr(f.lines.last, "multicast on lo"));
        assert_int_equal(copies(&f, "again"), 1);
    }
    assert_int_equal(f.lines.count, 11);
    links_close(&f.links);
}

static void a_change_is_made_at_once_and_told_once_a_second(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &LO);
    assert_true(links_found(&f.links, &f.loopback, T0));
    for (int i = 1; i <= 9; i++) { /* it flaps, and is here at last */
        int64_t now = T0 + i * LINKS_TELL_GAP / 10;
        assert_false(links_found(&f.links, i % 2 == 1 ? &f.none : &f.loopback, now));
        if (i % 2 == 0) {
            assert_int_equal(copies(&f, "at once"), 1);
        }
    }
    assert_false(links_found(&f.links, &f.loopback, T0 + LINKS_TELL_GAP)); /* as told: nothing to tell */
    assert_int_equal(f.lines.count, 1);

    assert_true(links_found(&f.links, &f.none, T0 + 2 * LINKS_TELL_GAP));
    assert_int_equal(f.lines.count, 2);
    int64_t soon = T0 + 2 * LINKS_TELL_GAP + 10 * MS_US;
    assert_false(links_found(&f.links, &f.loopback, soon)); /* joined, and all is well, but not yet told: */
    assert_true(links_deadline(&f.links) == T0 + 3 * LINKS_TELL_GAP);
    assert_due(&f.links, 0);
    assert_int_equal(copies(&f, "not told"), 1);
    assert_true(links_found(&f.links, &f.loopback, links_deadline(&f.links)));
    assert_int_equal(f.lines.count, 3);
    assert_true(links_deadline(&f.links) == T0 + 3 * LINKS_TELL_GAP + calm_gap(&f.links));
    links_close(&f.links);
}

/* It is the same link by index and address, and is told under its new name, with nothing joined anew. */
static void a_link_that_is_renamed_is_told_under_its_new_name(void **state)
{
    (void)state;
    struct fixture f;
    size_t count;
    start(&f, &LO);
    assert_true(links_found(&f.links, &f.loopback, T0));
    struct interface_list renamed = f.loopback;
    (void)snprintf(renamed.items[0].name, sizeof renamed.items[0].name, "wan0");
    assert_true(links_found(&f.links, &renamed, T0 + LINKS_TELL_GAP));
    assert_string_equal(f.links.network.items[0].name, "wan0");
    assert_string_equal(udp_interfaces(f.links.udp, &count)[0].name, "wan0");
    assert_non_null(strstr(f.lines.last, "multicast on wan0 127.0.0.1"));
    assert_false(links_found(&f.links, &renamed, T0 + 2 * LINKS_TELL_GAP));
    assert_int_equal(copies(&f, "once"), 1);
    links_close(&f.links);
}

static void what_cannot_be_joined_is_tried_again_and_told_once(void **state)
{
    (void)state;
    struct fixture f;
    int64_t now = T0;
    start(&f, &LO);
    assert_true(links_found(&f.links, &f.ghost, now));
    assert_int_equal(f.links.network.count, 1);
    size_t told = f.lines.count;
    for (int i = 0; i < 5; i++) {
        assert_true(links_deadline(&f.links) == now + LINKS_LOOK_GAP);
        now = links_deadline(&f.links);
        assert_false(links_found(&f.links, &f.ghost, now));
    }
    assert_int_equal(f.lines.count, told);
    links_close(&f.links);
}

static void what_is_named_and_missing_is_told_once_each_time_it_goes(void **state)
{
    (void)state;
    struct fixture f;
    const struct interface_filter two = {.mode = FILTER_ONLY, .count = 2, .items = {"127.0.0.1", "ghost9"}};
    struct interface_list missing;
    int64_t now = T0;
    start(&f, &two);
    missing = f.loopback;
    missing.missing = 2;
    assert_true(links_found(&f.links, &missing, now));
    assert_int_equal(f.lines.count, 2); /* the warning, and what is joined */
    assert_int_equal(f.links.network.missing_count, 1);
    assert_string_equal(f.links.network.missing[0], "ghost9");
    for (int i = 0; i < 3; i++) {
        assert_true(links_deadline(&f.links) == now + LINKS_LOOK_GAP);
        now = links_deadline(&f.links);
        assert_false(links_found(&f.links, &missing, now));
    }
    assert_int_equal(f.lines.count, 2);
    now += LINKS_TELL_GAP;
    assert_true(links_found(&f.links, &f.loopback, now)); /* it has come, with the same address */
    assert_int_equal(f.links.network.missing_count, 0);
    assert_true(links_deadline(&f.links) == now + calm_gap(&f.links));
    now += LINKS_TELL_GAP;
    assert_true(links_found(&f.links, &missing, now));
    assert_int_equal(f.links.network.missing_count, 1);
    assert_int_equal(f.lines.count, 3);
    assert_non_null(strstr(f.lines.last, "ghost9"));
    links_close(&f.links);
}

static void loopback_for_want_of_a_network_is_a_warning(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &LO);
    struct interface_list fallback = f.loopback;
    fallback.fallback = true;
    assert_true(links_found(&f.links, &fallback, T0));
    assert_non_null(strstr(f.lines.last, "only nodes on this machine"));
    assert_true(links_deadline(&f.links) == T0 + LINKS_LOOK_GAP);          /* the network may come */
    assert_false(links_found(&f.links, &f.loopback, T0 + LINKS_TELL_GAP)); /* told in the log alone */
    assert_non_null(strstr(f.lines.last, "multicast on lo"));
    links_close(&f.links);
}

/* Who counts on multicast is warned, of each trouble; who has seeds is informed, once. */
static void that_no_multicast_arrives_is_told_as_loud_as_it_matters(void **state)
{
    (void)state;
    static const struct {
        bool seeds, closed;
        uint8_t first, second;
    } rows[] = {{false, false, LEVEL_WARNING, LEVEL_WARNING},
                {true, false, LEVEL_INFO, LEVEL_DEBUG},
                {true, true, LEVEL_INFO, LEVEL_DEBUG}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fixture f;
        start(&f, &LO);
        (void)links_found(&f.links, &f.loopback, T0);
        const struct interface *lo = &f.loopback.items[0];
        struct link_view link = {.ifindex = lo->index, .mute = 2};
        links_seeds(&f.links, rows[i].seeds);
        size_t before = f.lines.count;
        if (rows[i].closed) {
            assert_true(troubles_closed(&f.links.troubles, &f.log, lo, true));
        } else {
            assert_true(links_heard(&f.links, &link));
        }
        assert_int_equal(f.lines.count, before + 1);
        assert_int_equal(f.lines.level, rows[i].first);
        link.deaf = 2; /* both, for a deaf one is the other's mute one */
        assert_true(links_heard(&f.links, &link));
        assert_int_equal(f.lines.count, before + (rows[i].closed ? 3u : 2u));
        assert_int_equal(f.lines.level, rows[i].second);
        assert_int_equal(f.links.network.trouble_count, 1); /* the owner knows in either case */
        assert_int_equal(f.links.network.troubles[0].deaf, 2);
        links_close(&f.links);
    }
}

/* Each is said when it begins, once, and when it ends; and with its interface it ends in silence, as with all
 * that was known of the group. */
static void troubles_are_said_once_and_end_with_their_interface(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, &LO);
    (void)links_found(&f.links, &f.loopback, T0);
    struct troubles *t = &f.links.troubles;
    const struct interface *lo = &f.loopback.items[0];
    const struct link_view link = {.ifindex = lo->index, .deaf = 1, .mute = 1};
    size_t before = f.lines.count;
    for (int i = 0; i < 3; i++) {
        assert_true(links_heard(&f.links, &link));
        assert_int_equal(troubles_closed(t, &f.log, lo, true), i == 0);
    }
    assert_int_equal(f.lines.count, before + 3);
    assert_string_equal(t->items[0].name, lo->name);
    assert_true(troubles_closed(t, &f.log, lo, false));
    assert_false(troubles_closed(t, &f.log, lo, false));
    assert_int_equal(f.lines.count, before + 4);
    assert_int_equal(t->count, 1); /* deaf and mute are not over */
    assert_false(troubles_keep(t, f.loopback.items, f.loopback.count));
    assert_int_equal(t->count, 1);
    assert_true(links_heard(&f.links, NULL)); /* the core has forgotten whom it heard */
    assert_int_equal(t->count, 0);
    assert_false(links_heard(&f.links, NULL));

    assert_true(links_heard(&f.links, &link));
    assert_true(troubles_closed(t, &f.log, lo, true));
    assert_true(troubles_keep(t, NULL, 0));
    assert_int_equal(t->count, 0);
    assert_int_equal(f.lines.count, before + 7);
    links_close(&f.links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_links_ask_for_nothing),
        cmocka_unit_test(that_no_multicast_arrives_is_told_as_loud_as_it_matters),
        cmocka_unit_test(troubles_are_said_once_and_end_with_their_interface),
        cmocka_unit_test(the_first_look_is_due_at_once_and_asks_the_system),
        cmocka_unit_test(looks_are_idempotent),
        cmocka_unit_test(no_interface_is_a_state_that_is_looked_after),
        cmocka_unit_test(a_link_that_comes_back_is_joined_again),
        cmocka_unit_test(a_change_is_made_at_once_and_told_once_a_second),
        cmocka_unit_test(a_link_that_is_renamed_is_told_under_its_new_name),
        cmocka_unit_test(what_cannot_be_joined_is_tried_again_and_told_once),
        cmocka_unit_test(what_is_named_and_missing_is_told_once_each_time_it_goes),
        cmocka_unit_test(loopback_for_want_of_a_network_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
