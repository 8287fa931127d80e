/* Whom libcluster's wire has named of late, and whether the owner is to be told of it once more. Anybody on
 * the link can say any name there, so the table is small, of fixed size, and no name that is heard is evicted
 * from it: who fills it keeps new names out, and cannot make more of them pass. Zeroed memory is an empty
 * one. */
#ifndef GOSSIP_LEGACY_NAMES_H
#define GOSSIP_LEGACY_NAMES_H

#include "bucket.h"
#include "identity.h"
#include "units.h"

#define LEGACY_NAMES_MAX 256
#define LEGACY_FORGET                                                                                        \
    (60 * SECOND_US)                  /* libcluster beats every 2.5 s, in the mean: 24 in a row were lost    \
                                       */
#define LEGACY_REMIND (5 * SECOND_US) /* how often the owner is told of a name that goes on */

/* Newcomers: so many at once, so many a second. */
#define LEGACY_NEW_BURST      64
#define LEGACY_NEW_PER_SECOND 20

struct legacy_names {
    struct bucket newcomers;
    struct legacy_name {
        int64_t heard_at;
        int64_t told_at;
        struct name name; /* of length 0: the place is free */
    } items[LEGACY_NAMES_MAX];
};

enum legacy_verdict {
    LEGACY_TELL = 1, /* the owner is to be told */
    LEGACY_KNOWN,    /* it was, a moment ago */
    LEGACY_REFUSED,  /* no room, or too many new names at a time */
};

/* This name was heard. */
enum legacy_verdict legacy_names_heard(struct legacy_names *names, const struct name *name, int64_t now);

#endif
