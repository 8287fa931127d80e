#include "state/roster.h"

#include <stdlib.h>
#include <string.h>

#include "kit/rank.h"
#include "primitives.h"

#define LIST_FIRST 16

void roster_init(struct roster *r, size_t limit, uint64_t salt)
{
    memset(r, 0, sizeof *r);
    r->limit = limit;
    r->by_boot.salt = r->by_name.salt = salt;
}

static void free_peer(struct peer *p)
{
    if (p != NULL) {
        free(p->tags);
        free(p);
    }
}

void roster_free(struct roster *r)
{
    for (size_t i = 0; i < r->by_boot.size; i++) {
        free_peer(r->by_boot.slots[i].value);
    }
    index_free(&r->by_boot);
    index_free(&r->by_name);
    free(r->list);
    free(r->looks);
    memset(r, 0, sizeof *r);
}

struct peer *roster_find(const struct roster *r, uint64_t boot)
{
    return index_find(&r->by_boot, boot);
}

struct peer *roster_namesake(struct peer *p, uint8_t state)
{
    while (p->name_prev != NULL) {
        p = p->name_prev;
    }
    while (p != NULL && p->state != state) {
        p = p->name_next;
    }
    return p;
}

/* SipHash: names come from the network. */
static uint64_t hash_name(const struct roster *r, const struct name *name)
{
    const uint64_t key[] = {r->by_name.salt, ~r->by_name.salt};
    _Static_assert(sizeof key == PRIMITIVES_SHORT_KEY, "key size");
    return primitives_short_hash((const uint8_t *)key, name->text, name->len);
}

static bool link_name(struct roster *r, struct peer *p)
{
    uint64_t hash = hash_name(r, &p->id.name);
    struct peer *first = index_find(&r->by_name, hash);
    if (first == NULL) {
        return index_add(&r->by_name, hash, p);
    }
    if (!name_same(&first->id.name, &p->id.name)) {
        return false;
    }
    p->name_prev = first;
    p->name_next = first->name_next;
    if (p->name_next != NULL) {
        p->name_next->name_prev = p;
    }
    first->name_next = p;
    return true;
}

static void unlink_name(struct roster *r, struct peer *p)
{
    struct peer *heir = p->name_next;
    if (heir != NULL) {
        heir->name_prev = p->name_prev;
    }
    if (p->name_prev != NULL) {
        p->name_prev->name_next = heir;
        return;
    }
    uint64_t hash = hash_name(r, &p->id.name);
    index_remove(&r->by_name, hash);
    if (heir != NULL) {
        (void)index_add(&r->by_name, hash, heir); /* there is room, since one has just gone */
    }
}

/* Whatever is in the table may come to be listed, so the dense list has room for all of it. */
static bool list_grow(struct roster *r)
{
    if (r->by_boot.count < r->list_size) {
        return true;
    }
    size_t size = r->list_size == 0 ? LIST_FIRST : r->list_size * 2;
    struct listed *list = realloc(r->list, size * sizeof *list);
    if (list == NULL) {
        return false;
    }
    r->list = list;
    int64_t *looks = realloc(r->looks, size * sizeof *looks);
    if (looks == NULL) {
        return false;
    }
    r->looks = looks;
    r->list_size = size;
    return true;
}

uint64_t roster_digest(uint64_t boot, uint32_t incarnation)
{
    return rank_weight(boot, incarnation);
}

void roster_incarnation(struct roster *r, struct peer *p, uint32_t incarnation)
{
    if (incarnation > p->id.incarnation) {
        if (p->state == PEER_LISTED) {
            r->digest ^=
                roster_digest(p->id.boot, p->id.incarnation) ^ roster_digest(p->id.boot, incarnation);
        }
        p->id.incarnation = incarnation;
    }
}

/* A rival counts for nothing, whether it was heard or not. */
static bool counts(const struct peer *p)
{
    return p->met && p->state != PEER_RIVAL;
}

void roster_met(struct roster *r, struct peer *p)
{
    if (!p->met) {
        p->met = true;
        r->met += counts(p);
    }
}

static bool is_far(const struct peer *p)
{
    return p->far || p->unheard;
}

void roster_far(struct roster *r, struct peer *p, bool far, bool unheard)
{
    bool listed = p->state == PEER_LISTED;
    if (far == p->far && unheard == p->unheard) {
        return;
    }
    r->far -= listed && is_far(p);
    p->far = far;
    p->unheard = unheard;
    r->far += listed && is_far(p);
    r->version += listed;
}

static void leave_state(struct roster *r, const struct peer *p)
{
    r->met -= counts(p);
    if (p->state == PEER_LISTED) {
        r->far -= is_far(p);
        r->version++;
        struct listed last = r->list[--r->listed];
        r->list[p->index] = last;
        r->looks[p->index] = r->looks[r->listed];
        last.peer->index = p->index;
        r->digest ^= roster_digest(p->id.boot, p->id.incarnation);
    } else if (p->state == PEER_GONE) {
        r->gone--;
    }
}

static void enter_state(struct roster *r, struct peer *p, uint8_t state)
{
    p->state = state;
    r->met += counts(p);
    if (state == PEER_LISTED) {
        r->far += is_far(p);
        r->version++;
        r->digest ^= roster_digest(p->id.boot, p->id.incarnation);
        p->index = (uint32_t)r->listed;
        r->looks[p->index] = INT64_MIN; /* at the next look, unless somebody says otherwise */
        r->list[r->listed++] = (struct listed){.boot = p->id.boot, .peer = p};
    } else if (state == PEER_GONE) {
        r->gone++;
    }
}

bool roster_room(const struct roster *r)
{
    return r->by_boot.count - r->gone < r->limit;
}

struct peer *roster_add(struct roster *r, const struct identity *id, uint8_t state)
{
    if (!roster_room(r) || !list_grow(r) || roster_find(r, id->boot) != NULL) {
        return NULL;
    }
    struct peer *p = aligned_alloc(CACHE_LINE, (sizeof *p + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (p == NULL) {
        return NULL;
    }
    memset(p, 0, sizeof *p);
    p->id = *id;
    if (!link_name(r, p)) {
        free(p);
        return NULL;
    }
    if (!index_add(&r->by_boot, id->boot, p)) {
        unlink_name(r, p);
        free(p);
        return NULL;
    }
    enter_state(r, p, state);
    return p;
}

bool roster_tags(struct peer *p, const struct tags *tags)
{
    if (p->tags == NULL) {
        p->tags = malloc(sizeof *p->tags);
    }
    if (p->tags == NULL) {
        return false;
    }
    *p->tags = *tags;
    return true;
}

void roster_state(struct roster *r, struct peer *p, uint8_t state)
{
    leave_state(r, p);
    enter_state(r, p, state);
}

void roster_remove(struct roster *r, struct peer *p)
{
    leave_state(r, p);
    unlink_name(r, p);
    index_remove(&r->by_boot, p->id.boot);
    free_peer(p);
}
