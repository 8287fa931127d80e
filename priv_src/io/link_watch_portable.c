/* No system but Linux has rtnetlink; a look each second has to do. */
#include "link_watch.h"

#include <errno.h>

int link_watch_open(void)
{
    errno = ENOSYS;
    return -1;
}

bool link_watch_drain(int fd, struct link_changes *changes)
{
    (void)fd;
    (void)changes;
    return false;
}
