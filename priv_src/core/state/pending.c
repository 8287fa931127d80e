#include "state/pending.h"

#include <string.h>

#define NOBODY PENDING_MAX

_Static_assert(NOBODY < UINT16_MAX, "a slot's number, or none, has 16 bits");

void pending_init(struct pendings *t, uint64_t salt)
{
    t->by_boot = (struct index){.salt = salt};
    t->oldest = t->newest = NOBODY;
    t->count = 0; /* a slot is cleared when it is taken */
}

void pending_free(struct pendings *t)
{
    index_free(&t->by_boot);
    t->oldest = t->newest = NOBODY;
    t->count = 0;
}

struct pending *pending_find(const struct pendings *t, uint64_t boot)
{
    return index_find(&t->by_boot, boot);
}

/* What says who was heard after `at`, and who before it: in its neighbours, or at the ends of the chain. */
static uint16_t *later_of(struct pendings *t, uint16_t at)
{
    return at == NOBODY ? &t->oldest : &t->slots[at].later;
}

static uint16_t *earlier_of(struct pendings *t, uint16_t at)
{
    return at == NOBODY ? &t->newest : &t->slots[at].earlier;
}

static void unchain(struct pendings *t, const struct pending *p)
{
    *later_of(t, p->earlier) = p->later;
    *earlier_of(t, p->later) = p->earlier;
}

static void chain_last(struct pendings *t, struct pending *p)
{
    uint16_t at = (uint16_t)(p - t->slots);
    p->earlier = t->newest;
    p->later = NOBODY;
    *later_of(t, p->earlier) = t->newest = at;
}

struct pending *pending_note(struct pendings *t, uint64_t boot)
{
    struct pending *p = pending_find(t, boot);
    if (p != NULL) {
        return p;
    }
    if (t->count == PENDING_MAX) {
        pending_drop(t, &t->slots[t->oldest]);
    }
    p = &t->slots[t->count];
    if (!index_add(&t->by_boot, boot, p)) {
        return NULL;
    }
    t->count++;
    memset(p, 0, sizeof *p);
    p->boot = boot;
    chain_last(t, p);
    return p;
}

void pending_heard(struct pendings *t, struct pending *p, int64_t now)
{
    p->heard = now;
    unchain(t, p);
    chain_last(t, p);
}

void pending_drop(struct pendings *t, struct pending *p)
{
    if (p == NULL) {
        return;
    }
    struct pending *last = &t->slots[--t->count];
    index_remove(&t->by_boot, p->boot);
    unchain(t, p);
    if (p != last) { /* the last one moves into the gap; the table has room, since one has just gone */
        index_remove(&t->by_boot, last->boot);
        *p = *last;
        *later_of(t, p->earlier) = *earlier_of(t, p->later) = (uint16_t)(p - t->slots);
        (void)index_add(&t->by_boot, p->boot, p);
    }
}

void pending_expire(struct pendings *t, int64_t before)
{
    for (size_t i = t->count; i > 0; i--) {
        if (t->slots[i - 1].heard < before) {
            pending_drop(t, &t->slots[i - 1]);
        }
    }
}
