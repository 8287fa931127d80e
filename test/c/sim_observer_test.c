/* The observer and the judge: figures hang on them, so they are tested by hand-made events. */
#include <string.h>

#include "cluster.h"
#include "judge.h"
#include "observer.h"
#include "test.h"

static struct event told(uint8_t type, uint32_t subject, uint64_t boot)
{
    struct event e = {.type = type, .reason = DOWN_SILENT};
    e.peer.id.boot = boot;
    e.peer.id.name = cluster_name(subject);
    return e;
}

static uint8_t see(struct observer *o, int64_t now, uint32_t node, uint8_t type, uint32_t subject,
                   uint64_t boot)
{
    struct event e = told(type, subject, boot);
    return observer_event(o, now, node, &e).kind;
}

static void started(struct observer *o, uint32_t count)
{
    observer_init(o, count);
    for (uint32_t i = 0; i < count; i++) {
        observer_started(o, 0, i, 100 + i, i);
    }
}

static void all_know_all_when_every_pair_is_up(void **state)
{
    (void)state;
    struct observer o;
    started(&o, 3);
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            if (i != k) {
                assert_false(observer_complete(&o));
                assert_int_equal(see(&o, 10 * i + k, i, EVENT_UP, k, 100 + k), SIGHT_UP);
            }
        }
    }
    assert_true(observer_complete(&o));
    assert_int_equal(o.subjects[2].known_to_all_at, 12);
    assert_int_equal(o.subjects[2].knows_all_at, 21);
    observer_stopped(&o, 50, 2);
    assert_true(observer_complete(&o)); /* of the two that run */
    assert_int_equal(o.subjects[2].known_by, 2);
    assert_int_equal(see(&o, 60, 0, EVENT_DOWN, 2, 102), SIGHT_DOWN);
    assert_int_equal(o.subjects[2].known_by, 1);
    observer_free(&o);
}

static void lives_of_one_name_are_told_apart(void **state)
{
    (void)state;
    struct observer o;
    started(&o, 2);
    assert_int_equal(see(&o, 1, 0, EVENT_UP, 1, 101), SIGHT_UP);
    observer_stopped(&o, 2, 1);
    observer_started(&o, 3, 1, 555, 1);
    assert_true(observer_lists_earlier(&o, 0, 1));
    assert_int_equal(see(&o, 4, 0, EVENT_UPDATE, 1, 555), SIGHT_TAKEOVER);
    assert_true(observer_lists(&o, 0, 1));
    assert_int_equal(see(&o, 5, 0, EVENT_DOWN, 1, 555), SIGHT_DOWN);
    assert_int_equal(see(&o, 6, 0, EVENT_UP, 1, 101), SIGHT_GHOST);
    assert_int_equal(see(&o, 7, 0, EVENT_DOWN, 1, 101), SIGHT_OLD);
    observer_free(&o);
}

static void events_that_cannot_be_are_noticed(void **state)
{
    (void)state;
    struct observer o;
    started(&o, 2);
    assert_int_equal(see(&o, 1, 0, EVENT_DOWN, 1, 101), SIGHT_WRONG);
    assert_int_equal(see(&o, 1, 0, EVENT_UPDATE, 1, 101), SIGHT_WRONG);
    assert_int_equal(see(&o, 1, 0, EVENT_UP, 1, 101), SIGHT_UP);
    assert_int_equal(see(&o, 1, 0, EVENT_UP, 1, 101), SIGHT_WRONG);
    assert_int_equal(see(&o, 1, 0, EVENT_UP, 7, 107), SIGHT_STRANGER);
    observer_free(&o);
}

static void twins_are_told_apart_by_boot_id(void **state)
{
    (void)state;
    struct observer o;
    observer_init(&o, 3);
    observer_started(&o, 0, 0, 100, 0);
    observer_started(&o, 0, 1, 101, 1);
    observer_started(&o, 0, 2, 102, 0);
    struct event e = told(EVENT_UP, 0, 102);
    struct sighting s = observer_event(&o, 1, 1, &e);
    assert_int_equal(s.kind, SIGHT_UP);
    assert_int_equal(s.subject, 2);
    observer_free(&o);
}

static void stalls_are_counted_by_pair(void **state)
{
    (void)state;
    struct observer o;
    started(&o, 3);
    struct event e = told(EVENT_UP, 2, 102);
    (void)observer_event(&o, 1, 0, &e);
    e = told(EVENT_UPDATE, 2, 102);
    e.peer.status = STATUS_STALLED;
    (void)observer_event(&o, 2, 0, &e);
    (void)observer_event(&o, 3, 0, &e);
    assert_int_equal(o.subjects[2].stalled_by, 1);
    assert_int_equal(see(&o, 4, 0, EVENT_DOWN, 2, 102), SIGHT_DOWN);
    assert_int_equal(o.subjects[2].stalled_by, 0);
    observer_free(&o);
}

struct trial {
    struct options options;
    struct keyring keys;
    struct report report;
    struct cluster c;
};

