/* What is written for people and programs: bytes that grow, and texts as a terminal shows them. */
#ifndef GOSSIP_TEXT_H
#define GOSSIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory is empty. After a failure (memory is short) everything else that is added is dropped. */
struct text {
    char *data; /* owned */
    size_t len, size;
    bool failed;
};

void text_free(struct text *t);
void text_clear(struct text *t);

void text_add(struct text *t, const void *bytes, size_t len);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void text_print(struct text *t, const char *format, ...);

/* Has characters of more than one byte measured as the terminal does. Call once. */
void text_locale(void);

/* How many columns of a terminal `len` bytes take: two for wide characters, none for marks that combine. What
 * is no UTF-8, controls the terminal or deceives the eye counts as the one U+FFFD that stands for it. */
size_t text_width(const char *bytes, size_t len);

/* Adds them in `columns` columns at most: what is cut off is "…". Returns the columns taken. */
size_t text_cut(struct text *t, const char *bytes, size_t len, size_t columns);

/* Adds a string of JSON, with its quotes. */
void text_json(struct text *t, const char *bytes, size_t len);

#endif
