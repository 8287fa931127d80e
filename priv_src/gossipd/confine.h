/* gossipd puts itself into its sandbox, and says so. */
#ifndef GOSSIP_CONFINE_H
#define GOSSIP_CONFINE_H

#include "uplink.h"

/* Raises all walls there are (sandbox.h), with memory for a roster of `max_peers`; the log says which stand,
 * at debug, and once at info what is missing. A breach of the list of system calls ends the process; the last
 * frame names the call, if there is room in the pipe, else a line on stderr does; and the owner has the time
 * to read it (uplink_part, of `in`). `u` must outlive the process's loop.
 */
void confine(struct uplink *u, int in, uint32_t max_peers);

#endif
