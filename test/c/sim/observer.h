/* Who lists whom. Every up, down and update of every pair (observer, subject) passes here and costs the same
 * however many members there are: a byte a pair, and counts.
 *
 * A member that is started again is another life under the same number: pairs that list the earlier life are
 * told apart from those that list the current one. */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "gossip.h"

struct subject {
    uint64_t boot;       /* of its current life */
    uint32_t named;      /* the member whose name it bears: itself, unless it is a twin */
    uint32_t known_by;   /* running members that list its current life */
    uint32_t knows;      /* running members whose current life it lists */
    uint32_t stalled_by; /* members that list it as stalled */
    bool running;
    int64_t started_at;
    int64_t stopped_at;
    int64_t known_to_all_at; /* when known_by became complete last */
    int64_t knows_all_at;
};

enum sighting_kind {
    SIGHT_NOTHING = 0,
    SIGHT_UP,
    SIGHT_DOWN,     /* of the current life */
    SIGHT_OLD,      /* anything about an earlier life, rightly told */
    SIGHT_CHANGE,   /* an update */
    SIGHT_TAKEOVER, /* an update: the current life takes the place of an earlier one */
    SIGHT_GHOST,    /* up, but that life is over */
    SIGHT_STRANGER, /* there has never been such a member */
    SIGHT_WRONG,    /* an event that cannot be: up twice, down or update of one not listed */
};

struct sighting {
    uint8_t kind; /* enum sighting_kind */
    uint32_t subject;
};

struct observer {
    uint32_t size;
    uint32_t running;
    uint64_t pairs; /* running members listing the current life of running members */
    uint8_t *seen;  /* [observer * size + subject] */
    struct subject *subjects;
};

void observer_init(struct observer *o, uint32_t size);
void observer_free(struct observer *o);

/* A member begins to run; `named` is the member whose name it has. */
void observer_started(struct observer *o, int64_t now, uint32_t node, uint64_t boot, uint32_t named);

/* It runs no more: what it listed is forgotten, who lists it does so still. */
void observer_stopped(struct observer *o, int64_t now, uint32_t node);

/* An up, down or update that `node` was told. */
struct sighting observer_event(struct observer *o, int64_t now, uint32_t node, const struct event *e);

/* Whether everybody who runs lists everybody else who runs. */
bool observer_complete(const struct observer *o);

/* Whether `node` lists the current life of `subject`. */
bool observer_lists(const struct observer *o, uint32_t node, uint32_t subject);

/* Whether `node` lists an earlier life of `subject`. */
bool observer_lists_earlier(const struct observer *o, uint32_t node, uint32_t subject);

#endif
