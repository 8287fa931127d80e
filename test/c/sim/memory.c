#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("gossip_sim: out of memory\n", stderr);
        exit(2);
    }
    return p;
}

void *memory_new(size_t count, size_t size)
{
    return checked(calloc(count == 0 ? 1 : count, size));
}

void *memory_grow(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return checked(NULL);
    }
    return checked(realloc(old, count * size));
}
