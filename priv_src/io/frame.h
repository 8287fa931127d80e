/* {packet, 4} frames: a 4-byte big-endian length, then as many bytes. */
#ifndef GOSSIP_FRAME_H
#define GOSSIP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 4
#define FRAME_LIMIT  ((size_t)1024 * 1024) /* bytes of one frame down, its header not counted */

/* Bytes in, frames out. Frames hold secrets, so every byte is overwritten as soon as its frame has been used.
 */
struct frame_parser {
    uint8_t *data; /* owned; NULL until the first byte is wanted */
    size_t size;
    size_t start; /* first byte not yet taken */
    size_t end;   /* behind the last byte received */
    size_t used;  /* bytes of the frame that the last frame_next gave out, header included */
    size_t limit;
    bool failed; /* a frame over the limit: sticky */
};

/* An empty parser that accepts frames of up to `limit` bytes; allocates nothing. */
struct frame_parser frame_parser_new(size_t limit);

/* Overwrites and frees what it holds. */
void frame_parser_free(struct frame_parser *p);

/* Where to put the next bytes, and in `room` how many fit (at least 1). Gives back the last frame. NULL when
 * memory is short or the parser has failed. Call it when frame_next has returned 0: otherwise it may grow
 * past need. */
uint8_t *frame_room(struct frame_parser *p, size_t *room);

/* So many bytes were put where frame_room said. */
void frame_filled(struct frame_parser *p, size_t len);

/* The next whole frame, valid (and writable) until the next call on `p`: 1. More bytes are needed: 0. A frame
 * over the limit: -1, and for ever. */
int frame_next(struct frame_parser *p, uint8_t **frame, size_t *len);

#endif
