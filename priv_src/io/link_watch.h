/* Says when it is time to look at the interfaces, as soon as the system knows: a descriptor to poll, beside
 * the sockets. Where there is none (the portable twin, a system that refuses), the looks that links.h makes
 * anyway find the same, later. */
#ifndef GOSSIP_LINK_WATCH_H
#define GOSSIP_LINK_WATCH_H

#include "rtnetlink.h"

/* A descriptor, non-blocking and close-on-exec, readable when something has changed; -1 and errno where there
 * is none. close(2) ends it. */
int link_watch_open(void);

/* Takes all that waits there, and adds it to `changes`. True when it is time to look. */
bool link_watch_drain(int fd, struct link_changes *changes);

#endif
