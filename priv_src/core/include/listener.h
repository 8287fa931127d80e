/* A listener: who holds a key, hears what members say to the group, and says nothing. It is no member, has no
 * boot id, and there is nothing in it that could make a datagram: no function here takes a queue of effects.
 *
 * What it cannot do is ask. So nobody ever proves to it that he speaks at this moment (PROTOCOL.md, part 2,
 * nonces): it shows who is *heard*, by datagrams that are sealed, new and not late, and of whom others
 * *tell*.
 *
 * Life: listener_new -> any of receive / tick, `now` never going back -> listener_free. Tick at least every
 * LISTENER_TICK; a longer gap means that this process was stopped, and is held against nobody. */
#ifndef GOSSIP_LISTENER_H
#define GOSSIP_LISTENER_H

#include "identity.h"
#include "setup.h"
#include "tags.h"
#include "units.h"

#define LISTENER_TICK     (500 * MS_US)
#define LISTENER_EVENTS   64               /* that wait to be taken; of more the oldest go */
#define LISTENER_SHOWN    (60 * SECOND_US) /* so long one that is gone is shown: as tombstones are kept */
#define LISTENER_ROWS_MAX 65535

struct listener_options {
    struct keyring keys;
    uint32_t max_rows; /* members known at a time, from 1 to LISTENER_ROWS_MAX */
    gossip_random *random;
    void *random_context;
};

enum heard_state {
    HEARD_ONCE = 1, /* one datagram: it may be a recording */
    HEARD_ALIVE,    /* another came, and not late */
    HEARD_SUSPECT,  /* others say that it does not answer them */
    HEARD_SILENT,   /* nothing was heard for as many T as it promised to be heard within (6) */
    HEARD_DEAD,     /* others say so, */
    HEARD_LEFT,     /* and that; or it has said so itself */
    HEARD_BEAM_EXIT,
    HEARD_TOLD, /* never heard: others tell of it */
};

/* One member, as far as a listener can know it. */
struct heard {
    struct identity id;
    uint8_t state;     /* enum heard_state */
    struct name by;    /* who has said so, of what others say; else empty */
    bool shown;        /* else it is long gone, and kept so that recordings of it are known */
    bool late;         /* it is gone, and what comes of it was sent long ago, or its clock stood still */
    bool stalled;      /* its BEAM has not pulsed for long */
    bool isolated;     /* it hears nobody */
    int64_t heard_ago; /* since the last datagram that counts, or the last word of others; microseconds */
    int64_t interval;  /* T that it promises */
    int loss;          /* of its last beats, thousandths that did not come; -1: too few to tell */
    uint16_t lists;    /* members that it lists, itself included; 0: not heard */
    bool agrees;       /* it lists just those whom the last listener_summary counts as heard and told */
    struct addr from;  /* where the last one came from; no family: not heard */
    uint8_t addr_count;
    struct addr addrs[PEER_ADDRS]; /* that it says are its own, or that others tell */
    struct tags tags;
};

enum listener_event_type {
    LISTENER_FOUND = 1, /* heard for the first time */
    LISTENER_TOLD,      /* others tell of one that is not heard here */
    LISTENER_AGAIN,     /* one that was suspect, silent or gone is heard */
    LISTENER_SUSPECT,
    LISTENER_SILENT,
    LISTENER_DEAD,
    LISTENER_LEFT,
    LISTENER_BEAM_EXIT,
    LISTENER_STALLED,
    LISTENER_PULSES, /* it was stalled, and is not */
};

struct listener_event {
    uint8_t type; /* enum listener_event_type */
    struct name name, by;
};

struct listener_summary {
    uint32_t heard;       /* rows that are heard: once, alive, suspect */
    uint32_t told;        /* of whom only others tell */
    uint32_t agree;       /* of those heard, who list just those heard and told */
    uint32_t others;      /* of those heard, who do not */
    uint64_t unlisted;    /* newcomers that found no room */
    int64_t interval_max; /* the longest T of those heard; 0: nobody is */
    uint64_t received, foreign, forged, malformed, copies, replayed, stale, misdirected; /* as in stats.h */
};

struct listener;

/* NULL when memory is short. */
struct listener *listener_new(const struct listener_options *options, int64_t now);

/* Frees it and wipes its keys. NULL is allowed. */
void listener_free(struct listener *l);

/* A datagram came in over `from`; `slept`: as clock_slept. Any bytes are allowed. */
void listener_receive(struct listener *l, int64_t now, int64_t slept, const struct path *from,
                      const uint8_t *datagram, size_t len);

/* Time passes. */
void listener_tick(struct listener *l, int64_t now);

/* How many rows there are, in no order and with those that are not shown; and the one at `i`. */
size_t listener_count(const struct listener *l);
void listener_row(const struct listener *l, size_t i, struct heard *out);

struct listener_summary listener_summary(struct listener *l);

/* The oldest event that was not taken yet; false: there is none. */
bool listener_event(struct listener *l, struct listener_event *out);

#endif
