#include "state/pending.h"

#include "test.h"

static void pending_are_bounded(void **state)
{
    (void)state;
    static struct pendings t;
    pending_init(&t, 9);
    for (uint64_t boot = 1; boot <= PENDING_MAX; boot++) {
        struct pending *p = pending_note(&t, boot);
        p->heard = boot == 100 ? 1 : 1000 + (int64_t)boot;
        p->nonce = 3;
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
        pending_note(&t, boot)->heard = 1000 * (int64_t)(boot % 3); /* 0, 1000 and 2000, three of each */
    }
    pending_expire(&t, 1000);
    assert_int_equal(t.count, 6);
    for (uint64_t boot = 1; boot <= 9; boot++) {
        assert_int_equal(pending_find(&t, boot) == NULL, boot % 3 == 0);
    }
    pending_expire(&t, 2001);
    assert_int_equal(t.count, 0);
    pending_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_are_bounded),
        cmocka_unit_test(those_not_heard_lately_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
