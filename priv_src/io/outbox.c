#include "outbox.h"

#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE ((size_t)16 * 1024)
#define KEEP_SIZE  ((size_t)256 * 1024) /* a larger buffer is given back once it is empty */

struct outbox outbox_new(size_t limit)
{
    return (struct outbox){.limit = limit};
}

void outbox_free(struct outbox *o)
{
    free(o->data);
    *o = (struct outbox){.limit = o->limit};
}

/* Bytes of the whole frame at `at`, header included. */
static size_t outbox_frame(const struct outbox *o, size_t at)
{
    const uint8_t *h = o->data + at;

    return FRAME_HEADER + ((size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3]);
}

/* Drops every frame that is not partly written; counts them, and one more for the frame that found no room.
 */
static int outbox_overflow(struct outbox *o)
{
    size_t keep = o->head + o->partial;

    for (size_t at = keep; at < o->tail; at += outbox_frame(o, at)) {
        o->dropped++;
    }
    o->dropped++;
    o->tail = keep;
    o->beyond = 0;
    o->overflowed = true;
    return -1;
}

/* Makes room for `len` more bytes behind the tail. */
static int outbox_reserve(struct outbox *o, size_t len)
{
    size_t held = o->tail - o->head;
    size_t size = o->size == 0 ? FIRST_SIZE : o->size;
    uint8_t *data;

    if (o->size - o->tail >= len) {
        return 0;
    }
    if (o->head > 0) {
        memmove(o->data, o->data + o->head, held);
        o->head = 0;
        o->tail = held;
    }
    if (o->size - o->tail >= len) {
        return 0;
    }
    while (size - held < len) {
        size *= 2;
    }
    data = realloc(o->data, size);
    if (data == NULL) {
        return -1;
    }
    o->data = data;
    o->size = size;
    return 0;
}

static int outbox_append(struct outbox *o, const void *frame, size_t len)
{
    uint8_t *at;

    if (len > UINT32_MAX || outbox_reserve(o, len + FRAME_HEADER) != 0) {
        return outbox_overflow(o);
    }
    at = o->data + o->tail;
    at[0] = (uint8_t)(len >> 24);
    at[1] = (uint8_t)(len >> 16);
    at[2] = (uint8_t)(len >> 8);
    at[3] = (uint8_t)len;
    memcpy(at + FRAME_HEADER, frame, len);
    o->tail += len + FRAME_HEADER;
    return 0;
}

int outbox_push(struct outbox *o, const void *frame, size_t len)
{
    size_t bound = o->limit + o->beyond;
    size_t held = o->tail - o->head;

    if (held > bound || len + FRAME_HEADER > bound - held) {
        return outbox_overflow(o);
    }
    return outbox_append(o, frame, len);
}

int outbox_push_beyond(struct outbox *o, const void *frame, size_t len)
{
    if (outbox_append(o, frame, len) != 0) {
        return -1;
    }
    o->beyond += len + FRAME_HEADER;
    return 0;
}

/* `len` bytes are out: moves the head, and knows whether it now stands inside a frame. */
static void outbox_written(struct outbox *o, size_t len)
{
    while (len > 0) {
        size_t step;

        if (o->partial == 0) {
            o->partial = outbox_frame(o, o->head);
        }
        step = len < o->partial ? len : o->partial;
        o->head += step;
        o->partial -= step;
        len -= step;
    }
    if (o->head < o->tail) {
        return;
    }
    o->head = o->tail = 0;
    o->beyond = 0;
    if (o->size > KEEP_SIZE) {
        free(o->data);
        o->data = NULL;
        o->size = 0;
    }
}

int outbox_write(struct outbox *o, int fd)
{
    while (o->head < o->tail) {
        ssize_t n = write(fd, o->data + o->head, o->tail - o->head);

        if (n > 0) {
            outbox_written(o, (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        } else {
            return -1;
        }
    }
    return 0;
}

bool outbox_empty(const struct outbox *o)
{
    return o->head == o->tail;
}

bool outbox_take_overflow(struct outbox *o)
{
    bool was = o->overflowed;

    o->overflowed = false;
    return was;
}
