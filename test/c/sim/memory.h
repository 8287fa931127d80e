/* Memory for a program that can do nothing without it: it ends the program when there is none. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stddef.h>

/* `count` zeroed elements; the caller frees them. */
void *memory_new(size_t count, size_t size);

/* Room for `count` elements, the old ones kept, new ones not cleared. The old pointer becomes invalid. */
void *memory_grow(void *old, size_t count, size_t size);

#endif
