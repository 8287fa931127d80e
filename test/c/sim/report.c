#include "report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct figure {
    const char *name;
    bool distribution, sorted;
    int64_t value;
    int64_t *samples;
    size_t count, size;
};

void report_free(struct report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->figures[i].samples);
    }
    free(r->figures);
    *r = (struct report){0};
}

static struct figure *find(const struct report *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->figures[i].name, name) == 0) {
            return &r->figures[i];
        }
    }
    return NULL;
}

static struct figure *mention(struct report *r, const char *name, bool distribution)
{
    struct figure *f = find(r, name);
    if (f != NULL) {
        return f;
    }
    if (r->count == r->size) {
        r->size = r->size == 0 ? 64 : 2 * r->size;
        r->figures = memory_grow(r->figures, r->size, sizeof *r->figures);
    }
    f = &r->figures[r->count++];
    *f = (struct figure){.name = name, .distribution = distribution};
    return f;
}

void report_count(struct report *r, const char *name, int64_t add)
{
    mention(r, name, false)->value += add;
}

void report_max(struct report *r, const char *name, int64_t value)
{
    struct figure *f = mention(r, name, false);
    f->value = value > f->value ? value : f->value;
}

void report_expect(struct report *r, const char *name)
{
    (void)mention(r, name, true);
}

void report_sample(struct report *r, const char *name, int64_t value)
{
    struct figure *f = mention(r, name, true);
    if (f->count == f->size) {
        f->size = f->size == 0 ? 64 : 2 * f->size;
        f->samples = memory_grow(f->samples, f->size, sizeof *f->samples);
    }
    f->samples[f->count++] = value;
    f->sorted = false;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t rank(struct figure *f, unsigned permille)
{
    if (f->count == 0) {
        return 0;
    }
    if (!f->sorted) {
        qsort(f->samples, f->count, sizeof *f->samples, compare);
        f->sorted = true;
    }
    size_t at = (f->count * permille + 999) / 1000;
    return f->samples[at == 0 ? 0 : at - 1];
}

int report_each(struct report *r,
                int (*visit)(void *context, const char *name, const char *suffix, int64_t value),
                void *context)
{
    static const struct {
        const char *suffix;
        unsigned permille;
    } ranks[] = {{"_p50", 500}, {"_p99", 990}, {"_max", 1000}};
    int stop = 0;
    for (size_t i = 0; i < r->count && stop == 0; i++) {
        struct figure *f = &r->figures[i];
        if (!f->distribution) {
            stop = visit(context, f->name, "", f->value);
            continue;
        }
        stop = visit(context, f->name, "_count", (int64_t)f->count);
        for (size_t k = 0; k < 3 && f->count > 0 && stop == 0; k++) {
            stop = visit(context, f->name, ranks[k].suffix, rank(f, ranks[k].permille));
        }
    }
    return stop;
}

static int print_line(void *context, const char *name, const char *suffix, int64_t value)
{
    (void)context;
    printf("%s%s=%" PRId64 "\n", name, suffix, value);
    return 0;
}

void report_print(struct report *r)
{
    (void)report_each(r, print_line, NULL);
}

struct search {
    const char *key;
    int64_t value;
};

static int match_line(void *context, const char *name, const char *suffix, int64_t value)
{
    struct search *s = context;
    size_t len = strlen(name);
    if (strncmp(s->key, name, len) != 0 || strcmp(s->key + len, suffix) != 0) {
        return 0;
    }
    s->value = value;
    return 1;
}

bool report_find(struct report *r, const char *key, int64_t *value)
{
    struct search s = {.key = key};
    bool found = report_each(r, match_line, &s) != 0;
    *value = s.value;
    return found;
}
