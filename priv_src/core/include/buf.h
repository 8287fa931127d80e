/* Two bounded cursors over bytes. A writer or a reader that meets its end fails, stays failed, and never
 * moves again; so a caller may do many steps and check once. Nothing here allocates. Integers are big-endian.
 */
#ifndef GOSSIP_BUF_H
#define GOSSIP_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
    uint8_t *data;
    size_t size; /* capacity */
    size_t len;  /* written so far */
    bool failed;
};

struct reader {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool failed;
};

/* A writer over `size` bytes at `data`, which must outlive it. */
struct writer writer_over(uint8_t *data, size_t size);

/* Each appends; on lack of room nothing is written and the writer fails. */
void write_u8(struct writer *w, uint8_t v);
void write_u16(struct writer *w, uint16_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
void write_bytes(struct writer *w, const void *data, size_t len);

/* A reader over `len` bytes at `data`, which must outlive it and all that it returns. */
struct reader reader_over(const void *data, size_t len);

/* Each takes from the front; past the end they return 0 (NULL for bytes) and the reader fails. */
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
const uint8_t *read_bytes(struct reader *r, size_t len);

/* Takes `len` bytes as a reader of their own (failed, too, when they are not there). */
struct reader read_part(struct reader *r, size_t len);

/* Bytes not yet taken; 0 once failed. */
size_t reader_left(const struct reader *r);

#endif
