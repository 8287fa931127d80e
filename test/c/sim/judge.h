/* Whether a death that a member believes in is true, excused, or false: the definition that all figures hang
 * on.
 *
 * A false death is a DEAD believed by any member about one that ran and could reach some other. Stopped for
 * more than 600 ms, cut off, or healed less than 4 s ago does not count as running. A death beyond a cut
 * between two sides is right, but who hears nobody at all may bury nobody. That the observer itself was
 * stopped excuses nothing. */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "cluster.h"

enum verdict_truth {
    DEATH_TRUE,      /* it does not run */
    DEATH_EXEMPT,    /* it was stopped, could not send, or was just healed */
    DEATH_SEPARATED, /* it is on the other side of a cut */
    DEATH_FALSE,
};

enum verdict_truth judge_death(const struct cluster *c, uint32_t observer, uint32_t subject);

#endif
