#include "kit/index.h"

#include <stdlib.h>

#define INDEX_FIRST 32

void index_free(struct index *x)
{
    free(x->slots);
    *x = (struct index){.salt = x->salt};
}

/* Boot ids are random; a multiplication (Knuth's, by the golden ratio) is enough, and the high bits are the
 * best. */
static size_t home(const struct index *x, uint64_t boot)
{
    return (size_t)(((boot ^ x->salt) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (x->size - 1);
}

/* The slot of this boot id, or the free one where it would stand. */
static size_t seek(const struct index *x, uint64_t boot)
{
    size_t i = home(x, boot);
    while (x->slots[i].value != NULL && x->slots[i].boot != boot) {
        i = (i + 1) & (x->size - 1);
    }
    return i;
}

void *index_find(const struct index *x, uint64_t boot)
{
    return x->size == 0 ? NULL : x->slots[seek(x, boot)].value;
}

const void *index_place(const struct index *x, uint64_t boot)
{
    return x->size == 0 ? NULL : &x->slots[home(x, boot)];
}

static bool grow(struct index *x)
{
    struct index bigger = {
        .size = x->size == 0 ? INDEX_FIRST : x->size * 2, .count = x->count, .salt = x->salt};
    bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < x->size; i++) {
        if (x->slots[i].value != NULL) {
            bigger.slots[seek(&bigger, x->slots[i].boot)] = x->slots[i];
        }
    }
    free(x->slots);
    *x = bigger;
    return true;
}

bool index_add(struct index *x, uint64_t boot, void *value)
{
    if (2 * (x->count + 1) > x->size && !grow(x)) {
        return false;
    }
    x->slots[seek(x, boot)] = (struct index_slot){.boot = boot, .value = value};
    x->count++;
    return true;
}

/* Those behind the gap move up, unless they already stand between their home and the gap. */
void index_remove(struct index *x, uint64_t boot)
{
    size_t mask = x->size - 1;
    size_t gap = seek(x, boot);
    for (size_t i = (gap + 1) & mask; x->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t from_home = (i - home(x, x->slots[i].boot)) & mask;
        if (from_home >= ((i - gap) & mask)) {
            x->slots[gap] = x->slots[i];
            gap = i;
        }
    }
    x->slots[gap] = (struct index_slot){0};
    x->count--;
}
