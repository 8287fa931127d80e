#include "wire_mutate.h"

#include <string.h>

#include "message/wire.h"
#include "prng.h"
#include "splice.h"

#define FIELDS_MOST  256
#define VALUE_MOST   64 /* bytes of a value that is made up */
#define STRETCH_MOST 9  /* bytes that a value becomes longer or shorter by */

struct fields {
    size_t count, begins[FIELDS_MOST + 1]; /* begins[count]: where the last one ends */
};

static size_t value_len(const uint8_t *field)
{
    return (size_t)field[1] << 8 | field[2];
}

static void set_len(uint8_t *field, size_t len)
{
    field[1] = (uint8_t)(len >> 8);
    field[2] = (uint8_t)len;
}

/* Those that are whole; what is behind them is cut off. */
static struct fields fields_of(const uint8_t *message, size_t *size)
{
    struct fields f = {0};
    size_t at = WIRE_FIXED;
    while (f.count < FIELDS_MOST && *size - at >= WIRE_FIELD_HEADER &&
           value_len(message + at) <= *size - at - WIRE_FIELD_HEADER) {
        f.begins[f.count++] = at;
        at += WIRE_FIELD_HEADER + value_len(message + at);
    }
    f.begins[f.count] = *size = at;
    return f;
}

static void write_number(uint8_t *to, size_t len, uint64_t n)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (uint8_t)(n >> (8 * (len - 1 - i) % 64));
    }
}

/* What is at the edge of something, or names somebody: the members of the fuzzers have these boot ids. */
static uint64_t likely(struct prng *p)
{
    static const uint64_t NUMBERS[] = {
        0, 1, 2, 100, 101, 102, 127, 128, 255, 256, UINT16_MAX, UINT16_MAX + 1, UINT32_MAX, UINT64_MAX};
    uint32_t count = sizeof NUMBERS / sizeof NUMBERS[0];
    return prng_chance(p, 80) ? NUMBERS[prng_below(p, count)] : prng_u64(p);
}

/* A number of 1, 2, 4 or 8 bytes somewhere in it, or the same from elsewhere in the message. */
static void change(struct prng *p, const uint8_t *message, size_t size, uint8_t *at, size_t len)
{
    size_t width = (size_t)1 << prng_below(p, 4);
    if (len == 0) {
        return;
    }
    width = width < len ? width : len;
    uint8_t *to = at + prng_below(p, (uint32_t)(len - width + 1));
    if (prng_chance(p, 25)) {
        memmove(to, message + prng_below(p, (uint32_t)(size - width + 1)), width);
    } else if (prng_chance(p, 33)) {
        *to ^= (uint8_t)(1u << prng_below(p, 8));
    } else {
        write_number(to, width, likely(p));
    }
}

/* A field of some kind, mostly as long as such a field is. */
static size_t make_up(struct prng *p, uint8_t made[static WIRE_FIELD_HEADER + VALUE_MOST])
{
    static const uint8_t LENGTHS[FIELD_TAGS_OF + 2] = {
        [FIELD_NAME] = 4,        [FIELD_QUESTION] = 1,  [FIELD_ECHO] = 16,   [FIELD_VERDICT] = 13,
        [FIELD_ENTRY] = 40,      [FIELD_CURSOR] = 8,    [FIELD_TOTAL] = 4,   [FIELD_TARGET] = 8,
        [FIELD_FINGERPRINT] = 8, [FIELD_REASON] = 1,    [FIELD_RELAY] = 8,   [FIELD_HEARD] = 2,
        [FIELD_TO] = 15,         [FIELD_ADDRESSES] = 7, [FIELD_PADDING] = 9, [FIELD_HOST] = 6,
        [FIELD_DISCONNECT] = 8,  [FIELD_TAGS] = 9,      [FIELD_TAGS_OF] = 17};
    uint8_t kind = (uint8_t)(1 + prng_below(p, FIELD_TAGS_OF + 1)); /* one is of none that there is */
    size_t len = prng_chance(p, 90) ? LENGTHS[kind] : prng_below(p, VALUE_MOST);
    made[0] = kind;
    set_len(made, len);
    uint8_t *value = made + WIRE_FIELD_HEADER;
    for (size_t i = 0; i < len; i += 8) {
        write_number(value + i, len - i < 8 ? len - i : 8, likely(p));
    }
    if (kind == FIELD_NAME && len >= 4) {
        memset(value, 'h', len);
        value[1] = '@';
    } else if ((kind == FIELD_ADDRESSES && len == 7) || (kind == FIELD_TO && len == 15)) {
        value[len - 7] = 4; /* IPv4 */
    }
    return WIRE_FIELD_HEADER + len;
}

