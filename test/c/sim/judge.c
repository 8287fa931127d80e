#include "judge.h"

static bool was_stopped(const struct node *n, int64_t now)
{
    return (n->paused && n->pause > LONG_PAUSE) ||
           (n->long_pause_end != INT64_MIN && now - n->long_pause_end < NETWORK_HEALED);
}

enum verdict_truth judge_death(const struct cluster *c, uint32_t observer, uint32_t subject)
{
    int64_t now = cluster_now(c);
    if (c->nodes[subject].g == NULL || !c->observer.subjects[subject].running) {
        return DEATH_TRUE;
    }
    if (was_stopped(&c->nodes[subject], now) || network_was_silenced(&c->network, now, subject)) {
        return DEATH_EXEMPT;
    }
    bool deaf = (c->network.reach[observer].lost & REACH_NO_HEARING) != 0;
    if (!deaf && network_was_separated(&c->network, now, subject, observer)) {
        return DEATH_SEPARATED;
    }
    return DEATH_FALSE;
}
