/* What holds signs of life against the truth: the law by hand-made datagrams, and the rest among three
 * members of which it is told what no core should tell. That a core with a fault is seen is
 * sim_sees_what_is_late. */
#include <string.h>

#include "cluster.h"
#include "events.h"
#include "test.h"

#define WAY 100 /* microseconds, at most */

static struct origin said(uint64_t number, int64_t at)
{
    return (struct origin){.said = at, .life = 1, .number = number, .interval = SECOND_US};
}

static enum lives_fault judged(struct lives_pair *p, const struct origin *o, int64_t now)
{
    enum lives_fault fault = lives_judge(p, o, now, 0, WAY);
    if (fault == LIVES_RIGHT) {
        lives_renewed(p, o, now);
    }
    return fault;
}

static void what_is_late_against_the_quickest_is_found(void **state)
{
    (void)state;
    struct lives_pair p = {0};
    struct origin first = said(1, 0), in_time = said(2, SECOND_US), late = said(3, 2 * SECOND_US);
    assert_int_equal(judged(&p, &first, 50), LIVES_RIGHT);
    assert_int_equal(judged(&p, &in_time, 3 * SECOND_US), LIVES_RIGHT);
    assert_int_equal(judged(&p, &late, 4 * SECOND_US + 20 * MS_US), LIVES_LATE);
    late.interval = 2 * SECOND_US; /* 2 T are more */
    assert_int_equal(judged(&p, &late, 4 * SECOND_US + 20 * MS_US), LIVES_RIGHT);
    late = said(4, 5 * SECOND_US);
    assert_int_equal(judged(&p, &late, 9 * SECOND_US + 30 * MS_US),
                     LIVES_LATE); /* of what it has promised once */
}

static void ones_own_pause_is_added(void **state)
{
    (void)state;
    struct lives_pair p = {0};
    struct origin first = said(1, 0), waited = said(2, SECOND_US);
    assert_int_equal(judged(&p, &first, 50), LIVES_RIGHT);
    assert_int_equal(lives_judge(&p, &waited, 6 * SECOND_US, 0, WAY), LIVES_LATE);
    assert_int_equal(lives_judge(&p, &waited, 6 * SECOND_US, 4 * SECOND_US, WAY), LIVES_RIGHT);
}

static void an_answer_sets_the_measure_anew_for_two_seconds(void **state)
{
    (void)state;
    struct lives_pair p = {0};
    struct origin first = said(1, 0), answer = said(2, SECOND_US), after = said(3, 4 * SECOND_US);
    answer.echoes = true;
    assert_int_equal(judged(&p, &first, 50), LIVES_RIGHT);
    assert_int_equal(judged(&p, &answer, 3 * SECOND_US - MS_US), LIVES_RIGHT);
    assert_int_equal(judged(&p, &after, 8 * SECOND_US - 10 * MS_US),
                     LIVES_RIGHT); /* later by two than that */
    answer = said(4, 10 * SECOND_US);
    answer.echoes = true; /* of nothing that was asked lately */
    assert_int_equal(judged(&p, &answer, 15 * SECOND_US), LIVES_LATE);
}

static void what_was_never_heard_may_not_be_old_either(void **state)
{
    (void)state;
    struct lives_pair p = {0};
    struct origin o = said(7, 0);
    assert_int_equal(judged(&p, &o, 4 * SECOND_US + 20 * MS_US), LIVES_LATE);
    assert_int_equal(judged(&p, &o, 4 * SECOND_US), LIVES_RIGHT);
}

static void copies_and_what_was_overtaken_are_found(void **state)
{
    (void)state;
    struct lives_pair p = {0};
    struct origin two = said(2, 10), three = said(3, 20), answer = said(1, 5);
    assert_int_equal(judged(&p, &three, 60), LIVES_RIGHT);
    assert_int_equal(judged(&p, &three, 61), LIVES_COPIED);
    assert_int_equal(judged(&p, &two, 62), LIVES_COPIED);
    answer.echoes = true;
    assert_int_equal(judged(&p, &answer, 63), LIVES_RIGHT);
    assert_int_equal(judged(&p, &answer, 64), LIVES_COPIED);
    two.life = 2; /* another life counts anew */
    assert_int_equal(judged(&p, &two, 65), LIVES_RIGHT);
}

