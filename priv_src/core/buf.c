#include "buf.h"

#include <string.h>

struct writer writer_over(uint8_t *data, size_t size)
{
    return (struct writer){.data = data, .size = size};
}

void write_bytes(struct writer *w, const void *data, size_t len)
{
    if (w->failed || len > w->size - w->len) {
        w->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(w->data + w->len, data, len);
        w->len += len;
    }
}

void write_u8(struct writer *w, uint8_t v)
{
    write_bytes(w, &v, 1);
}

void write_u16(struct writer *w, uint16_t v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    write_bytes(w, b, sizeof b);
}

void write_u32(struct writer *w, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    write_bytes(w, b, sizeof b);
}

void write_u64(struct writer *w, uint64_t v)
{
    uint8_t b[8];
    for (size_t i = 0; i < 8; i++) {
        b[i] = (uint8_t)(v >> (56 - 8 * i));
    }
    write_bytes(w, b, sizeof b);
}

struct reader reader_over(const void *data, size_t len)
{
    static const uint8_t nothing[1]; /* NULL + 0 is undefined, and NULL is what a failure returns */
    return (struct reader){.data = data == NULL ? nothing : data, .len = data == NULL ? 0 : len};
}

const uint8_t *read_bytes(struct reader *r, size_t len)
{
    if (r->failed || len > r->len - r->pos) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *at = r->data + r->pos;
    r->pos += len;
    return at;
}

static uint64_t read_big_endian(struct reader *r, size_t len)
{
    const uint8_t *b = read_bytes(r, len);
    uint64_t v = 0;
    for (size_t i = 0; b != NULL && i < len; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_big_endian(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_big_endian(r, 2);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_big_endian(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_big_endian(r, 8);
}

struct reader read_part(struct reader *r, size_t len)
{
    const uint8_t *at = read_bytes(r, len);
    return (struct reader){.data = at, .len = at == NULL ? 0 : len, .failed = at == NULL};
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->len - r->pos;
}
