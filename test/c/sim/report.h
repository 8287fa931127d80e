/* The figures of a run, by name, in the order in which they were first mentioned. A figure is a counter or a
 * distribution of samples. Names are literals: the report keeps the pointers. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct figure;

struct report {
    struct figure *figures;
    size_t count, size;
};

void report_free(struct report *r);

/* Mentions a counter, or adds to it. */
void report_count(struct report *r, const char *name, int64_t add);

/* A figure that is the largest of those told. */
void report_max(struct report *r, const char *name, int64_t value);

/* Mentions a distribution, so that it is printed even when it stays empty. */
void report_expect(struct report *r, const char *name);

/* Adds a sample to a distribution. */
void report_sample(struct report *r, const char *name, int64_t value);

/* Calls `visit` for each line of the report, until it returns nonzero; returns that, or 0. A counter is one
 * line; a distribution is `name_count`, `name_p50`, `_p99` and `_max` (nearest rank); an empty one is its
 * count alone. */
int report_each(struct report *r,
                int (*visit)(void *context, const char *name, const char *suffix, int64_t value),
                void *context);

/* Prints the lines as key=value. */
void report_print(struct report *r);

/* The value of the line with this key; false when there is none. */
bool report_find(struct report *r, const char *key, int64_t *value);

#endif
