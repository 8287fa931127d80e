#include "term_mutate.h"

#include <stdbool.h>
#include <string.h>

#include "prng.h"
#include "splice.h"

#define VERSION      131
#define ELEMENTS_MAX 512
#define DEPTH_MAX    16
#define COPY_MAX     512

/* One element of a term: a whole map's pair where it is a key. */
struct element {
    size_t at, end;  /* the element itself */
    size_t unit_end; /* with its value, where it is a key; 0: it is a value, and stands for nothing */
    size_t count_at, count_w; /* where its parent has its number of elements, in so many bytes; 0: nowhere */
};

struct walk {
    const uint8_t *data;
    size_t size, at, count;
    struct element all[ELEMENTS_MAX];
};

static size_t number_at(const uint8_t *at, size_t width)
{
    size_t n = 0;
    for (size_t i = 0; i < width; i++) {
        n = n << 8 | at[i];
    }
    return n;
}

static void set_number(uint8_t *at, size_t width, size_t n)
{
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(n >> (8 * (width - 1 - i)));
    }
}

/* Tags of what has no elements: the width of its length, and what stands besides. */
struct leaf {
    uint8_t tag, width, more;
};

static const struct leaf *leaf_of(uint8_t tag)
{
    static const struct leaf LEAVES[] = {{97, 0, 1},  {98, 0, 4},  {70, 0, 8},  {100, 2, 0},
                                         {118, 2, 0}, {115, 1, 0}, {119, 1, 0}, {106, 0, 0},
                                         {107, 2, 0}, {109, 4, 0}, {110, 1, 1}, {111, 4, 1}};
    for (size_t i = 0; i < sizeof LEAVES / sizeof LEAVES[0]; i++) {
        if (LEAVES[i].tag == tag) {
            return &LEAVES[i];
        }
    }
    return NULL;
}

static bool take(struct walk *w, size_t len)
{
    bool there = len <= w->size - w->at;
    w->at += there ? len : 0;
    return there;
}

/* Notes the element that begins here, and all of its own. False: there is no such term. */
static bool walk(struct walk *w, int depth, size_t count_at, size_t count_w)
{
    size_t mine = w->count, begins = w->at;
    if (depth == 0 || mine == ELEMENTS_MAX || !take(w, 1)) {
        return false;
    }
    w->count++;
    uint8_t tag = w->data[begins];
    const struct leaf *leaf = leaf_of(tag);
    if (leaf != NULL) {
        if (!take(w, leaf->width) ||
            !take(w, leaf->more + number_at(w->data + w->at - leaf->width, leaf->width))) {
            return false;
        }
    } else if (tag == 104 || tag == 105 || tag == 108 || tag == 116) { /* tuples, a list, a map */
        size_t at = w->at, width = tag == 104 ? 1 : 4;
        if (!take(w, width)) {
            return false;
        }
        for (size_t n = number_at(w->data + at, width); n > 0; n--) {
            size_t key = w->count;
            if (!walk(w, depth - 1, at, width)) {
                return false;
            }
            size_t value = w->count;
            if (tag == 116 && !walk(w, depth - 1, 0, 0)) {
                return false;
            }
            w->all[key].unit_end = w->at;
            if (value < w->count) {
                w->all[value].unit_end = 0;
            }
        }
        if (tag == 108 && !walk(w, depth - 1, 0, 0)) {
            return false;
        }
    } else {
        return false;
    }
    w->all[mine] = (struct element){.at = begins,
                                    .end = w->at,
                                    .unit_end = w->all[mine].unit_end,
                                    .count_at = count_at,
                                    .count_w = count_w};
    return true;
}

static size_t make_number(struct prng *p, uint8_t *to)
{
    static const uint64_t NUMBERS[] = {0,         1,     2,        99,        100,        127,
                                       255,       256,   4369,     49152,     60000,      60001,
                                       65535,     65536, 1u << 27, INT32_MAX, UINT32_MAX, UINT64_C(1) << 60,
                                       UINT64_MAX};
    uint64_t n = NUMBERS[prng_below(p, sizeof NUMBERS / sizeof NUMBERS[0])] + prng_below(p, 2);
    if (n <= UINT8_MAX && prng_chance(p, 80)) {
        to[0] = 97;
        to[1] = (uint8_t)n;
        return 2;
    } else if (n <= INT32_MAX && prng_chance(p, 80)) {
        to[0] = 98;
        set_number(to + 1, 4, prng_chance(p, 10) ? SIZE_MAX - n : n);
        return 5;
    }
    to[0] = 110; /* least significant first */
    to[1] = 8;
    to[2] = prng_chance(p, 10) ? 1 : 0;
    for (size_t i = 0; i < 8; i++) {
        to[3 + i] = (uint8_t)(n >> (8 * i));
    }
    return 11;
}

