#include "effect.h"

#include <stdarg.h>
#include <stdio.h>
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
    struct effect *e = &fx->ring[(fx->head + fx->count) % EFFECTS_MAX];
    fx->count++;
    e->type = type;
    if (type == EFFECT_SEND) {
        e->as.send.len = 0; /* 1,200 bytes that the sealing overwrites need no clearing */
    } else if (type == EFFECT_EVENT) {
        memset(&e->as.event, 0, sizeof e->as.event);
    } else {
        e->as.log.text[0] = '\0';
    }
    return e;
}

void effects_unpush(struct effects *fx)
{
    if (fx->count > 0) {
        fx->count--;
    }
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

void effects_log(struct effects *fx, uint8_t level, const char *format, ...)
{
    struct effect *e = effects_push(fx, EFFECT_LOG);
    if (e == NULL) {
        return;
    }
    e->as.log.level = level;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(e->as.log.text, sizeof e->as.log.text, format, args);
    va_end(args);
}
