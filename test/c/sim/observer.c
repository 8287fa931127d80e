#include "observer.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum pair { PAIR_NONE = 0, PAIR_CURRENT = 1, PAIR_EARLIER = 2, PAIR_LIFE = 3, PAIR_STALLED = 4 };

void observer_init(struct observer *o, uint32_t size)
{
    *o = (struct observer){.size = size};
    o->seen = memory_new((size_t)size * size, 1);
    o->subjects = memory_new(size, sizeof *o->subjects);
}

void observer_free(struct observer *o)
{
    free(o->seen);
    free(o->subjects);
    *o = (struct observer){0};
}

static uint8_t *pair_of(const struct observer *o, uint32_t node, uint32_t subject)
{
    return &o->seen[(size_t)node * o->size + subject];
}

bool observer_complete(const struct observer *o)
{
    return o->running > 0 && o->pairs == (uint64_t)o->running * (o->running - 1);
}

bool observer_lists(const struct observer *o, uint32_t node, uint32_t subject)
{
    return (*pair_of(o, node, subject) & PAIR_LIFE) == PAIR_CURRENT;
}

bool observer_lists_earlier(const struct observer *o, uint32_t node, uint32_t subject)
{
    return (*pair_of(o, node, subject) & PAIR_LIFE) == PAIR_EARLIER;
}

/* `node` lists, or no longer lists, the current life of `subject`. */
static void count(struct observer *o, int64_t now, uint32_t node, uint32_t subject, bool lists)
{
    struct subject *who = &o->subjects[node], *whom = &o->subjects[subject];
    uint32_t one = lists ? 1u : UINT32_MAX;
    whom->known_by += one;
    if (!whom->running) {
        return;
    }
    who->knows += one;
    o->pairs += lists ? 1u : UINT64_MAX;
    if (whom->known_by == o->running - 1) {
        whom->known_to_all_at = now;
    }
    if (who->knows == o->running - 1) {
        who->knows_all_at = now;
    }
}

static void set_stalled(struct observer *o, uint8_t *pair, uint32_t subject, bool stalled)
{
    if (stalled != ((*pair & PAIR_STALLED) != 0)) {
        *pair ^= PAIR_STALLED;
        o->subjects[subject].stalled_by += stalled ? 1u : UINT32_MAX;
    }
}

static void forget_row(struct observer *o, int64_t now, uint32_t node)
{
    for (uint32_t s = 0; s < o->size; s++) {
        uint8_t *p = pair_of(o, node, s);
        if ((*p & PAIR_LIFE) == PAIR_CURRENT) {
            count(o, now, node, s, false);
        }
        set_stalled(o, p, s, false);
        *p = PAIR_NONE;
    }
}

void observer_started(struct observer *o, int64_t now, uint32_t node, uint64_t boot, uint32_t named)
{
    struct subject *s = &o->subjects[node];
    for (uint32_t i = 0; i < o->size; i++) {
        uint8_t *p = pair_of(o, i, node);
        if ((*p & PAIR_LIFE) == PAIR_CURRENT) {
            *p = PAIR_EARLIER;
        }
    }
    *s = (struct subject){
        .boot = boot, .named = named, .running = true, .started_at = now, .stopped_at = NEVER};
    s->known_to_all_at = s->knows_all_at = NEVER;
    o->running++;
}

void observer_stopped(struct observer *o, int64_t now, uint32_t node)
{
    struct subject *s = &o->subjects[node];
    if (!s->running) {
        return;
    }
    forget_row(o, now, node);
    s->running = false;
    s->stopped_at = now;
    o->running--;
    o->pairs -= s->known_by;
    for (uint32_t i = 0; i < o->size; i++) {
        if ((*pair_of(o, i, node) & PAIR_LIFE) == PAIR_CURRENT) {
            o->subjects[i].knows--;
        }
    }
}

/* Names are "node0001@...": number 1 is member 0. */
static bool number_in(const struct name *name, uint32_t *out)
{
    uint32_t v = 0;
    size_t i = 4;
    while (i < name->len && name->text[i] >= '0' && name->text[i] <= '9' && v < 1000000) {
        v = v * 10 + (uint32_t)(name->text[i++] - '0');
    }
    *out = v - 1;
    return i > 4 && v > 0;
}

static bool find(const struct observer *o, const struct identity *id, uint32_t *out)
{
    if (!number_in(&id->name, out) || *out >= o->size) {
        return false;
    }
    if (o->subjects[*out].boot == id->boot) {
        return true;
    }
    for (uint32_t i = o->size; i-- > 0 && o->subjects[i].named != i;) { /* twins are the last members */
        if (o->subjects[i].named == *out && o->subjects[i].boot == id->boot) {
            *out = i;
        }
    }
    return o->subjects[*out].boot != 0;
}

static struct sighting up(struct observer *o, int64_t now, uint32_t node, uint32_t s, bool current,
                          bool stalled)
{
    uint8_t *p = pair_of(o, node, s);
    if (*p != PAIR_NONE) {
        return (struct sighting){SIGHT_WRONG, s};
    }
    *p = current ? PAIR_CURRENT : PAIR_EARLIER;
    set_stalled(o, p, s, stalled);
    if (current) {
        count(o, now, node, s, true);
    }
    return (struct sighting){current && o->subjects[s].running ? SIGHT_UP : SIGHT_GHOST, s};
}

static struct sighting down(struct observer *o, int64_t now, uint32_t node, uint32_t s, bool current)
{
    uint8_t *p = pair_of(o, node, s);
    if ((*p & PAIR_LIFE) != (current ? PAIR_CURRENT : PAIR_EARLIER)) {
        return (struct sighting){SIGHT_WRONG, s};
    }
    set_stalled(o, p, s, false);
    *p = PAIR_NONE;
    if (current) {
        count(o, now, node, s, false);
    }
    return (struct sighting){current ? SIGHT_DOWN : SIGHT_OLD, s};
}

static struct sighting update(struct observer *o, int64_t now, uint32_t node, uint32_t s, bool current,
                              bool stalled)
{
    uint8_t *p = pair_of(o, node, s);
    uint8_t kind = SIGHT_CHANGE;
    if (*p == PAIR_NONE || (!current && (*p & PAIR_LIFE) == PAIR_CURRENT)) {
        return (struct sighting){SIGHT_WRONG, s};
    }
    if (current && (*p & PAIR_LIFE) == PAIR_EARLIER) {
        *p = (uint8_t)((*p & ~PAIR_LIFE) | PAIR_CURRENT);
        count(o, now, node, s, true);
        kind = SIGHT_TAKEOVER;
    }
    set_stalled(o, p, s, stalled);
    return (struct sighting){current ? kind : SIGHT_OLD, s};
}

struct sighting observer_event(struct observer *o, int64_t now, uint32_t node, const struct event *e)
{
    uint32_t s = 0;
    if (!find(o, &e->peer.id, &s)) {
        return (struct sighting){SIGHT_STRANGER, s};
    }
    bool current = o->subjects[s].boot == e->peer.id.boot;
    bool stalled = e->peer.status == STATUS_STALLED;
    switch (e->type) {
    case EVENT_UP:
        return up(o, now, node, s, current, stalled);
    case EVENT_DOWN:
        return down(o, now, node, s, current);
    case EVENT_UPDATE:
        return update(o, now, node, s, current, stalled);
    default:
        return (struct sighting){SIGHT_NOTHING, s};
    }
}
