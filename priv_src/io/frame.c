#include "frame.h"

#include "buf.h"
#include "primitives.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 4096 /* nearly every frame fits; only a configuration with a long list grows it */

struct frame_parser frame_parser_new(size_t limit)
{
    return (struct frame_parser){.limit = limit};
}

void frame_parser_free(struct frame_parser *p)
{
    if (p->data != NULL) {
        primitives_wipe(p->data, p->size);
    }
    free(p->data);
    *p = (struct frame_parser){.limit = p->limit};
}

/* Gives back the frame that the last frame_next handed out. */
static void release(struct frame_parser *p)
{
    if (p->used == 0) {
        return;
    }
    primitives_wipe(p->data + p->start, p->used);
    p->start += p->used;
    p->used = 0;
    if (p->start == p->end) {
        p->start = p->end = 0;
    }
}

/* Moves what is held to the front, and leaves no copy behind. */
static void compact(struct frame_parser *p)
{
    if (p->start == 0) {
        return;
    }
    size_t held = p->end - p->start;
    memmove(p->data, p->data + p->start, held);
    primitives_wipe(p->data + held, p->end - held);
    p->start = 0;
    p->end = held;
}

/* Doubles the buffer, up to one whole frame. By hand and not by realloc, which would leave a copy of secrets
 * behind. */
static int grow(struct frame_parser *p)
{
    size_t most = p->limit + FRAME_HEADER;
    size_t size = p->size == 0 ? FIRST_SIZE : p->size * 2;
    if (size > most) {
        size = most;
    }
    uint8_t *data = malloc(size);
    if (data == NULL) {
        return -1;
    }
    if (p->data != NULL) {
        memcpy(data, p->data, p->end);
        primitives_wipe(p->data, p->size);
        free(p->data);
    }
    p->data = data;
    p->size = size;
    return 0;
}

uint8_t *frame_room(struct frame_parser *p, size_t *room)
{
    *room = 0;
    if (p->failed) {
        return NULL;
    }
    release(p);
    if (p->end == p->size) {
        compact(p);
    }
    if (p->end == p->size && (p->size == p->limit + FRAME_HEADER || grow(p) != 0)) {
        return NULL;
    }
    *room = p->size - p->end;
    return p->data + p->end;
}

void frame_filled(struct frame_parser *p, size_t len)
{
    p->end += len;
}

int frame_next(struct frame_parser *p, uint8_t **frame, size_t *len)
{
    if (p->failed) {
        return -1;
    }
    release(p);
    if (p->end - p->start < FRAME_HEADER) {
        return 0;
    }
    struct reader r = reader_over(p->data + p->start, p->end - p->start);
    size_t length = read_u32(&r);
    if (length > p->limit) {
        p->failed = true;
        return -1;
    }
    if (reader_left(&r) < length) {
        return 0;
    }
    *frame = p->data + p->start + FRAME_HEADER;
    *len = length;
    p->used = FRAME_HEADER + length;
    return 1;
}
