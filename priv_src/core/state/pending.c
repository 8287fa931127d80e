#include "state/pending.h"

#include <string.h>

void pending_init(struct pendings *t, uint64_t salt)
{
    t->by_boot = (struct index){.salt = salt};
    t->count = 0; /* a slot is cleared when it is taken */
}

void pending_free(struct pendings *t)
{
    index_free(&t->by_boot);
    t->count = 0;
}

struct pending *pending_find(const struct pendings *t, uint64_t boot)
{
    return index_find(&t->by_boot, boot);
}

/* The one not heard for longest. */
static struct pending *oldest_of(struct pendings *t)
{
    struct pending *oldest = &t->slots[0];
    for (size_t i = 1; i < t->count; i++) {
        oldest = t->slots[i].heard < oldest->heard ? &t->slots[i] : oldest;
    }
    return oldest;
}

struct pending *pending_note(struct pendings *t, uint64_t boot)
{
    struct pending *p = pending_find(t, boot);
    if (p != NULL) {
        return p;
    }
    if (t->count == PENDING_MAX) {
        pending_drop(t, oldest_of(t));
    }
    p = &t->slots[t->count];
    if (!index_add(&t->by_boot, boot, p)) {
        return NULL;
    }
    t->count++;
    memset(p, 0, sizeof *p);
    p->boot = boot;
    return p;
}

void pending_drop(struct pendings *t, struct pending *p)
{
    if (p == NULL) {
        return;
    }
    struct pending *last = &t->slots[--t->count];
    index_remove(&t->by_boot, p->boot);
    if (p != last) { /* the last one moves into the gap; the table has room, since one has just gone */
        index_remove(&t->by_boot, last->boot);
        *p = *last;
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
