#include "truth.h"

#include <stdlib.h>
#include <string.h>

/* Of eight bytes at a time, since fuzzers ask this of each datagram: a multiplication carries what differs to
 * the upper bits, and folding brings it back down. */
static uint64_t print_of(const uint8_t *data, size_t len)
{
    uint64_t print = len ^ UINT64_C(0xcbf29ce484222325);
    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(&word, data, n);
        print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        print ^= print >> 32;
        data += n;
        len -= n;
    }
    return print == 0 ? 1 : print;
}

static struct origin *slot(const struct truth *t, uint64_t print)
{
    size_t i = print & (t->size - 1);
    while (t->slots[i].print != 0 && t->slots[i].print != print) {
        i = (i + 1) & (t->size - 1);
    }
    return &t->slots[i];
}

static void grow(struct truth *t)
{
    struct truth larger = {.size = t->size == 0 ? 256 : 2 * t->size, .count = t->count};
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (larger.slots == NULL) {
        abort();
    }
    for (size_t i = 0; i < t->size; i++) {
        if (t->slots[i].print != 0) {
            *slot(&larger, t->slots[i].print) = t->slots[i];
        }
    }
    free(t->slots);
    *t = larger;
}

void truth_free(struct truth *t)
{
    free(t->slots);
    *t = (struct truth){0};
}

const struct origin *truth_note(struct truth *t, const uint8_t *datagram, size_t len,
                                const struct origin *first)
{
    if (2 * t->count >= t->size) {
        grow(t);
    }
    uint64_t print = print_of(datagram, len);
    struct origin *o = slot(t, print);
    if (o->print == 0) {
        *o = *first;
        o->print = print;
        t->count++;
    }
    return o;
}
