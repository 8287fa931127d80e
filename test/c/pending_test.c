#include "state/pending.h"

#include "prng.h"
#include "test.h"

static void pending_are_bounded(void **state)
{
    (void)state;
    static struct pendings t;
    pending_init(&t, 9);
    for (uint64_t boot = 1; boot <= PENDING_MAX; boot++) {
        struct pending *p = pending_note(&t, boot);
        p->nonce = 3;
    }
    for (uint64_t boot = 1; boot <= PENDING_MAX; boot++) {
        uint64_t next = boot == 1 ? 100 : boot <= 100 ? boot - 1 : boot; /* 100 first */
        pending_heard(&t, pending_find(&t, next), 1000 + (int64_t)boot);
    }
    assert_int_equal(t.count, PENDING_MAX);
    struct pending *known = pending_note(&t, 7); /* nobody gives way */
    assert_ptr_equal(known, pending_find(&t, 7));
    assert_int_equal(known->nonce, 3);

    struct pending *p = pending_note(&t, 5000); /* the one not heard for longest gives way */
    assert_int_equal(t.count, PENDING_MAX);
    assert_null(pending_find(&t, 100));
    assert_true(p->boot == 5000 && p->nonce == 0 && p->heard == 0);

    for (uint64_t boot = 1; boot <= PENDING_MAX; boot++) {
        pending_drop(&t, pending_find(&t, boot)); /* NULL for 100 */
        assert_null(pending_find(&t, boot));
    }
    assert_int_equal(t.count, 1);
    assert_non_null(pending_find(&t, 5000));
    pending_drop(&t, NULL);
    assert_int_equal(t.count, 1);
    pending_free(&t);
}

static void those_not_heard_lately_are_forgotten(void **state)
{
    (void)state;
    static struct pendings t;
    pending_init(&t, 9);
    for (uint64_t boot = 1; boot <= 9; boot++) {
        (void)pending_note(&t, boot);
    }
    for (uint64_t k = 0; k < 9; k++) { /* 0, 1000 and 2000, three of each */
        pending_heard(&t, pending_find(&t, 1 + k % 3 * 3 + k / 3), 1000 * (int64_t)(k / 3));
    }
    for (uint64_t boot = 1; boot <= 9; boot++) {
        assert_int_equal(pending_find(&t, boot)->heard, 1000 * (int64_t)((boot - 1) % 3));
    }
    pending_expire(&t, 1000);
    assert_int_equal(t.count, 6);
    for (uint64_t boot = 1; boot <= 9; boot++) {
        assert_int_equal(pending_find(&t, boot) == NULL, boot % 3 == 1);
    }
    pending_expire(&t, 2001);
    assert_int_equal(t.count, 0);
    pending_free(&t);
}

/* Against a look at all of them: whoever is heard, dropped or forgotten, in whatever order, the one that
 * gives way is the one not heard for longest. */
static void the_one_not_heard_for_longest_gives_way(void **state)
{
    (void)state;
    static struct pendings t;
    static int64_t heard[4 * PENDING_MAX]; /* by boot id; 0: it is not there */
    struct prng p = prng_printed("the_one_not_heard_for_longest_gives_way");
    size_t gave_way = 0;
    pending_init(&t, 9);
    for (int64_t now = 1; now <= 30000; now++) {
        uint64_t boot = 1 + prng_below(&p, COUNT(heard) - 1);
        uint32_t chance = prng_below(&p, 1000);
        if (chance < 50) {
            pending_drop(&t, pending_find(&t, boot));
            heard[boot] = 0;
            continue;
        }
        if (chance < 51) {
            pending_expire(&t, now - 800);
            for (size_t i = 0; i < COUNT(heard); i++) {
                heard[i] = heard[i] < now - 800 ? 0 : heard[i];
            }
            continue;
        }
        size_t oldest = 0;
        for (size_t i = 1; i < COUNT(heard) && t.count == PENDING_MAX && heard[boot] == 0; i++) {
            oldest = heard[i] > 0 && (oldest == 0 || heard[i] < heard[oldest]) ? i : oldest;
        }
        gave_way += oldest != 0;
        heard[oldest] = 0;
        heard[boot] = now;
        pending_heard(&t, pending_note(&t, boot), now);
        assert_true(oldest == 0 || pending_find(&t, oldest) == NULL);
        assert_int_equal(pending_find(&t, boot)->heard, now);
    }
    for (size_t i = 1; i < COUNT(heard); i++) {
        const struct pending *found = pending_find(&t, i);
        assert_int_equal(found == NULL ? 0 : found->heard, heard[i]);
    }
    assert_true(gave_way > 1000);
    pending_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_are_bounded),
        cmocka_unit_test(those_not_heard_lately_are_forgotten),
        cmocka_unit_test(the_one_not_heard_for_longest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
