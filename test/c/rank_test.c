#include "kit/rank.h"

#include <inttypes.h>

#include "prng.h"
#include "test.h"

/* Members of different builds must agree: the function is a part of the protocol, so its values are held
 * here. They were computed with Python:
 *
 *     M = 2**64 - 1
 *     def mix(x):
 *         x ^= x >> 30; x = x * 0xbf58476d1ce4e5b9 & M
 *         x ^= x >> 27; x = x * 0x94d049bb133111eb & M
 *         return x ^ x >> 31
 *     def weight(member, subject): return mix(member ^ mix(subject + 0x9e3779b97f4a7c15 & M)) */
static void known_answers(void **state)
{
    (void)state;
    const struct {
        uint64_t member, subject, weight;
    } rows[] = {
        {UINT64_C(0x0), UINT64_C(0x0), UINT64_C(0x48218226ff3cd4bf)},
        {UINT64_C(0x1), UINT64_C(0x0), UINT64_C(0x9e0160293a33aaf7)},
        {UINT64_C(0x0), UINT64_C(0x1), UINT64_C(0xdce423fc82c0d5b8)},
        {UINT64_C(0xffffffffffffffff), UINT64_C(0xffffffffffffffff), UINT64_C(0x4650bc0eb3312e23)},
        {UINT64_C(0x123456789abcdef), UINT64_C(0xfedcba9876543210), UINT64_C(0x729fab7ea7d788c6)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t weight = rank_weight(rows[i].member, rows[i].subject);
        if (weight != rows[i].weight) {
            fail_msg("row %zu: 0x%016" PRIx64, i, weight);
        }
    }
}

#define MEMBERS  100
#define SUBJECTS 2000

/* Each member comes first about as often as any other: with 2,000 subjects 20 times, standard deviation 4.5.
 */
static void the_first_are_spread(void **state)
{
    (void)state;
    struct prng p = prng_printed("the_first_are_spread");
    uint64_t members[MEMBERS];
    int first[MEMBERS] = {0};
    prng_fill(&p, members, sizeof members);
    for (int i = 0; i < SUBJECTS; i++) {
        uint64_t subject = prng_u64(&p);
        size_t best = 0;
        for (size_t k = 1; k < MEMBERS; k++) {
            best = rank_weight(members[k], subject) > rank_weight(members[best], subject) ? k : best;
        }
        first[best]++;
    }
    for (size_t k = 0; k < MEMBERS; k++) {
        assert_in_range(first[k], 1, 60);
    }
}

/* The order of two does not change when a third comes or goes, by construction; and it is about either of
 * them. */
static void the_order_differs_by_subject(void **state)
{
    (void)state;
    struct prng p = prng_printed("the_order_differs_by_subject");
    int before = 0;
    for (int i = 0; i < 10000; i++) {
        uint64_t subject = prng_u64(&p);
        before += rank_weight(1, subject) > rank_weight(2, subject);
    }
    assert_in_range(before, 4500, 5500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(the_first_are_spread),
        cmocka_unit_test(the_order_differs_by_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