static size_t make_atom(struct prng *p, uint8_t *to)
{
    static const char *const WORDS[] = {"true",   "false", "nil",     "all",       "only",
                                        "except", "key",   "cookie",  "left",      "beam_exit",
                                        "alive",  "leave", "keys",    "stats",     "configure",
                                        "",       "pulse", "derived", "passphrase"};
    const char *word = WORDS[prng_below(p, sizeof WORDS / sizeof WORDS[0])];
    size_t len = strlen(word);
    to[0] = 119;
    to[1] = (uint8_t)len;
    memcpy(to + 2, word, len);
    return 2 + len;
}

static size_t make_binary(struct prng *p, uint8_t *to)
{
    static const uint8_t LENGTHS[] = {0, 1, 4, 8, 16, 31, 32, 33, 255};
    size_t len = LENGTHS[prng_below(p, sizeof LENGTHS)];
    to[0] = 109;
    set_number(to + 1, 4, len);
    memset(to + 5, prng_chance(p, 50) ? 'a' : (int)prng_below(p, 256), len);
    return 5 + len;
}

/* Another element in the place of this one. */
static void replace(struct prng *p, const struct walk *w, uint8_t *term, size_t *size, size_t most,
                    const struct element *e)
{
    uint8_t made[COPY_MAX];
    size_t len;
    const struct element *other = &w->all[prng_below(p, (uint32_t)w->count)];
    switch (prng_below(p, 4)) {
    case 0:
        len = make_number(p, made);
        break;
    case 1:
        len = make_atom(p, made);
        break;
    case 2:
        len = make_binary(p, made);
        break;
    default:
        len = other->end - other->at;
        if (len > sizeof made) {
            return;
        }
        memcpy(made, term + other->at, len);
        break;
    }
    (void)splice(term, size, most, e->at, e->end, made, len);
}

/* What is of some length becomes longer or shorter, or a byte of it another. */
static void change_leaf(struct prng *p, uint8_t *term, size_t *size, size_t most, const struct element *e)
{
    const struct leaf *leaf = leaf_of(term[e->at]);
    size_t begins = leaf == NULL ? 0 : e->at + 1 + leaf->width;
    if (leaf == NULL || begins == e->end) {
        return;
    }
    size_t i = begins + prng_below(p, (uint32_t)(e->end - begins));
    size_t len = leaf->width == 0 ? 0 : number_at(term + e->at + 1, leaf->width);
    uint8_t byte = (uint8_t)prng_u64(p);
    if (len == 0 || leaf->more != 0 || prng_chance(p, 50)) {
        term[i] = (uint8_t)(term[i] ^ (prng_chance(p, 50) ? byte : 1u << byte % 8));
    } else if (prng_chance(p, 50)) {
        (void)splice(term, size, most, i, i + 1, &byte, 0);
        set_number(term + e->at + 1, leaf->width, len - 1);
    } else if (len + 1 < (size_t)1 << (8 * leaf->width) && splice(term, size, most, i, i, &byte, 1)) {
        set_number(term + e->at + 1, leaf->width, len + 1);
    }
}

static void mutate_once(struct prng *p, uint8_t *term, size_t *size, size_t most)
{
    static struct walk w;
    w.data = term;
    w.size = *size;
    w.at = 1;
    w.count = 0;
    memset(w.all, 0, sizeof w.all);
    if (*size < 2 || term[0] != VERSION || !walk(&w, DEPTH_MAX, 0, 0)) {
        return;
    }
    const struct element *e = &w.all[prng_below(p, (uint32_t)w.count)];
    size_t n = e->count_w == 0 ? 0 : number_at(term + e->count_at, e->count_w);
    size_t len = e->unit_end > e->at ? e->unit_end - e->at : 0;
    uint8_t copy[COPY_MAX] = {0};
    switch (prng_below(p, 6)) {
    case 0: /* one less */
        if (n > 0 && len > 0) {
            (void)splice(term, size, most, e->at, e->unit_end, copy, 0);
            set_number(term + e->count_at, e->count_w, n - 1);
        }
        break;
    case 1: /* the same twice */
        if (n > 0 && len > 0 && len <= sizeof copy && n < (e->count_w == 1 ? 255 : 65536)) {
            memcpy(copy, term + e->at, len);
            if (splice(term, size, most, e->at, e->at, copy, len)) {
                set_number(term + e->count_at, e->count_w, n + 1);
            }
        }
        break;
    case 2:
    case 3:
        replace(p, &w, term, size, most, e);
        break;
    default:
        change_leaf(p, term, size, most, e);
        break;
    }
}

size_t term_mutate(uint8_t *term, size_t size, size_t most, uint32_t seed)
{
    struct prng p = prng_from(seed);
    for (uint32_t times = 1 + prng_below(&p, 3); times > 0 && size <= most; times--) {
        mutate_once(&p, term, &size, most);
    }
    return size;
}
