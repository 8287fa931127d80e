/* The fuzzers' mutators: of what is whole they make something else that is whole, mostly. */
#include <stdlib.h>
#include <string.h>

#include "corpus.h"
#include "etf.h"
#include "message/wire.h"
#include "term_mutate.h"
#include "test.h"
#include "wire_mutate.h"

#define MOST   1200
#define ROUNDS 100

typedef size_t mutator(uint8_t *data, size_t size, size_t most, uint32_t seed);
typedef bool is_whole(const uint8_t *data, size_t size);

static bool fields_whole(const uint8_t *data, size_t size)
{
    size_t at = WIRE_FIXED;
    while (at + WIRE_FIELD_HEADER <= size) {
        at += WIRE_FIELD_HEADER + ((size_t)data[at + 1] << 8 | data[at + 2]);
    }
    return at == size;
}

static bool term_whole(const uint8_t *data, size_t size)
{
    return etf_check(data, size) == 0;
}

struct changes {
    mutator *mutate;
    is_whole *whole;
    size_t files, same, rounds, sizes, broken;
};

/* A whole input, changed on and on. It stands at the end of its memory, so that the sanitizers see a byte too
 * many. */
static void change(void *context, const uint8_t *given, size_t size)
{
    struct changes *c = context;
    if (size == 0 || size > MOST || !c->whole(given, size)) {
        return;
    }
    uint8_t *data = malloc(MOST), before[MOST];
    assert_non_null(data);
    memcpy(data, given, size);
    c->files++;
    for (uint32_t seed = 0; seed < ROUNDS; seed++) {
        size_t was = size;
        memcpy(before, data, size);
        size = c->mutate(data, size, MOST, seed);
        assert_in_range(size, 1, MOST);
        c->same += was == size && memcmp(before, data, size) == 0;
        c->sizes += was != size;
        c->rounds++;
        if (!c->whole(data, size)) {
            c->broken++;
            size = was;
            memcpy(data, before, was);
        }
    }
    free(data);
}

/* Each file of this corpus. */
static void change_all(const char *stem, mutator *mutate, is_whole *whole, size_t broken_percent)
{
    struct changes c = {.mutate = mutate, .whole = whole};
    (void)corpus_each(stem, change, &c);
    assert_true(c.files >= 5);
    assert_true(c.same < c.rounds / 2 && c.sizes > c.rounds / 5);
    assert_true(100 * c.broken <= broken_percent * c.rounds);
}

static void messages_stay_whole(void **state)
{
    (void)state;
    change_all("wire", wire_mutate, fields_whole, 0);
}

/* A list may become improper, an atom too long: the reader is to see those, too. */
static void terms_stay_whole_mostly(void **state)
{
    (void)state;
    change_all("term", term_mutate, term_whole, 20);
}

/* Whatever it is that they are given, and however little room there is. */
static void nothing_is_written_beyond_the_room(void **state)
{
    (void)state;
    static mutator *const all[] = {wire_mutate, term_mutate};
    for (size_t k = 0; k < 2; k++) {
        for (uint32_t seed = 0; seed < 2000; seed++) {
            size_t most = 1 + seed % 97, size = seed % (most + 1);
            uint8_t *data = malloc(most);
            assert_non_null(data);
            for (size_t i = 0; i < size; i++) {
                data[i] = (uint8_t)(seed * 31 + i * 7);
            }
            data[0] = seed % 2 ? 131 : data[0];
            assert_true(all[k](data, size, most, seed) <= most);
            free(data);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_stay_whole),
        cmocka_unit_test(terms_stay_whole_mostly),
        cmocka_unit_test(nothing_is_written_beyond_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
