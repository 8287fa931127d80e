/* The membership protocol, sans-IO. No system call, no clock, no allocation in the steady state: time
 * (microseconds of a monotonic clock) and randomness are arguments, and what is to be done comes out as
 * effects.
 *
 * Life: gossip_new -> any of receive / command / tick, in any order, `now` never going back -> gossip_free.
 * After each call drain `fx`, then call gossip_tick no later than gossip_deadline(). PROTOCOL.md is the
 * specification. */
#ifndef GOSSIP_GOSSIP_H
#define GOSSIP_GOSSIP_H

#include "command.h"
#include "effect.h"
#include "measure.h"
#include "seed.h"
#include "setup.h"
#include "stats.h"
#include "units.h"

struct gossip;

/* A new member that listens but does not announce itself until COMMAND_ALIVE. NULL when memory is short. */
struct gossip *gossip_new(const struct gossip_options *options, int64_t now);

/* Keeps its keys out of swap and dumps, as far as the system lets: 0, or -1 when it does not. */
int gossip_lock(struct gossip *g);

/* Frees it and wipes its keys. NULL is allowed. */
void gossip_free(struct gossip *g);

/* A datagram came in over `from` (kind PATH_GROUP: by multicast; addr: its source; local: where it was sent
 * to). Any bytes are allowed. */
void gossip_receive(struct gossip *g, struct effects *fx, int64_t now, const struct path *from,
                    const uint8_t *datagram, size_t len);

/* How far the clock that counts sleep (CLOCK_BOOTTIME) is ahead of the one that `now` is of, microseconds; 0
 * until this is called. To be called before the others whenever it has changed. */
void gossip_slept(struct gossip *g, int64_t ahead);

/* The endpoints that this member sends from and is reached at: those that say so themselves are believed. At
 * most PEER_ADDRS are used. */
void gossip_addresses(struct gossip *g, const struct addr *addrs, size_t count);

/* The group's multicast goes to more links than before, or reaches one again: who is there is asked for as a
 * newcomer asks. Harmless before COMMAND_ALIVE. */
void gossip_reaches_more(struct gossip *g, int64_t now);

/* The seeds from now on, at most SEEDS_MAX of them: where a member may be found whom no multicast reaches.
 * They are asked until a listed peer has answered there, and again when it is gone. What was told before and
 * still is goes on as it was. Harmless before COMMAND_ALIVE. */
void gossip_seeds(struct gossip *g, int64_t now, const struct seed *seeds, size_t count);

/* Time passes. Harmless when nothing is due. */
void gossip_tick(struct gossip *g, struct effects *fx, int64_t now);

/* The owner asks for something. */
void gossip_command(struct gossip *g, struct effects *fx, int64_t now, const struct command *command);

/* When gossip_tick wants to be called, microseconds; NEVER when nothing is pending. */
int64_t gossip_deadline(const struct gossip *g);

/* This member's boot id. */
uint64_t gossip_boot(const struct gossip *g);

/* Calls `visit` for every listed peer, in no particular order, until it returns nonzero; returns that, or 0.
 */
int gossip_peers(const struct gossip *g, int (*visit)(void *context, const struct peer_view *peer),
                 void *context);

/* The same for every member that is not listed since another has its name, where that was told as a conflict
 * and still holds: `other` is the listed one, or this member itself. */
int gossip_conflicts(const struct gossip *g,
                     int (*visit)(void *context, const struct peer_view *peer, const struct peer_view *other),
                     void *context);

/* How well the listed peers are reached, from the one at `from` on, in no particular order: puts at most
 * `most` into `out` and returns how many. Who asks again with `from` moved on by that sees all who stay. */
size_t gossip_measures(const struct gossip *g, int64_t now, size_t from, struct measure *out, size_t most);

/* Counters and gauges, as of now. */
struct gossip_stats gossip_stats(const struct gossip *g);

#endif
