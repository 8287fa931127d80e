/* A machine of classic BPF, for the steps that the filter's programs have. */
#ifndef TEST_SUPPORT_BPF_H
#define TEST_SUPPORT_BPF_H

#include "filter.h"

/* What the program returns for this datagram behind UDP's header: the bytes that pass. `chance` is the random
 * number. -1: it has a step of another kind, or no end. */
int64_t bpf_run(const struct filter_step *steps, size_t count, const uint8_t *datagram, size_t len,
                uint32_t chance);

/* Holds a filter of this ring to what it is for: whatever its level and the chance, no datagram of the ring
 * is dropped, and any other is but for one chance in 8, in 64 and so on. 1 where it may drop this one, 0
 * where it must not, -1 where it does otherwise. */
int bpf_judge(const struct keyring *ring, const uint8_t *datagram, size_t len);

#endif
