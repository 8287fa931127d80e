#include "wait.h"

#include <errno.h>
#include <time.h>

int wait_for(struct pollfd *fds, size_t count, int64_t timeout)
{
    struct timespec t = {.tv_sec = (time_t)(timeout / 1000000), .tv_nsec = (long)(timeout % 1000000) * 1000};
    int n = ppoll(fds, (nfds_t)count, timeout < 0 ? NULL : &t, NULL);
    return n < 0 && errno == EINTR ? 0 : n;
}
