#include "random.h"

#include <sodium.h>

void random_fill(void *context, void *out, size_t len)
{
    (void)context;
    randombytes_buf(out, len);
}
