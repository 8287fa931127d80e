#include "effect.h"

#include <string.h>

size_t effects_room(const struct effects *fx)
{
    return EFFECTS_MAX - fx->count;
}

struct effect *effects_push(struct effects *fx, uint8_t type)
{
    if (fx->count == EFFECTS_MAX) {
        fx->refused++;
        return NULL;
    }
    if (fx->count == 0) { /* the same few again, in cache: the others then take no memory */
        fx->head = 0;
    }
    struct effect *e = &fx->ring[(fx->head + fx->count) % EFFECTS_MAX];
    fx->count++;
    e->type = type;
    if (type == EFFECT_SEND) {
        e->as.send.len = 0; /* 1,200 bytes that the sealing overwrites need no clearing */
    } else {
        memset(&e->as.event, 0, sizeof e->as.event);
    }
    return e;
}

const struct effect *effects_pop(struct effects *fx)
{
    if (fx->count == 0) {
        return NULL;
    }
    const struct effect *e = &fx->ring[fx->head];
    fx->head = (fx->head + 1) % EFFECTS_MAX;
    fx->count--;
    return e;
}
