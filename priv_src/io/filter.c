#include "filter.h"

#include "buf.h"
#include "effect.h"
#include "units.h"

#include <string.h>

#define UDP_HEADER 8 /* a socket's filter sees it, too */

/* Opcodes of classic BPF (McCanne and Jacobson, 1993), and where Linux keeps a random number. */
#define LOAD_WORD    0x20
#define LOAD_LENGTH  0x80
#define AND          0x54
#define IF_EQUAL     0x15
#define IF_MORE      0x25
#define IF_NOT_LESS  0x35
#define RETURN       0x06
#define AT_RANDOM    (UINT32_C(0xfffff000) + 56)
#define WHOLE        UINT32_MAX
#define TAGS_AT      6 /* steps before the tags */
#define STEPS_BEHIND 5 /* and behind them */

void filter_set(struct filter *f, const struct keyring *ring)
{
    f->count = ring->count;
    for (uint8_t i = 0; i < ring->count; i++) {
        memcpy(f->prefixes[i], ring->keys[i].prefix, SEAL_PREFIX);
    }
}

bool filter_refuses(const struct filter *f, const uint8_t *datagram, size_t len)
{
    if (len < SEAL_OVERHEAD || len > DATAGRAM_MAX) {
        return true;
    }
    uint8_t i = 0;
    while (i < f->count && memcmp(datagram, f->prefixes[i], SEAL_PREFIX) != 0) {
        i++;
    }
    return i == f->count;
}

static bool set_level(struct filter *f, int64_t now, uint8_t level)
{
    bool changed = level != f->level;
    f->level = level;
    f->since = now;
    f->seen = 0;
    return changed;
}

bool filter_tick(struct filter *f, int64_t now)
{
    if (now - f->since < SECOND_US) {
        return false;
    }
    bool calm = f->level > 0 && f->seen < FILTER_LOWER;
    return set_level(f, now, (uint8_t)(f->level - calm));
}

bool filter_saw(struct filter *f, int64_t now)
{
    bool changed = filter_tick(f, now);
    f->seen++;
    bool flood = f->seen >= FILTER_RAISE && f->level < FILTER_LEVELS && f->count > 0 && !f->missing;
    return (flood && set_level(f, now, (uint8_t)(f->level + 1))) || changed;
}

static uint32_t word(const uint8_t *at)
{
    struct reader r = reader_over(at, 4);
    return read_u32(&r);
}

size_t filter_program(const struct filter *f, struct filter_step out[static FILTER_STEPS_MAX])
{
    if (f->level == 0) {
        return 0;
    }
    uint8_t chance = (uint8_t)(TAGS_AT + f->count), pass = (uint8_t)(chance + STEPS_BEHIND - 1);
    size_t n = 0;
#define TO(step) ((uint8_t)((step)-n - 1))
    out[n++] = (struct filter_step){.code = LOAD_LENGTH};
    out[n] = (struct filter_step){IF_NOT_LESS, 0, TO(chance), UDP_HEADER + SEAL_OVERHEAD};
    n++;
    out[n] = (struct filter_step){IF_MORE, TO(chance), 0, UDP_HEADER + DATAGRAM_MAX};
    n++;
    out[n++] = (struct filter_step){.code = LOAD_WORD, .k = UDP_HEADER};
    out[n] = (struct filter_step){IF_EQUAL, 0, TO(chance), word(f->prefixes[0])}; /* magic and version */
    n++;
    out[n++] = (struct filter_step){.code = LOAD_WORD, .k = UDP_HEADER + 4};
    for (uint8_t i = 0; i < f->count; i++) {
        out[n] = (struct filter_step){IF_EQUAL, TO(pass), 0, word(f->prefixes[i] + 4)};
        n++;
    }
    out[n++] = (struct filter_step){.code = LOAD_WORD, .k = AT_RANDOM};
    out[n++] = (struct filter_step){.code = AND, .k = (UINT32_C(1) << FILTER_SHARE_BITS * f->level) - 1};
    out[n++] = (struct filter_step){IF_EQUAL, 1, 0, 0};
    out[n++] = (struct filter_step){.code = RETURN, .k = 0};
    out[n++] = (struct filter_step){.code = RETURN, .k = WHOLE};
#undef TO
    return n;
}
