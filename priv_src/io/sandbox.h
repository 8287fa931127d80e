/* What this process gives up for good, once its sockets are open: so that who has found a fault in what reads
 * packets has no more than a member of the cluster has. Raised once, from the only thread; nothing lowers it.
 * What is open stays open.
 *
 * A wall that the system or the build does not have is no error: the others stand. */
#ifndef GOSSIP_SANDBOX_H
#define GOSSIP_SANDBOX_H

#include "syscall_filter.h"

#include <stddef.h>
#include <stdint.h>

#define SANDBOX_TEXT 200 /* bytes of what is missing, its NUL included */

/* The walls, as bits. */
#define SANDBOX_LIMITS       1u /* memory and descriptors bounded, no process, no file grows: RLIMITs */
#define SANDBOX_PRIVILEGES   2u /* no_new_privs: no program that it could start has more rights */
#define SANDBOX_CAPABILITIES 4u /* none in any set, and not dumpable: no other process looks in */
#define SANDBOX_FILES        8u /* Landlock: no file, no TCP, no signal to others, as far as the kernel knows */
#define SANDBOX_CALLS        16u /* system calls by a list: syscall_filter.h */
#define SANDBOX_ALL          31u

struct sandbox_options {
    unsigned walls;                /* which to raise: SANDBOX_ALL, but in tests */
    uint64_t memory;               /* bytes of address space, at most */
    unsigned descriptors;          /* open at once, at most */
    syscall_filter_breach *breach; /* told of a call that is not on the list, right before the end */
};

/* Raises them. Returns those that stand; `missing` says why others do not, or is "". Where there is no
 * sandbox at all (a build with sanitizers, whose run time needs more) it is 0. */
unsigned sandbox_raise(const struct sandbox_options *options, char missing[static SANDBOX_TEXT]);

#endif
