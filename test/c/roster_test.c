#include "state/roster.h"

#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "test.h"

static struct identity numbered(uint64_t boot, unsigned name, uint32_t creation)
{
    char text[32];
    (void)snprintf(text, sizeof text, "n%u@host", name);
    return build_identity(boot, text, creation);
}

static void an_empty_roster(void **state)
{
    (void)state;
    struct roster r;
    roster_init(&r, 0, 9);
    struct identity id = numbered(1, 1, 1);
    assert_null(roster_find(&r, 1));
    assert_int_equal(r.by_boot.count, 0);
    assert_false(roster_room(&r));
    assert_null(roster_add(&r, &id, PEER_LISTED));
    roster_free(&r);
}

static void a_member_is_found_by_boot_and_among_its_name(void **state)
{
    (void)state;
    struct roster r;
    roster_init(&r, 3, 9);
    struct identity id = numbered(7, 1, 1), other = numbered(8, 2, 1);
    struct peer *p = roster_add(&r, &id, PEER_LISTED);
    assert_non_null(p);
    assert_int_equal(p->state, PEER_LISTED);
    assert_ptr_equal(roster_find(&r, 7), p);
    assert_null(roster_find(&r, 8));
    assert_non_null(roster_add(&r, &other, PEER_LISTED)); /* another name */
    assert_ptr_equal(roster_namesake(p, PEER_LISTED), p);
    assert_null(roster_namesake(p, PEER_RIVAL));
    assert_null(roster_namesake(p, PEER_GONE));
    assert_null(roster_add(&r, &id, PEER_LISTED)); /* the same boot id twice */
    assert_int_equal(r.listed, 2);
    roster_free(&r);
}

static void members_of_one_name(void **state)
{
    (void)state;
    /* Three of a name, removed in every order: what is left is found, listed or rival. */
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct roster r;
        roster_init(&r, 3, 9);
        struct peer *p[3];
        const uint8_t states[3] = {PEER_LISTED, PEER_RIVAL, PEER_GONE};
        for (uint64_t k = 0; k < 3; k++) {
            struct identity id = numbered(k + 1, 1, (uint32_t)k);
            p[k] = roster_add(&r, &id, states[k]);
            assert_non_null(p[k]);
        }
        for (int k = 0; k < 3; k++) {
            struct peer *any = p[orders[i][2]]; /* the one that stays longest */
            assert_ptr_equal(roster_namesake(any, PEER_LISTED), p[0]);
            assert_ptr_equal(roster_namesake(any, PEER_RIVAL), p[1]);
            assert_ptr_equal(roster_namesake(any, PEER_GONE), p[2]);
            roster_remove(&r, p[orders[i][k]]);
            p[orders[i][k]] = NULL;
        }
        assert_int_equal(r.by_boot.count + r.listed + r.gone, 0);
        roster_free(&r);
    }
}

static void tombstones_take_no_room(void **state)
{
    (void)state;
    struct roster r;
    roster_init(&r, 2, 9);
    for (uint64_t boot = 1; boot <= 5; boot++) {
        struct identity id = numbered(boot, (unsigned)boot, 1);
        struct peer *p = roster_add(&r, &id, PEER_LISTED);
        assert_non_null(p);
        roster_state(&r, p, PEER_GONE);
        assert_int_equal(r.gone, boot);
        assert_int_equal(r.listed, 0);
    }
    struct identity a = numbered(11, 11, 1), b = numbered(12, 12, 1), c = numbered(13, 13, 1);
    assert_non_null(roster_add(&r, &a, PEER_LISTED));
    assert_non_null(roster_add(&r, &b, PEER_RIVAL));
    assert_false(roster_room(&r));
    assert_null(roster_add(&r, &c, PEER_LISTED));
    assert_int_equal(r.listed, 1);
    roster_free(&r);
}

#define BOOTS 60
#define NAMES 12
#define LIMIT 20

/* What is in the roster, by boot id; state 0: nothing. */
struct model {
    struct {
        uint8_t state;
        unsigned name;
    } of[BOOTS + 1];
};

static size_t model_count(const struct model *m, uint8_t state)
{
    size_t n = 0;
    for (size_t boot = 1; boot <= BOOTS; boot++) {
        n += m->of[boot].state == state;
    }
    return n;
}

