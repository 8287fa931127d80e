/* How well a listed peer is reached, as of now: see kit/quality.h. */
#ifndef GOSSIP_MEASURE_H
#define GOSSIP_MEASURE_H

#include <stdint.h>

struct measure {
    uint64_t boot;
    int64_t round_trip; /* microseconds, smoothed; -1: not measured */
    int64_t heard;      /* microseconds since it was last heard in person; -1: it never was */
    int16_t loss;       /* thousandths; -1: not known */
};

#endif
