#include "outbox.h"

#include "buf.h"
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
static size_t frame_at(const struct outbox *o, size_t at)
{
    struct reader r = reader_over(o->data + at, FRAME_HEADER);
    return FRAME_HEADER + (size_t)read_u32(&r);
}

/* Drops every frame that is not partly written; counts them, and one more for the frame that found no room.
 */
static int overflow(struct outbox *o)
{
    size_t keep = o->head + o->partial;
    for (size_t at = keep; at < o->tail; at += frame_at(o, at)) {
        o->dropped++;
    }
    o->dropped++;
    o->tail = keep;
    o->beyond = 0;
    o->overflowed = true;
    return -1;
}

/* Makes room for `len` more bytes behind the tail. */
static int reserve(struct outbox *o, size_t len)
{
    if (o->size - o->tail >= len) {
        return 0;
    }
    size_t held = o->tail - o->head;
    if (o->head > 0) {
        memmove(o->data, o->data + o->head, held);
        o->head = 0;
        o->tail = held;
    }
    if (o->size - o->tail >= len) {
        return 0;
    }
    size_t size = o->size == 0 ? FIRST_SIZE : o->size;
    while (size - held < len) {
        size *= 2;
    }
    uint8_t *data = realloc(o->data, size);
    if (data == NULL) {
        return -1;
    }
    o->data = data;
    o->size = size;
    return 0;
}

static int append(struct outbox *o, const void *frame, size_t len)
{
    if (len > UINT32_MAX || reserve(o, len + FRAME_HEADER) != 0) {
        return overflow(o);
    }
    struct writer w = writer_over(o->data + o->tail, len + FRAME_HEADER);
    write_u32(&w, (uint32_t)len);
    write_bytes(&w, frame, len);
    o->tail += w.len;
    return 0;
}

int outbox_push(struct outbox *o, const void *frame, size_t len)
{
    size_t bound = o->limit + o->beyond;
    size_t held = o->tail - o->head;
    if (held > bound || len + FRAME_HEADER > bound - held) {
        return overflow(o);
    }
    return append(o, frame, len);
}

int outbox_push_beyond(struct outbox *o, const void *frame, size_t len)
{
    if (append(o, frame, len) != 0) {
        return -1;
    }
    o->beyond += len + FRAME_HEADER;
    return 0;
}

/* `len` bytes are out: moves the head, and knows whether it now stands inside a frame. */
static void written(struct outbox *o, size_t len)
{
    while (len > 0) {
        if (o->partial == 0) {
            o->partial = frame_at(o, o->head);
        }
        size_t step = len < o->partial ? len : o->partial;
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
            written(o, (size_t)n);
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
