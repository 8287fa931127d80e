/* What the doctor finds: lines for people, or one line of JSON as GossipCluster's doctor writes it. */
#ifndef GOSSIP_FINDINGS_H
#define GOSSIP_FINDINGS_H

#include "text.h"

#include <stdbool.h>

/* Exit codes: those of GossipCluster's doctor, too. */
#define DOCTOR_OK      0
#define DOCTOR_WARNING 1
#define DOCTOR_BROKEN  2

/* All zero but for `json` at first. */
struct findings {
    bool json;
    int status;          /* the worst of what was found */
    struct text written; /* of JSON: all of them; of lines: the causes, which come at the end */
};

/* Something that is well. `what` is the same word for the same thing, always; of lines, it is said on stdout
 * at once. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void findings_ok(struct findings *f, const char *what, const char *format, ...);

/* Something that is not, DOCTOR_WARNING or DOCTOR_BROKEN, and what to do about it. */
#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
void findings_cause(struct findings *f, int level, const char *what, const char *mend, const char *format, ...);

/* Says on stdout what is left to say, and frees what is owned. Returns the exit code: DOCTOR_BROKEN, too,
 * where it could not be said. */
int findings_end(struct findings *f);

#endif
