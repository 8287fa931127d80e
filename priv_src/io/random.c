#include "random.h"

#include "primitives.h"

void random_fill(void *context, void *out, size_t len)
{
    (void)context;
    primitives_random(out, len);
}