static void what_nobody_said_is_found(void **state)
{
    (void)state;
    struct lives_pair p = {0};
    struct origin o = said(0, 0);
    assert_int_equal(judged(&p, &o, 50), LIVES_FORGED);
}

struct three {
    struct options options;
    struct report report;
    struct cluster c;
    struct packet beat; /* of member 2 */
};

static void keep(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct three *t = context;
    (void)to;
    if (from == 2 && packets_at(&t->c.packets, packet)->class == PACKET_BEAT) {
        t->beat = *packets_at(&t->c.packets, packet);
    }
}

static struct three *three(void)
{
    static struct three t;
    struct keyring keys = {0};
    memset(&t, 0, sizeof t);
    t.options =
        (struct options){.nodes = 3, .interval_ms = 1000, .delay_min = 25, .delay_max = WAY, .no_seal = true};
    assert_int_equal(seal_init(), 0);
    assert_int_equal(keyring_add(&keys, SECRET_KEY, (const uint8_t[KEY_BYTES]){1}, KEY_BYTES, "", 0), 0);
    cluster_init(&t.c, &t.options, &keys, 1, &t.report);
    for (uint32_t i = 0; i < 3; i++) {
        cluster_start(&t.c, i, 1);
    }
    t.c.everything = keep;
    t.c.everything_context = &t;
    cluster_run(&t.c, 10 * SECOND_US);
    assert_true(cluster_complete(&t.c));
    assert_int_equal(t.beat.origin.by, 2);
    return &t;
}

static int64_t faults(const struct three *t)
{
    const struct tally *a = &t->c.tally;
    return a->late_lives + a->copied_lives + a->misplaced_lives + a->forged_lives + a->misled_addresses +
           a->raised_dead + a->kept_dead;
}

static void end(struct three *t)
{
    cluster_free(&t->c);
    report_free(&t->report);
}

/* As if the core had taken it for a sign of life. */
static void heard(struct three *t, const struct packet *p)
{
    lives_after(&t->c, 0, p, INT64_MIN);
}

static void each_kind_of_wrong_life_is_counted(void **state)
{
    (void)state;
    struct three *t = three();
    assert_int_equal(faults(t), 0);
    struct packet p = t->beat;
    heard(t, &p);
    assert_int_equal(t->c.tally.copied_lives, 1);
    p.origin.number = 0;
    heard(t, &p);
    assert_int_equal(t->c.tally.forged_lives, 1);
    p.origin.number = t->beat.origin.number + 1000;
    p.origin.said = cluster_now(&t->c) - 3 * SECOND_US;
    heard(t, &p);
    assert_int_equal(t->c.tally.late_lives, 1);
    p.origin.said = cluster_now(&t->c);
    p.from.kind = PATH_UNICAST; /* what was said to all */
    heard(t, &p);
    assert_int_equal(t->c.tally.misplaced_lives, 1);
    p.origin.kind = PATH_UNICAST;
    p.origin.to = cluster_address(&t->c, 1);
    heard(t, &p);
    assert_int_equal(t->c.tally.misplaced_lives, 2);
    assert_int_equal(faults(t), 5);
    p.origin.to = cluster_address(&t->c, 0);
    heard(t, &p);
    assert_int_equal(faults(t), 5); /* that is how it should be */
    end(t);
}

static struct event told(const struct three *t, uint8_t type, uint32_t subject)
{
    struct event e = {.type = type, .reason = DOWN_SILENT};
    e.peer.id.boot = t->c.observer.subjects[subject].boot;
    e.peer.id.name = cluster_name(subject);
    e.peer.addrs[e.peer.addr_count++] = cluster_address(&t->c, subject);
    return e;
}

