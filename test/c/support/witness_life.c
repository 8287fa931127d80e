#include "witness_life.h"

#include <string.h>

#include "inside.h"
#include "kit/intervals.h"

void life_start(struct witness_life *l)
{
    memset(l, 0, offsetof(struct witness_life, peer));
    l->due = INT64_MAX;
    l->lost_at = INT64_MIN / 2;
}

void life_clock(struct witness_life *l, int64_t now, int64_t clock)
{
    int64_t pause = (clock - now) - l->slept + (now > l->due ? now - l->due : 0);
    int64_t before = l->clock;
    l->slept = clock - now;
    l->clock = clock;
    l->boot = 0;
    l->wrong = NULL;
    if (pause > STOPPED_AFTER) {
        l->lost = pause + (before - l->lost_at <= STOPPED_AFTER ? l->lost : 0);
        l->lost_at = clock;
    }
}

static size_t find(const struct witness_life *l, uint64_t boot)
{
    size_t i = 0;
    while (i < l->peers && l->peer[i].boot != boot) {
        i++;
    }
    return i;
}

static bool copy(const struct witness_life *l, uint64_t print)
{
    size_t count = l->prints < LIFE_PRINTS ? l->prints : LIFE_PRINTS;
    for (size_t i = 0; i < count; i++) {
        if (l->seen[i] == print) {
            return true;
        }
    }
    return false;
}

static bool elsewhere(const struct path *from, const struct origin *origin, const struct addr *advertised)
{
    if (from->kind != origin->kind) {
        return true;
    }
    return from->kind == PATH_UNICAST && from->local.family != ADDR_NONE &&
           !addr_same(&origin->to, &from->local) && !addr_same_host(&origin->to, advertised);
}

static bool late(const struct witness_life *l, size_t i)
{
    int64_t since = l->clock - l->peer[i].at;
    int64_t law = 2 * l->peer[i].interval > 2 * SECOND_US ? 2 * l->peer[i].interval : 2 * SECOND_US;
    int64_t pause = l->clock - l->lost_at <= STOPPED_AFTER ? l->lost : 0;
    return l->lag > l->peer[i].least + since / 1000 + law + pause;
}

void life_receive(struct witness_life *l, const struct gossip *g, uint64_t boot, int64_t interval,
                  bool answers, const struct path *from, const struct origin *origin,
                  const struct addr *advertised)
{
    size_t i = find(l, boot);
    l->boot = boot;
    l->interval = interval;
    l->answers = answers;
    l->print = origin->print;
    l->lag = l->clock - origin->said;
    l->before = inside_heard(g, boot);
    if (copy(l, origin->print)) {
        l->wrong = "a copy";
    } else if (elsewhere(from, origin, advertised)) {
        l->wrong = "what was sent elsewhere, or in another way";
    } else if (!origin->forged && !answers && l->before != INT64_MIN && i < l->peers && late(l, i)) {
        l->wrong = "what is late";
    }
}

static void renewed(struct witness_life *l)
{
    size_t i = find(l, l->boot);
    l->seen[l->prints++ % LIFE_PRINTS] = l->print;
    if (i == LIFE_PEERS) {
        return;
    }
    bool anew = i == l->peers || l->before == INT64_MIN || l->answers;
    if (i == l->peers) {
        l->peers++;
        l->peer[i].interval = 0;
    }
    if (anew || l->lag < l->peer[i].least + (l->clock - l->peer[i].at) / 1000) {
        l->peer[i].least = l->lag;
        l->peer[i].at = l->clock;
    }
    l->peer[i].boot = l->boot;
    l->peer[i].interval = l->interval > l->peer[i].interval ? l->interval : l->peer[i].interval;
}

const char *life_after(struct witness_life *l, const struct gossip *g)
{
    bool life = l->boot != 0 && inside_heard(g, l->boot) > l->before;
    l->due = gossip_deadline(g);
    if (life && l->wrong == NULL) {
        renewed(l);
    }
    return life ? l->wrong : NULL;
}
