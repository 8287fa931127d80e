/* The program: a poll loop that moves datagrams and frames to the core, and runs the effects that come out of
 * it. */
#ifndef GOSSIP_GOSSIPD_H
#define GOSSIP_GOSSIPD_H

#include <stdbool.h>

#ifndef GOSSIP_VERSION
#define GOSSIP_VERSION "dev"
#endif

/* Exit codes; 2 (started by hand) is main's. */
#define EXIT_ENDED 0 /* end of file on stdin: the BEAM, or its owner, is gone; goodbye is said for it */
#define EXIT_FATAL 1 /* explained by an {error, Kind, Text} frame, or on stderr when nobody reads it */

/* Runs as the port program of an Erlang VM, reading frames from `in` and writing frames to `out`, which
 * become non-blocking, until the VM closes `in` or something fatal happens. Once it is configured it is in
 * its sandbox (confine.h), unless that is not wanted. Returns the exit code; a breach exits with another
 * (syscall_filter.h). */
int gossipd_run(int in, int out, bool sandbox);

#endif
