/* poll(2) with a time-out finer than a millisecond, where the system has one. */
#ifndef GOSSIP_WAIT_H
#define GOSSIP_WAIT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* Waits until a descriptor is ready or `timeout` microseconds have passed (never less: a timer is not early);
 * a negative one means without end. Returns the number of ready descriptors; 0 when time is over or a signal
 * came; -1 and errno. */
int wait_for(struct pollfd *fds, size_t count, int64_t timeout);

#endif
