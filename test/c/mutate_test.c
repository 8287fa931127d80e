/* The fuzzers' mutators: of what is whole they make something else that is whole, mostly. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Each file of this corpus, changed on and on. The input stands at the end of its memory, so that the
 * sanitizers see a byte too many. */
static void change_all(const char *stem, mutator *mutate, is_whole *whole, size_t broken_percent)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/corpus/%s", GOSSIP_TEST_DIR, stem);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t files = 0, same = 0, rounds = 0, sizes = 0, broken = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        uint8_t *data = malloc(MOST), before[MOST];
        assert_non_null(data);
        (void)snprintf(path, sizeof path, "%s/corpus/%s/%s", GOSSIP_TEST_DIR, stem, entry->d_name);
        FILE *file = entry->d_name[0] != '.' ? fopen(path, "rb") : NULL;
        size_t size = file == NULL ? 0 : fread(data, 1, MOST, file);
        if (file != NULL) {
            assert_int_equal(fclose(file), 0);
        }
        if (size == 0 || !whole(data, size)) {
            free(data);
            continue;
        }
        files++;
        for (uint32_t seed = 0; seed < ROUNDS; seed++) {
            size_t was = size;
            memcpy(before, data, size);
            size = mutate(data, size, MOST, seed);
            assert_in_range(size, 1, MOST);
            same += was == size && memcmp(before, data, size) == 0;
            sizes += was != size;
            rounds++;
            if (!whole(data, size)) {
                broken++;
                size = was;
                memcpy(data, before, was);
            }
        }
        free(data);
    }
    assert_int_equal(closedir(dir), 0);
    assert_true(files >= 5);
    assert_true(same < rounds / 2 && sizes > rounds / 5);
    assert_true(100 * broken <= broken_percent * rounds);
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
