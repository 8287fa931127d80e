#include "legacy.h"

#include "buf.h"

#include <string.h>

static const uint8_t PRELUDE[11] = {'h', 'e', 'a', 'r', 't', 'b', 'e', 'a', 't', ':', ':'};
static const uint8_t HEAD[] = {131, 116, 0, 0, 0, 1};
static const uint8_t NODE[] = {'n', 'o', 'd', 'e'};

/* What a datagram of this protocol begins with: it may come to the same port. */
static const uint8_t OURS[] = {'G', 'S', 'C', 1};

enum { ATOM = 100, ATOM_UTF8 = 118, SMALL_ATOM_UTF8 = 119 };

_Static_assert(LEGACY_BEAT_MAX >=
                   sizeof PRELUDE + sizeof HEAD + 2 + sizeof NODE + 2 + NAME_MAX_LEN + LEGACY_BLOCK,
               "the longest name has room, and so has its padding");

static bool begins(const uint8_t *bytes, size_t len, const uint8_t *with, size_t with_len)
{
    return len >= with_len && memcmp(bytes, with, with_len) == 0;
}

bool legacy_plain_likely(const uint8_t *datagram, size_t len)
{
    return begins(datagram, len, PRELUDE, sizeof PRELUDE);
}

bool legacy_sealed_likely(const uint8_t *datagram, size_t len)
{
    return len >= (size_t)2 * LEGACY_BLOCK && len <= LEGACY_DATAGRAM_MAX && len % LEGACY_BLOCK == 0 &&
           !begins(datagram, len, OURS, sizeof OURS);
}

/* An atom's bytes, and whether these are Latin-1; NULL if it is none. */
static const uint8_t *read_atom(struct reader *r, size_t *len, bool *latin1)
{
    uint8_t tag = read_u8(r);
    if (tag != ATOM && tag != ATOM_UTF8 && tag != SMALL_ATOM_UTF8) {
        return NULL;
    }
    *latin1 = tag == ATOM;
    *len = tag == SMALL_ATOM_UTF8 ? read_u8(r) : read_u16(r);
    return read_bytes(r, *len);
}

/* Latin-1 is Unicode's first 256 characters: those from 0x80 on take two bytes. */
static int name_from_latin1(struct name *name, const uint8_t *text, size_t len)
{
    uint8_t utf8[NAME_MAX_LEN];
    struct writer w = writer_over(utf8, sizeof utf8);
    for (size_t i = 0; i < len && !w.failed; i++) {
        if (text[i] < 0x80) {
            write_u8(&w, text[i]);
        } else {
            write_u8(&w, (uint8_t)(0xc0 | text[i] >> 6));
            write_u8(&w, (uint8_t)(0x80 | (text[i] & 0x3f)));
        }
    }
    return w.failed ? -1 : name_set(name, utf8, w.len);
}

int legacy_read(const uint8_t *beat, size_t len, struct name *name)
{
    struct reader r = reader_over(beat, len);
    const uint8_t *prelude = read_bytes(&r, sizeof PRELUDE);
    const uint8_t *head = read_bytes(&r, sizeof HEAD);
    if (prelude == NULL || head == NULL || memcmp(prelude, PRELUDE, sizeof PRELUDE) != 0 ||
        memcmp(head, HEAD, sizeof HEAD) != 0) {
        return -1;
    }
    size_t key_len, text_len;
    bool latin1;
    const uint8_t *key = read_atom(&r, &key_len, &latin1);
    if (key == NULL || key_len != sizeof NODE || memcmp(key, NODE, sizeof NODE) != 0) {
        return -1;
    }
    const uint8_t *text = read_atom(&r, &text_len, &latin1);
    if (text == NULL || reader_left(&r) != 0) {
        return -1;
    }
    return latin1 ? name_from_latin1(name, text, text_len) : name_set(name, text, text_len);
}

size_t legacy_write(const struct name *name, uint8_t out[static LEGACY_BEAT_MAX])
{
    struct writer w = writer_over(out, LEGACY_BEAT_MAX);
    write_bytes(&w, PRELUDE, sizeof PRELUDE);
    write_bytes(&w, HEAD, sizeof HEAD);
    write_u8(&w, SMALL_ATOM_UTF8);
    write_u8(&w, sizeof NODE);
    write_bytes(&w, NODE, sizeof NODE);
    write_u8(&w, SMALL_ATOM_UTF8);
    write_u8(&w, name->len);
    write_bytes(&w, name->text, name->len);
    return w.len;
}

size_t legacy_pad(uint8_t *beat, size_t len)
{
    size_t more = LEGACY_BLOCK - len % LEGACY_BLOCK;
    memset(beat + len, (int)more, more);
    return len + more;
}

size_t legacy_unpad(const uint8_t *beat, size_t len)
{
    uint8_t more = len > 0 ? beat[len - 1] : 0;
    if (more == 0 || more > LEGACY_BLOCK || more > len) {
        return 0;
    }
    for (size_t i = len - more; i < len; i++) {
        if (beat[i] != more) {
            return 0;
        }
    }
    return len - more;
}
