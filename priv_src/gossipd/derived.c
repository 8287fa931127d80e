#include "derived.h"

#include "buf.h"
#include "etf.h"
#include "primitives.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define TAG   "derived"
#define FRAME (4 + 3 + 2 + sizeof TAG - 1 + 5 + (size_t)KEYRING_MAX * (5 + KEY_BYTES) + 1)

_Static_assert(FRAME <= _POSIX_PIPE_BUF, "it is written whole, or not at all");

/* {derived, [Key]}. */
static void write_term(struct writer *w, const struct keyring *ring)
{
    write_u8(w, ETF_VERSION);
    write_u8(w, ETF_SMALL_TUPLE);
    write_u8(w, 2);
    write_u8(w, ETF_SMALL_ATOM_UTF8);
    write_u8(w, sizeof TAG - 1);
    write_bytes(w, TAG, sizeof TAG - 1);
    write_u8(w, ETF_LIST);
    write_u32(w, ring->count);
    for (uint8_t i = 0; i < ring->count; i++) {
        write_u8(w, ETF_BINARY);
        write_u32(w, KEY_BYTES);
        write_bytes(w, ring->keys[i].bytes, KEY_BYTES);
    }
    write_u8(w, ETF_NIL);
}

void derived_tell(int out, const struct secrets *secrets, const struct keyring *ring)
{
    uint8_t frame[FRAME];
    bool stretched = false;
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret *s = &secrets->items[i];
        stretched = stretched || seal_stretches(s->kind, s->data, s->len);
    }
    if (stretched) {
        struct writer w = writer_over(frame, sizeof frame), head = writer_over(frame, 4);
        write_u32(&w, 0);
        write_term(&w, ring);
        write_u32(&head, (uint32_t)(w.len - 4));
        (void)!write(out, frame, w.len);
        primitives_wipe(frame, sizeof frame);
    }
}
