/* Members that play a script. A real member that lists N others needs memory for N, so that N real ones need
 * it for N * N; ten thousand do not fit anywhere. In a crowd, only the first members are real. The others
 * send the beats of a group of that size, and answer whoever asks for an echo, a page, or probes them.
 * They hear no multicast. What the real members then do is what they would do among ten thousand. */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "cluster.h"

/* Members from `first` on are of the crowd; they begin to beat at random moments of the next `ramp`. They
 * know nobody, and their pages are empty. */
void crowd_start(struct cluster *c, uint32_t first, int64_t ramp);

/* From now on they know all members, and serve them in pages: a group of thousands whose members knew nobody
 * would be asked for them without end. */
void crowd_know_all(struct cluster *c);

/* The same without multicast, where the real members run, and know it from now on: the crowd does not beat,
 * but serves pages with all members, and asks the real ones whom it is to watch. */
void crowd_start_far(struct cluster *c, uint32_t first);
void crowd_free(struct cluster *c);

/* Whether this member is of the crowd, and has begun. */
bool crowd_has(const struct cluster *c, uint32_t node);

/* Its next beat is due, or the next question to those whom it watches. */
void crowd_beat(struct cluster *c, uint32_t node);

/* It says something of another to the group. */
void crowd_accuse(struct cluster *c, uint32_t node, uint8_t verdict, uint64_t boot, uint32_t incarnation);

/* A datagram reached it. */
void crowd_receive(struct cluster *c, uint32_t node, const struct packet *p);

#endif
