#include "wait.h"

#include <errno.h>

#define LONGEST_MS                                                                                           \
    INT64_C(60000) /* waking once a minute for nothing costs nothing, and fits an int everywhere */

int wait_for(struct pollfd *fds, size_t count, int64_t timeout)
{
    int64_t ms = timeout < 0 ? -1 : timeout / 1000 + (timeout % 1000 != 0);
    int n = poll(fds, (nfds_t)count, (int)(ms > LONGEST_MS ? LONGEST_MS : ms));
    return n < 0 && errno == EINTR ? 0 : n;
}
