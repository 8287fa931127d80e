#include "clock.h"

#include <time.h>

#define STEP 100000 /* microseconds: between two readings of two clocks this process may have to wait */

/* It cannot fail: every system that this runs on has these clocks, and `t` is ours. */
static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_slept(void)
{
#if defined(CLOCK_BOOTTIME)
    int64_t awake = read_clock(CLOCK_MONOTONIC);
    return (read_clock(CLOCK_BOOTTIME) - awake) / STEP * STEP;
#else
    return 0; /* elsewhere CLOCK_MONOTONIC counts sleep, or nothing does */
#endif
}