static void addresses_are_those_of_the_member(void **state)
{
    (void)state;
    struct three *t = three();
    struct event e = told(t, EVENT_UPDATE, 2);
    events_take(&t->c, 0, &e);
    assert_int_equal(faults(t), 0);
    e.peer.addrs[0] = cluster_address(&t->c, 1);
    events_take(&t->c, 0, &e);
    e.peer.addrs[0].ip[0] = 11;
    events_take(&t->c, 0, &e);
    assert_int_equal(t->c.tally.misled_addresses, 2);
    assert_int_equal(faults(t), 2);
    end(t);
}

static void the_dead_are_neither_raised_nor_kept(void **state)
{
    (void)state;
    struct three *t = three();
    struct event e = told(t, EVENT_UP, 2);
    cluster_crash(&t->c, 2);
    cluster_run(&t->c, cluster_now(&t->c) + (LIVES_KEPT - 2) * SECOND_US);
    events_take(&t->c, 0, &e); /* a vouch that was late */
    assert_int_equal(faults(t), 0);
    cluster_run(&t->c, cluster_now(&t->c) + (LIVES_KEPT - 2) * SECOND_US);
    assert_int_equal(faults(t), 0);
    cluster_run(&t->c, cluster_now(&t->c) + 30 * SECOND_US);
    assert_int_equal(t->c.tally.kept_dead, 1);
    events_take(&t->c, 1, &e);
    assert_int_equal(t->c.tally.raised_dead, 1);
    cluster_run(&t->c, cluster_now(&t->c) + 30 * SECOND_US);
    assert_int_equal(t->c.tally.kept_dead, 2);
    assert_int_equal(faults(t), 3);
    end(t);
}

static void the_earlier_life_of_one_that_is_back_is_not_kept(void **state)
{
    (void)state;
    struct three *t = three();
    struct event e = told(t, EVENT_UP, 2);
    cluster_crash(&t->c, 2);
    cluster_run(&t->c, cluster_now(&t->c) + 5 * SECOND_US);
    events_take(&t->c, 0, &e);
    cluster_start(&t->c, 2, 2);
    cluster_run(&t->c, cluster_now(&t->c) + 3 * LIVES_KEPT * SECOND_US);
    assert_int_equal(t->c.tally.kept_dead, 1);
    end(t);
}

/* A member that is stopped, or calls itself isolated, cannot know. */
static void who_cannot_know_is_excused(void **state)
{
    (void)state;
    struct three *t = three();
    cluster_pause(&t->c, 0, 40 * SECOND_US);
    cluster_run(&t->c, cluster_now(&t->c) + SECOND_US);
    cluster_crash(&t->c, 1);
    cluster_crash(&t->c, 2);
    cluster_run(&t->c, cluster_now(&t->c) + 39 * SECOND_US);
    assert_int_equal(faults(t), 0);
    cluster_wake(&t->c, 0);
    cluster_run(&t->c, cluster_now(&t->c) + 60 * SECOND_US);
    assert_int_equal(faults(t), 0);
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_late_against_the_quickest_is_found),
        cmocka_unit_test(ones_own_pause_is_added),
        cmocka_unit_test(an_answer_sets_the_measure_anew_for_two_seconds),
        cmocka_unit_test(what_was_never_heard_may_not_be_old_either),
        cmocka_unit_test(copies_and_what_was_overtaken_are_found),
        cmocka_unit_test(what_nobody_said_is_found),
        cmocka_unit_test(each_kind_of_wrong_life_is_counted),
        cmocka_unit_test(addresses_are_those_of_the_member),
        cmocka_unit_test(the_dead_are_neither_raised_nor_kept),
        cmocka_unit_test(the_earlier_life_of_one_that_is_back_is_not_kept),
        cmocka_unit_test(who_cannot_know_is_excused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
