/* Members by boot id (or by the hash of a name): an open-addressed table with linear probing. Every datagram
 * is looked up here, so a look-up has to cost one cache line; the chains of uthash, up to ten members long,
 * made half of a large simulation's time, and one library less is to be installed. */
#ifndef GOSSIP_INDEX_H
#define GOSSIP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_slot {
    uint64_t boot;
    void *value; /* NULL: free */
};

/* Zeroed memory is an empty index; `salt` may be set before the first use, so that nobody can choose boot ids
 * that collide. */
struct index {
    struct index_slot *slots;
    size_t size; /* a power of two, or 0; at most half full */
    size_t count;
    uint64_t salt;
};

/* Frees the table, not the values. */
void index_free(struct index *x);

/* What is kept under this boot id; NULL if there is none. */
void *index_find(const struct index *x, uint64_t boot);

/* Where the look-up of a boot id begins, to have it in the cache in time; NULL if nothing was ever added. */
const void *index_place(const struct index *x, uint64_t boot);

/* Adds a value under a boot id that is not in the table; false when memory is short. */
bool index_add(struct index *x, uint64_t boot, void *value);

/* Removes a boot id that is in the table. */
void index_remove(struct index *x, uint64_t boot);

#endif
