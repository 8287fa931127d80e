/* What the system tells of its interfaces, byte by byte; and what it really tells, in links_namespace_test.
 */
#include "rtnetlink.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { DONE = 3, NEW_LINK = 16, DELETED_LINK = 17, NEW_ADDRESS = 20, DELETED_ADDRESS = 21, NEW_ROUTE = 24 };

struct batch {
    size_t len;
    uint8_t data[4096];
};

static void put32(struct batch *b, size_t at, uint32_t v)
{
    memcpy(b->data + at, &v, sizeof v);
}

/* A message as the kernel makes it: 16 bytes of header, 16 of struct ifinfomsg, and attributes. */
static void put(struct batch *b, uint16_t type, uint8_t family, int32_t index, size_t attributes)
{
    size_t at = b->len, len = 32 + attributes;
    memset(b->data + at, 0xee, len + 3);
    put32(b, at, (uint32_t)len);
    memcpy(b->data + at + 4, &type, sizeof type);
    b->data[at + 16] = family;
    memcpy(b->data + at + 20, &index, sizeof index);
    b->len += (len + 3) / 4 * 4;
}

static bool read_it(const struct batch *b, struct link_changes *changes)
{
    *changes = (struct link_changes){0};
    return rtnetlink_read(b->data, b->len, changes);
}

static void each_kind(void **state)
{
    (void)state;
    const struct {
        uint16_t type;
        uint8_t family;
        bool look;
        size_t gone;
    } rows[] = {
        {NEW_LINK, 0, true, 0},    {DELETED_LINK, 0, true, 1}, {DELETED_LINK, 7 /* a bridge's */, true, 0},
        {NEW_ADDRESS, 2, true, 0}, {NEW_ADDRESS, 10, true, 0}, {DELETED_ADDRESS, 2, true, 0},
        {NEW_ROUTE, 2, false, 0},  {DONE, 0, false, 0},        {0, 0, false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct batch b = {0};
        struct link_changes changes;
        put(&b, rows[i].type, rows[i].family, 42, 0);
        assert_int_equal(read_it(&b, &changes), rows[i].look);
        assert_int_equal(changes.gone_count, rows[i].gone);
        assert_true(rows[i].gone == 0 || changes.gone[0] == 42);
        assert_false(changes.lost);
    }
}

/* Attributes of any length stand between them, and pad them to 4 bytes. */
static void several_in_one(void **state)
{
    (void)state;
    for (size_t attributes = 0; attributes < 9; attributes++) {
        struct batch b = {0};
        struct link_changes changes;
        put(&b, NEW_ROUTE, 0, 1, attributes);
        put(&b, DELETED_LINK, 0, 7, attributes);
        put(&b, NEW_LINK, 0, 7, attributes);
        put(&b, DELETED_LINK, 0, 9, attributes);
        assert_true(read_it(&b, &changes));
        assert_int_equal(changes.gone_count, 2);
        assert_int_equal(changes.gone[0], 7);
        assert_int_equal(changes.gone[1], 9);
    }
}

static void nobody_has_these_numbers(void **state)
{
    (void)state;
    struct batch b = {0};
    struct link_changes changes;
    put(&b, DELETED_LINK, 0, 0, 0);
    put(&b, DELETED_LINK, 0, -1, 0);
    assert_true(read_it(&b, &changes));
    assert_int_equal(changes.gone_count, 0);
}

/* More than find room: then nobody knows which. */
static void too_many(void **state)
{
    (void)state;
    struct batch b = {0};
    struct link_changes changes;
    for (int32_t i = 1; i <= LINK_CHANGES_GONE; i++) {
        put(&b, DELETED_LINK, 0, i, 0);
    }
    assert_true(read_it(&b, &changes));
    assert_int_equal(changes.gone_count, LINK_CHANGES_GONE);
    assert_false(changes.lost);
    put(&b, DELETED_LINK, 0, 1000, 0);
    assert_true(read_it(&b, &changes));
    assert_int_equal(changes.gone_count, LINK_CHANGES_GONE);
    assert_true(changes.lost);
}

/* Cut anywhere: what is whole is read, and no byte behind the end (under ASan, in a buffer of just that
 * size). */
static void cut_anywhere(void **state)
{
    (void)state;
    struct batch b = {0};
    put(&b, DELETED_LINK, 0, 7, 4);
    put(&b, DELETED_LINK, 0, 9, 4);
    for (size_t len = 0; len <= b.len; len++) {
        uint8_t *exact = malloc(len > 0 ? len : 1);
        struct link_changes changes = {0};
        assert_non_null(exact);
        memcpy(exact, b.data, len);
        assert_int_equal(rtnetlink_read(exact, len, &changes), len >= 36);
        assert_int_equal(changes.gone_count, len < 36 ? 0 : len < 72 ? 1 : 2);
        free(exact);
    }
}

/* A length that lies ends the reading. */
static void lengths_that_lie(void **state)
{
    (void)state;
    const uint32_t lies[] = {0, 1, 15, 37, 4096, UINT32_MAX - 2, UINT32_MAX};
    for (size_t i = 0; i < COUNT(lies); i++) {
        struct batch b = {0};
        struct link_changes changes;
        put(&b, DELETED_LINK, 0, 7, 4);
        put32(&b, 0, lies[i]);
        assert_false(read_it(&b, &changes));
        assert_int_equal(changes.gone_count, 0);
    }
    struct batch b = {0};
    struct link_changes changes;
    put(&b, DELETED_LINK, 0, 7, 0);
    put32(&b, 0, 20); /* shorter than what a link takes: it says which kind, and not which */
    b.len = 20;
    assert_true(read_it(&b, &changes));
    assert_int_equal(changes.gone_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind),
        cmocka_unit_test(several_in_one),
        cmocka_unit_test(nobody_has_these_numbers),
        cmocka_unit_test(too_many),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(lengths_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