static void trial_start(struct trial *t)
{
    static const uint8_t secret[KEY_BYTES] = {1};
    memset(t, 0, sizeof *t);
    t->options = (struct options){.scenario = "join",
                                  .nodes = 6,
                                  .delay_min = 25,
                                  .delay_max = 100,
                                  .interval_ms = 1000,
                                  .no_seal = true};
    assert_int_equal(seal_init(), 0);
    assert_int_equal(keyring_add(&t->keys, SECRET_KEY, secret, sizeof secret, "", 0), 0);
    cluster_init(&t->c, &t->options, &t->keys, 1, &t->report);
    for (uint32_t i = 0; i < 6; i++) {
        cluster_start(&t->c, i, 1);
    }
    assert_true(cluster_run_until(&t->c, 5 * SECOND_US, cluster_complete));
}

static void trial_end(struct trial *t)
{
    cluster_free(&t->c);
    report_free(&t->report);
}

static void who_runs_dies_falsely_and_who_was_stopped_does_not(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_FALSE);
    int64_t start = cluster_now(&t.c);
    cluster_pause(&t.c, 1, 500 * MS_US);
    cluster_run(&t.c, start + 500 * MS_US);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_FALSE); /* half a second is no excuse */
    cluster_wake(&t.c, 1);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_FALSE);
    cluster_pause(&t.c, 1, 700 * MS_US);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_EXEMPT);
    cluster_run(&t.c, start + 1200 * MS_US);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_EXEMPT);
    assert_int_equal(judge_death(&t.c, 1, 0), DEATH_FALSE); /* the observer's own sleep excuses nothing */
    cluster_wake(&t.c, 1);
    cluster_run(&t.c, start + 1200 * MS_US + NETWORK_HEALED - 1);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_EXEMPT);
    cluster_run(&t.c, start + 1200 * MS_US + NETWORK_HEALED);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_FALSE);
    cluster_crash(&t.c, 1);
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_TRUE);
    trial_end(&t);
}

static void cuts_excuse_the_other_side_and_the_deaf_are_not_excused(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    struct network *n = &t.c.network;
    n->reach[0].side = 1;
    n->reach[1].side = 1;
    network_cut(n, cluster_now(&t.c), 0, 1, true);
    assert_int_equal(judge_death(&t.c, 0, 2), DEATH_SEPARATED);
    assert_int_equal(judge_death(&t.c, 2, 0), DEATH_FALSE); /* that way is open */
    assert_int_equal(judge_death(&t.c, 0, 1), DEATH_FALSE); /* of its own side */
    network_lose(n, cluster_now(&t.c), 3, REACH_NO_HEARING);
    assert_int_equal(judge_death(&t.c, 3, 4), DEATH_FALSE); /* who hears nobody may bury nobody */
    assert_int_equal(judge_death(&t.c, 4, 3), DEATH_FALSE); /* it can be heard */
    network_lose(n, cluster_now(&t.c), 3, REACH_NO_SENDING);
    assert_int_equal(judge_death(&t.c, 4, 3), DEATH_EXEMPT);
    network_lose(n, cluster_now(&t.c), 3, REACH_MUTE);
    cluster_run(&t.c, cluster_now(&t.c) + NETWORK_HEALED + 1);
    assert_int_equal(judge_death(&t.c, 4, 3), DEATH_FALSE); /* unicast works */
    trial_end(&t);
}

/* A stopped process finds its datagrams when it wakes, as many as its sockets can hold. */
static void the_paused_hear_later_what_they_can_hold(void **state)
{
    (void)state;
    struct trial t;
    trial_start(&t);
    int64_t start = cluster_now(&t.c);
    cluster_pause(&t.c, 1, 10 * SECOND_US);
    uint64_t heard = gossip_stats(t.c.nodes[1].g).received;
    cluster_run(&t.c, start + 10 * SECOND_US);
    assert_int_equal(gossip_stats(t.c.nodes[1].g).received, heard);
    size_t waiting = t.c.nodes[1].inbox[0].count + t.c.nodes[1].inbox[1].count;
    assert_true(waiting > 40);
    cluster_wake(&t.c, 1);
    assert_int_equal(gossip_stats(t.c.nodes[1].g).received, heard + waiting);
    assert_int_equal(t.c.nodes[1].inbox[0].count, 0);
    trial_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_know_all_when_every_pair_is_up),
        cmocka_unit_test(lives_of_one_name_are_told_apart),
        cmocka_unit_test(events_that_cannot_be_are_noticed),
        cmocka_unit_test(twins_are_told_apart_by_boot_id),
        cmocka_unit_test(stalls_are_counted_by_pair),
        cmocka_unit_test(who_runs_dies_falsely_and_who_was_stopped_does_not),
        cmocka_unit_test(cuts_excuse_the_other_side_and_the_deaf_are_not_excused),
        cmocka_unit_test(the_paused_hear_later_what_they_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
