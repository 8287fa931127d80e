/* `gossipd watch`: listens to a cluster, and shows who is heard. */
#ifndef GOSSIP_WATCH_H
#define GOSSIP_WATCH_H

/* Exit codes. */
#define WATCH_OK     0
#define WATCH_NOBODY 1 /* with --once: nobody was heard */
#define WATCH_FAILED 2 /* it could not be done: see refusal.h */

/* Runs until it is ended. `argv` is what stands behind "watch". */
int watch_run(int argc, char **argv);

#endif
