/* The system calls that this process may make from some moment on, by a list: seccomp, by libseccomp, on
 * Linux with glibc on x86-64 and arm64. A call that is not on it is not carried out, and ends the process. */
#ifndef GOSSIP_SYSCALL_FILTER_H
#define GOSSIP_SYSCALL_FILTER_H

#include <stdbool.h>

#define SYSCALL_FILTER_MOST 30 /* on the list, at most */

/* As of a process that SIGSYS has killed: so a shell says it, and so does the Erlang VM of either. */
#define SYSCALL_FILTER_STATUS (128 + 31)

/* Told of the call that was asked for; then the process exits with SYSCALL_FILTER_STATUS. It runs in a signal
 * handler, and may do what signal-safety(7) lists; `name` is "" where it is not a common one. */
typedef void syscall_filter_breach(int number, const char *name);

/* Whether this build has it. */
bool syscall_filter_available(void);

/* Raises it, for good. 0, or -1 and errno: it is not to be had. */
int syscall_filter_raise(syscall_filter_breach *breach);

#endif
