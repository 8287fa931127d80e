#include "kit/timers.h"

#include <stdlib.h>

#define FIRST_SIZE 16

static void forget_kept(struct timers *t)
{
    for (size_t i = 0; i < TIMERS_KEPT_COUNT; i++) {
        t->kept[i].due = INT64_MAX;
    }
}

/* The earliest of all is asked for all the time, so it is known. */
static void know_first(struct timers *t)
{
    t->first = t->count > 0 ? t->heap[0].due : INT64_MAX;
    for (size_t i = 0; i < TIMERS_KEPT_COUNT; i++) {
        t->first = t->kept[i].due < t->first ? t->kept[i].due : t->first;
    }
}

void timers_init(struct timers *t, size_t limit)
{
    *t = (struct timers){.first = INT64_MAX, .limit = limit};
    forget_kept(t);
}

void timers_free(struct timers *t)
{
    free(t->heap);
    *t = (struct timers){.first = INT64_MAX};
    forget_kept(t);
}

static bool grow(struct timers *t)
{
    size_t size = t->size == 0 ? FIRST_SIZE : t->size * 2;
    struct timer *heap = realloc(t->heap, size * sizeof *heap);
    if (heap == NULL) {
        return false;
    }
    t->heap = heap;
    t->size = size;
    return true;
}

bool timers_add(struct timers *t, int64_t due, uint8_t kind, uint64_t boot, uint8_t step)
{
    if (kind >= TIMERS_KEPT) {
        t->kept[kind - TIMERS_KEPT] = (struct timer){.due = due, .boot = boot, .kind = kind, .step = step};
        know_first(t);
        return true;
    }
    if (t->count >= t->limit || (t->count == t->size && !grow(t))) {
        return false;
    }
    size_t i = t->count++;
    while (i > 0 && t->heap[(i - 1) / 2].due > due) {
        t->heap[i] = t->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    t->heap[i] = (struct timer){.due = due, .boot = boot, .kind = kind, .step = step};
    know_first(t);
    return true;
}

int64_t timers_next(const struct timers *t)
{
    return t->first;
}

bool timers_take(struct timers *t, int64_t now, struct timer *out)
{
    if (t->first > now || t->first == INT64_MAX) {
        return false;
    }
    for (size_t i = 0; i < TIMERS_KEPT_COUNT; i++) {
        if (t->kept[i].due == t->first) {
            *out = t->kept[i];
            t->kept[i].due = INT64_MAX;
            know_first(t);
            return true;
        }
    }
    *out = t->heap[0];
    struct timer last = t->heap[--t->count];
    size_t i = 0;
    for (size_t child = 1; child < t->count; child = 2 * i + 1) {
        if (child + 1 < t->count && t->heap[child + 1].due < t->heap[child].due) {
            child++;
        }
        if (t->heap[child].due >= last.due) {
            break;
        }
        t->heap[i] = t->heap[child];
        i = child;
    }
    if (t->count > 0) {
        t->heap[i] = last;
    }
    know_first(t);
    return true;
}
