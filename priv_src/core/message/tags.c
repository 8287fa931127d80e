#include "tags.h"

#include <string.h>

#include "buf.h"
#include "utf8.h"

/* It will stand in logs. */
static bool seen(const uint8_t *text, size_t len)
{
    size_t step = 1;
    for (size_t i = 0; i < len && step > 0; i += step) {
        step = utf8_length(text + i, len - i);
        step = step > 0 && utf8_is_unseen(utf8_code(text + i, step)) ? 0 : step;
    }
    return step > 0;
}

/* Whether one key comes before another, as their bytes do. */
static bool before(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order < 0 : a_len < b_len;
}

static const uint8_t *read_text(struct reader *r, size_t *len)
{
    *len = read_u8(r);
    const uint8_t *text = read_bytes(r, *len);
    return text != NULL && seen(text, *len) ? text : NULL;
}

int tags_set(struct tags *tags, uint32_t number, const uint8_t *bytes, size_t len)
{
    struct reader r = reader_over(bytes, len);
    const uint8_t *last = NULL;
    size_t last_len = 0;
    tags->number = number;
    tags->len = 0;
    for (unsigned pairs = 0; reader_left(&r) > 0; pairs++) {
        size_t key_len, value_len;
        const uint8_t *key = read_text(&r, &key_len);
        const uint8_t *value = read_text(&r, &value_len);
        if (key == NULL || value == NULL || key_len == 0 || pairs == TAGS_PAIRS || len > TAGS_MAX ||
            (last != NULL && !before(last, last_len, key, key_len))) {
            return -1;
        }
        last = key;
        last_len = key_len;
    }
    if (len > 0) {
        memcpy(tags->bytes, bytes, len);
    }
    tags->len = (uint16_t)len;
    return 0;
}

bool tags_same(const struct tags *a, const struct tags *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

const uint8_t *tags_text(const struct tags *tags, size_t at, size_t *text_len, size_t *next)
{
    *text_len = tags->bytes[at];
    *next = at + 1 + *text_len;
    return tags->bytes + at + 1;
}
