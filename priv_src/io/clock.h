/* Time. */
#ifndef GOSSIP_CLOCK_H
#define GOSSIP_CLOCK_H

#include <stdint.h>

/* Microseconds of a monotonic clock that stands still while the machine is suspended. That is wanted: after a
 * resume nobody has been silent for longer than before, so nobody is buried for it (CLOCK_BOOTTIME would
 * count the sleep). */
int64_t clock_now(void);

/* How long the machine has been suspended since it started, microseconds, to a tenth of a second; 0 where the
 * system does not tell. */
int64_t clock_slept(void);

#endif
