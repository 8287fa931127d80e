/* A build without libseccomp, or for a C library or a processor whose calls nobody has looked at. */
#include "syscall_filter.h"

#include <errno.h>

bool syscall_filter_available(void)
{
    return false;
}

int syscall_filter_raise(syscall_filter_breach *breach)
{
    (void)breach;
    errno = ENOSYS;
    return -1;
}
