/* Time, as the core counts it: microseconds in an int64_t, of a monotonic clock. */
#ifndef GOSSIP_UNITS_H
#define GOSSIP_UNITS_H

#include <stdint.h>

#define SECOND_US INT64_C(1000000)
#define MS_US     INT64_C(1000)
#define NEVER     INT64_MAX

#endif
