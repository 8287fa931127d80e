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
}

struct door *seeds_first(struct seeds *s)
{
    struct door *first = s->count > 0 ? &s->doors[0] : NULL;
    for (size_t i = 1; i < s->count; i++) {
        first = s->doors[i].due < first->due ? &s->doors[i] : first;
    }
    return first;
}

bool seed_has(const struct seed *seed, const struct addr *a)
{
    return addr_same_host(&seed->addr, a) && a->port >= seed->addr.port &&
           a->port - seed->addr.port < seed->ports;
}

bool seeds_have(const struct seeds *s, const struct addr *a)
{
    size_t i = 0;
    while (i < s->count && !seed_has(&s->doors[i].seed, a)) {
        i++;
    }
    return i < s->count;
}
