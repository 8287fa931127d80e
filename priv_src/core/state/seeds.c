#include "state/seeds.h"

static struct door *find(struct seeds *s, const struct seed *seed)
{
    for (size_t i = 0; i < s->count; i++) {
        struct door *d = &s->doors[i];
        if (d->seed.ports == seed->ports && addr_same(&d->seed.addr, &seed->addr)) {
            return d;
        }
    }
    return NULL;
}

static bool is_usable(const struct seed *seed)
{
    return addr_is_endpoint(&seed->addr) && seed->ports >= 1 && seed->ports <= SEED_PORTS_MAX &&
           seed->addr.port <= UINT16_MAX - (seed->ports - 1);
}

void seeds_replace(struct seeds *s, const struct seed *seeds, size_t count, int64_t now)
{
    struct seeds before = *s;
    s->count = 0;
    for (size_t i = 0; i < count && s->count < SEEDS_MAX; i++) {
        if (!is_usable(&seeds[i]) || find(s, &seeds[i]) != NULL) {
            continue;
        }
        const struct door *old = find(&before, &seeds[i]);
        s->doors[s->count++] = old != NULL ? *old : (struct door){.seed = seeds[i], .due = now};
    }
}

void seeds_begin(struct seeds *s, int64_t now)
{
    for (size_t i = 0; i < s->count; i++) {
        s->doors[i].boot = 0;
        s->doors[i].asked = 0;
        s->doors[i].due = now;
    }
    for (size_t i = 0; i < s->lost_count; i++) {
        s->lost[i].asked = SEED_LOST;
        s->lost[i].due = now;
    }
}

void seeds_lost(struct seeds *s, uint64_t boot, const struct addr *a, int64_t now, int64_t due,
                uint32_t random)
{
    size_t at = 0;
    if (!addr_is_endpoint(a)) {
        return;
    }
    while (at < s->lost_count && !addr_same(&s->lost[at].seed.addr, a)) {
        at++;
    }
    if (at == s->lost_count) {
        if (seeds_have(s, a)) {
            return;
        }
        at = at < LOST_MAX ? s->lost_count++ : random % LOST_MAX;
    }
    s->lost[at] = (struct door){.seed = {.addr = *a, .ports = 1},
                                .due = due,
                                .asked = SEED_LOST,
                                .lost = boot,
                                .until = now + LOST_LIFE};
    s->more = true;
}

void seeds_drop(struct seeds *s, struct door *d)
{
    *d = s->lost[--s->lost_count];
}

/* The earliest of these and of `first`, if there is one. */
static struct door *earlier(struct door *first, struct door *doors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        first = first == NULL || doors[i].due < first->due ? &doors[i] : first;
    }
    return first;
}

struct door *seeds_first(struct seeds *s)
{
    return earlier(earlier(NULL, s->doors, s->count), s->lost, s->lost_count);
}

bool seed_has(const struct seed *seed, const struct addr *a)
{
    return addr_same_host(&seed->addr, a) && a->port >= seed->addr.port &&
           a->port - seed->addr.port < seed->ports;
}

static bool have(const struct door *doors, size_t count, const struct addr *a)
{
    size_t i = 0;
    while (i < count && !seed_has(&doors[i].seed, a)) {
        i++;
    }
    return i < count;
}

bool seeds_have(const struct seeds *s, const struct addr *a)
{
    return have(s->doors, s->count, a) || have(s->lost, s->lost_count, a);
}
