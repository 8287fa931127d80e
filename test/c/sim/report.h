/* The figures of a run, by name, in the order in which they were first mentioned. A figure is a counter or a
 * distribution of samples. Names are literals: the report keeps the pointers. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

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

/* The value of a counter, or the number of samples; 0 when it was never mentioned. */
int64_t report_value(const struct report *r, const char *name);

/* The sample that `permille` of a thousand do not exceed (nearest rank); 0 when there are none. */
int64_t report_rank(struct report *r, const char *name, unsigned permille);

/* Prints `name=value` for a counter, and `name_count`, `_p50`, `_p99`, `_max` for a distribution. An empty
 * distribution has a count and nothing else. */
void report_print(struct report *r);

#endif
