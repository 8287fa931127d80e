#include "refuse.h"

#include <stdlib.h>

static struct {
    bool inside;
    uint32_t percent;
    size_t unit;
    uint64_t count;
    struct prng prng;
} memory;

void refuse_start(struct prng prng, uint32_t percent, size_t unit)
{
    memory.inside = false;
    memory.percent = percent;
    memory.unit = unit;
    memory.count = 0;
    memory.prng = prng;
}

void refuse_percent(uint32_t percent)
{
    memory.percent = percent;
}

void refuse_inside(bool begins)
{
    memory.inside = begins;
}

uint64_t refuse_count(void)
{
    return memory.count;
}

/* Called for all that the test itself asks for, too: then nothing is drawn. */
static bool refused(size_t grown)
{
    bool meant = memory.inside && (memory.unit == 1 || (grown > 0 && grown % memory.unit == 0));
    bool refuse = meant && prng_chance(&memory.prng, memory.percent);
    memory.count += refuse;
    return refuse;
}

/* The linker names these. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return refused(0) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused(0) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused(size) ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused(0) ? NULL : __real_aligned_alloc(alignment, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */
