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

uint8_t read_u8(struct reader *r)
{
    const uint8_t *b = read_bytes(r, 1);
    return b == NULL ? 0 : b[0];
}

static uint32_t big_endian(const uint8_t b[4])
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint16_t read_u16(struct reader *r)
{
    const uint8_t *b = read_bytes(r, 2);
    return b == NULL ? 0 : (uint16_t)((uint32_t)b[0] << 8 | b[1]);
}

uint32_t read_u32(struct reader *r)
{
    const uint8_t *b = read_bytes(r, 4);
    return b == NULL ? 0 : big_endian(b);
}

uint64_t read_u64(struct reader *r)
{
    const uint8_t *b = read_bytes(r, 8);
    return b == NULL ? 0 : (uint64_t)big_endian(b) << 32 | big_endian(b + 4);
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
