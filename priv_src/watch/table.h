/* A table of cells in a width: which columns there are, and how wide. Columns that give way are first cut, as
 * far as they still tell something; then the least important one goes. The name and the state never go. */
#ifndef GOSSIP_WATCH_TABLE_H
#define GOSSIP_WATCH_TABLE_H

#include "rows.h"
#include "text.h"

struct style {
    size_t width;  /* columns, at least 1 */
    size_t height; /* lines; 0: as many as there are */
    bool colour;
};

/* Adds a text as a line that fits, in the colour of its kind, without a line's end. */
void table_line(struct text *out, const struct style *style, uint8_t kind, const char *text, size_t len);

/* Adds the titles and these rows, each with a line's end; `cells` has COLUMNS of each row. A column that
 * would be empty is left out. */
void table_draw(struct text *out, const struct style *style, const struct cell *cells, size_t rows);

#endif