/* A field's value becomes longer, or shorter, and its length says so. */
static void stretch(struct prng *p, uint8_t *message, size_t *size, size_t most, size_t at)
{
    size_t len = value_len(message + at), by = 1 + prng_below(p, STRETCH_MOST);
    size_t i = at + WIRE_FIELD_HEADER + prng_below(p, (uint32_t)len + 1);
    size_t behind = at + WIRE_FIELD_HEADER + len - i;
    if (prng_chance(p, 50)) {
        by = by < behind ? by : behind;
        (void)splice(message, size, most, i, i + by, NULL, 0);
        set_len(message + at, len - by);
        return;
    }
    uint8_t more[STRETCH_MOST];
    write_number(more, by, likely(p));
    if (len + by <= UINT16_MAX && splice(message, size, most, i, i, more, by)) {
        set_len(message + at, len + by);
    }
}

static void swap(uint8_t *message, const struct fields *f, size_t i)
{
    uint8_t kept[WIRE_MESSAGE_MAX];
    size_t at = f->begins[i], len = f->begins[i + 1] - at, next = f->begins[i + 2] - f->begins[i + 1];
    if (len <= sizeof kept) {
        memcpy(kept, message + at, len);
        memmove(message + at, message + at + len, next);
        memcpy(message + at + next, kept, len);
    }
}

static void fixed_part(struct prng *p, uint8_t *message, size_t size)
{
    switch (prng_below(p, 4)) {
    case 0:
        message[0] = (uint8_t)(1 + prng_below(p, WIRE_DISCONNECT + 1));
        break;
    case 1:
        message[1] ^= (uint8_t)(1u << prng_below(p, 8));
        break;
    case 2:
        write_number(message + 8, 8, likely(p)); /* boot id */
        break;
    default:
        change(p, message, size, message, WIRE_FIXED);
        break;
    }
}

static void mutate_once(struct prng *p, uint8_t *message, size_t *size, size_t most)
{
    uint8_t made[WIRE_FIELD_HEADER + VALUE_MOST], copy[WIRE_MESSAGE_MAX];
    struct fields f = fields_of(message, size);
    size_t one = prng_below(p, (uint32_t)f.count), other = prng_below(p, (uint32_t)f.count + 1);
    size_t at = f.begins[one], len = f.count == 0 ? 0 : f.begins[one + 1] - at, made_len;
    switch (f.count == 0 ? prng_below(p, 2) : prng_below(p, 8)) {
    case 0:
        fixed_part(p, message, *size);
        break;
    case 1:
        made_len = make_up(p, made);
        (void)splice(message, size, most, f.begins[other], f.begins[other], made, made_len);
        break;
    case 2: /* the same once more, elsewhere */
        if (len < sizeof copy) {
            memcpy(copy, message + at, len);
            (void)splice(message, size, most, f.begins[other], f.begins[other], copy, len);
        }
        break;
    case 3:
        (void)splice(message, size, most, at, at + len, NULL, 0);
        break;
    case 4:
        if (one + 1 < f.count) {
            swap(message, &f, one);
        }
        break;
    case 5:
        stretch(p, message, size, most, at);
        break;
    case 6: /* another kind of the same length */
        message[at] = (uint8_t)(1 + prng_below(p, FIELD_TAGS_OF + 1));
        break;
    default:
        change(p, message, *size, message + at + WIRE_FIELD_HEADER, len - WIRE_FIELD_HEADER);
        break;
    }
}

size_t wire_mutate(uint8_t *message, size_t size, size_t most, uint32_t seed)
{
    struct prng p = prng_from(seed);
    if (most < WIRE_FIXED) {
        return size < most ? size : most;
    }
    if (size < WIRE_FIXED) {
        memset(message + size, 0, WIRE_FIXED - size);
        size = WIRE_FIXED;
    }
    for (uint32_t times = 1 + prng_below(&p, 4); times > 0; times--) {
        mutate_once(&p, message, &size, most);
    }
    return size;
}