static void compare(const struct roster *r, const struct model *m)
{
    size_t listed = model_count(m, PEER_LISTED), gone = model_count(m, PEER_GONE);
    size_t all = listed + gone + model_count(m, PEER_RIVAL);
    assert_int_equal(r->listed, listed);
    assert_int_equal(r->gone, gone);
    assert_int_equal(roster_room(r), all - gone < LIMIT);
    assert_int_equal(r->by_boot.count, all);
    for (size_t i = 0; i < r->listed; i++) { /* the dense list names each of the listed, and knows where */
        assert_int_equal(r->list[i].peer->state, PEER_LISTED);
        assert_true(r->list[i].boot == r->list[i].peer->id.boot);
        assert_int_equal(r->list[i].peer->index, i);
    }
    for (uint64_t boot = 1; boot <= BOOTS; boot++) {
        struct peer *p = roster_find(r, boot);
        assert_int_equal(p == NULL ? 0 : p->state, m->of[boot].state);
        assert_true(p == NULL || p->id.boot == boot);
    }
    for (unsigned name = 0; name < NAMES; name++) {
        struct identity id = numbered(1, name, 1);
        bool has_listed = false, has_rival = false;
        struct peer *any = NULL;
        for (size_t boot = 1; boot <= BOOTS; boot++) {
            any = m->of[boot].state != 0 && m->of[boot].name == name ? roster_find(r, boot) : any;
            has_listed = has_listed || (m->of[boot].state == PEER_LISTED && m->of[boot].name == name);
            has_rival = has_rival || (m->of[boot].state == PEER_RIVAL && m->of[boot].name == name);
        }
        if (any == NULL) {
            continue;
        }
        struct peer *p = roster_namesake(any, PEER_LISTED), *q = roster_namesake(any, PEER_RIVAL);
        assert_int_equal(p != NULL, has_listed);
        assert_int_equal(q != NULL, has_rival);
        assert_true(p == NULL || (p->state == PEER_LISTED && name_same(&p->id.name, &id.name)));
        assert_true(q == NULL || (q->state == PEER_RIVAL && name_same(&q->id.name, &id.name)));
    }
}

static void any_steps_against_a_model(void **state)
{
    (void)state;
    struct prng p = prng_printed("any_steps_against_a_model");
    for (int round = 0; round < 15; round++) {
        struct roster r;
        struct model m = {0};
        roster_init(&r, LIMIT, 9);
        for (int step = 0; step < 600; step++) {
            uint64_t boot = 1 + prng_below(&p, BOOTS);
            unsigned name = prng_below(&p, NAMES);
            uint8_t next = (uint8_t)(PEER_LISTED + prng_below(&p, 3));
            struct peer *peer = roster_find(&r, boot);
            if (peer == NULL) {
                struct identity id = numbered(boot, name, (uint32_t)step);
                bool room = model_count(&m, PEER_LISTED) + model_count(&m, PEER_RIVAL) < LIMIT;
                assert_int_equal(roster_add(&r, &id, next) != NULL, room);
                m.of[boot].state = room ? next : 0;
                m.of[boot].name = name;
            } else if (prng_chance(&p, 40)) {
                roster_remove(&r, peer);
                m.of[boot].state = 0;
            } else {
                roster_state(&r, peer, next);
                m.of[boot].state = next;
            }
            compare(&r, &m);
        }
        roster_free(&r);
        assert_int_equal(r.by_boot.count + r.listed, 0);
    }
}

static void thousands(void **state)
{
    (void)state;
    struct roster r;
    roster_init(&r, 5000, 9);
    for (uint64_t boot = 1; boot <= 5000; boot++) {
        struct identity id = numbered(boot, (unsigned)boot / 2, 1); /* two of each name */
        assert_non_null(roster_add(&r, &id, boot % 2 == 0 ? PEER_LISTED : PEER_RIVAL));
    }
    assert_false(roster_room(&r));
    for (uint64_t boot = 1; boot <= 5000; boot += 3) {
        roster_remove(&r, roster_find(&r, boot));
    }
    for (uint64_t boot = 1; boot <= 5000; boot++) {
        assert_int_equal(roster_find(&r, boot) != NULL, boot % 3 != 1);
    }
    roster_free(&r); /* the sanitizer tells what is left over */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_roster),
        cmocka_unit_test(a_member_is_found_by_boot_and_among_its_name),
        cmocka_unit_test(members_of_one_name),
        cmocka_unit_test(tombstones_take_no_room),
        cmocka_unit_test(any_steps_against_a_model),
        cmocka_unit_test(thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
