#include "queue.h"

#include "rng.h"
#include "test.h"

static struct queue_event event(uint32_t n)
{
    return (struct queue_event){.kind = 1, .node = n, .packet = n + 1};
}

static void events_of_one_moment_come_in_the_order_of_adding(void **state)
{
    (void)state;
    static const int64_t moments[] = {
        0, 7, QUEUE_SLOTS - 1, QUEUE_SLOTS, QUEUE_SLOTS + 1, 10 * QUEUE_SLOTS + 3};
    for (size_t m = 0; m < COUNT(moments); m++) {
        struct queue q;
        struct queue_event e;
        queue_init(&q);
        for (uint32_t i = 0; i < 50; i++) {
            queue_add(&q, moments[m], event(i));
        }
        for (uint32_t i = 0; i < 50; i++) {
            assert_true(queue_take(&q, INT64_MAX, &e));
            assert_int_equal(e.node, i);
            assert_int_equal(e.packet, i + 1);
            assert_int_equal(q.now, moments[m]);
        }
        assert_false(queue_take(&q, 99 * QUEUE_SLOTS, &e));
        queue_free(&q);
    }
}

/* What is far when it is added comes before what is added to the same moment later, when it is near. */
static void far_comes_before_near_in_one_moment(void **state)
{
    (void)state;
    struct queue q;
    struct queue_event e;
    queue_init(&q);
    queue_add(&q, QUEUE_SLOTS + 10, event(1));
    assert_false(queue_take(&q, 100, &e));
    queue_add(&q, QUEUE_SLOTS + 10, event(2));
    assert_true(queue_take(&q, INT64_MAX, &e));
    assert_int_equal(e.node, 1);
    assert_true(queue_take(&q, INT64_MAX, &e));
    assert_int_equal(e.node, 2);
    queue_free(&q);
}

static void nothing_is_taken_before_its_time(void **state)
{
    (void)state;
    struct queue q;
    struct queue_event e;
    queue_init(&q);
    queue_add(&q, 1000, event(1));
    assert_false(queue_take(&q, 999, &e));
    assert_int_equal(q.now, 999);
    assert_true(queue_take(&q, 1000, &e));
    queue_add(&q, 5, event(2)); /* in the past: now */
    assert_true(queue_take(&q, 1000, &e));
    assert_int_equal(e.node, 2);
    assert_int_equal(q.now, 1000);
    queue_free(&q);
}

static void peeking_shows_what_comes_and_takes_nothing(void **state)
{
    (void)state;
    struct queue q;
    struct queue_event ahead[4], e;
    queue_init(&q);
    assert_int_equal(queue_peek(&q, COUNT(ahead), ahead), 0);
    queue_add(&q, 3, event(2));
    queue_add(&q, 1, event(0));
    queue_add(&q, 1, event(1));
    queue_add(&q, 5, event(3));
    queue_add(&q, 6, event(4));
    assert_int_equal(queue_peek(&q, COUNT(ahead), ahead), 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(ahead[i].node, i);
        assert_true(queue_take(&q, INT64_MAX, &e));
        assert_int_equal(e.node, i);
    }
    assert_int_equal(queue_peek(&q, COUNT(ahead), ahead), 1);
    queue_free(&q);
}

/* Against a plain list: whatever is added at random, times never go back and nothing is lost. */
static void random_events_come_sorted_and_all(void **state)
{
    (void)state;
    enum { EVENTS = 20000 };
    static int64_t due[EVENTS];
    static bool seen[EVENTS];
    struct queue q;
    struct queue_event e;
    struct rng r;
    rng_seed(&r, 42, 0);
    queue_init(&q);
    uint32_t added = 0, taken = 0;
    while (taken < EVENTS) {
        if (added < EVENTS && (q.count == 0 || rng_below(&r, 3) > 0)) {
            static const int64_t spans[] = {10, 1000, QUEUE_SLOTS + 100, 50 * (int64_t)QUEUE_SLOTS};
            due[added] = q.now + rng_between(&r, 0, spans[rng_below(&r, 4)]);
            queue_add(&q, due[added], event(added));
            added++;
            continue;
        }
        int64_t before = q.now;
        assert_true(queue_take(&q, INT64_MAX, &e));
        assert_true(q.now >= before);
        assert_int_equal(q.now, due[e.node]);
        assert_false(seen[e.node]);
        seen[e.node] = true;
        taken++;
    }
    assert_int_equal(q.count, 0);
    queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_one_moment_come_in_the_order_of_adding),
        cmocka_unit_test(far_comes_before_near_in_one_moment),
        cmocka_unit_test(nothing_is_taken_before_its_time),
        cmocka_unit_test(peeking_shows_what_comes_and_takes_nothing),
        cmocka_unit_test(random_events_come_sorted_and_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
