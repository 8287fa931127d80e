#include "text.h"

#include "utf8.h"

#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define TEXT_MOST ((size_t)64 << 20) /* bytes: a table of all rows there can be takes a tenth of it */
#define STAND_IN  "\xef\xbf\xbd"     /* U+FFFD */
#define CUT_OFF   "\xe2\x80\xa6"     /* U+2026 */

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

void text_clear(struct text *t)
{
    t->len = 0;
    t->failed = false;
}

static bool reserve(struct text *t, size_t more)
{
    if (t->failed || more > TEXT_MOST - t->len) {
        t->failed = true;
        return false;
    }
    if (t->size - t->len >= more) {
        return true;
    }
    size_t size = t->size == 0 ? 4096 : t->size;
    while (size - t->len < more) {
        size *= 2;
    }
    char *data = realloc(t->data, size);
    t->failed = data == NULL;
    if (data != NULL) {
        t->data = data;
        t->size = size;
    }
    return data != NULL;
}

void text_add(struct text *t, const void *bytes, size_t len)
{
    if (len > 0 && reserve(t, len)) {
        memcpy(t->data + t->len, bytes, len);
        t->len += len;
    }
}

void text_print(struct text *t, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (len > 0) {
        text_add(t, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
    }
}

void text_locale(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void)setlocale(LC_CTYPE, "");
    }
}

/* The character that begins here: what stands for it, and how many columns it takes. */
struct glyph {
    const char *bytes;
    size_t len, columns, read;
};

static struct glyph glyph_at(const char *bytes, size_t left)
{
    size_t len = utf8_length(bytes, left);
    uint32_t code = len > 0 ? utf8_code(bytes, len) : 0;
    if (len == 0 || utf8_is_unseen(code)) {
        return (struct glyph){STAND_IN, sizeof STAND_IN - 1, 1, len > 0 ? len : 1};
    }
    int width = code < 0x7f ? 1 : wcwidth((wchar_t)code);
    return (struct glyph){bytes, len, width < 0 ? 1 : (size_t)width, len};
}

size_t text_width(const char *bytes, size_t len)
{
    size_t columns = 0;
    for (size_t at = 0; at < len;) {
        struct glyph g = glyph_at(bytes + at, len - at);
        columns += g.columns;
        at += g.read;
    }
    return columns;
}

size_t text_cut(struct text *t, const char *bytes, size_t len, size_t columns)
{
    bool whole = text_width(bytes, len) <= columns;
    size_t most = whole || columns == 0 ? columns : columns - 1, taken = 0;
    for (size_t at = 0; at < len;) {
        struct glyph g = glyph_at(bytes + at, len - at);
        if (taken + g.columns > most) {
            break;
        }
        text_add(t, g.bytes, g.len);
        taken += g.columns;
        at += g.read;
    }
    if (!whole && columns > 0) {
        text_add(t, CUT_OFF, sizeof CUT_OFF - 1);
        taken++;
    }
    return taken;
}

void text_json(struct text *t, const char *bytes, size_t len)
{
    text_add(t, "\"", 1);
    for (size_t at = 0; at < len;) {
        struct glyph g = glyph_at(bytes + at, len - at);
        if (g.len == 1 && (g.bytes[0] == '"' || g.bytes[0] == '\\')) {
            text_add(t, "\\", 1);
        }
        text_add(t, g.bytes, g.len);
        at += g.read;
    }
    text_add(t, "\"", 1);
}
