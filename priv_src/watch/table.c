#include "table.h"

#include <string.h>

#define GAP 2

static const struct layout {
    const char *title;
    bool right;
    uint8_t least; /* columns of the terminal that still tell something; 0: it is not cut */
    uint8_t weight;
} layouts[COLUMNS] = {
    [COLUMN_NAME] = {"NAME", false, 8, 12},       [COLUMN_ADDRESS] = {"ADDRESS", false, 0, 8},
    [COLUMN_LINK] = {"LINK", false, 0, 4},        [COLUMN_STATE] = {"STATE", false, 0, 11},
    [COLUMN_SAID_BY] = {"SAID BY", false, 8, 10}, [COLUMN_HEARD] = {"HEARD", true, 0, 9},
    [COLUMN_EVERY] = {"EVERY", true, 0, 1},       [COLUMN_LOSS] = {"LOSS", true, 0, 6},
    [COLUMN_LISTS] = {"LISTS", true, 0, 7},       [COLUMN_PORT] = {"PORT", true, 0, 5},
    [COLUMN_NODE] = {"NODE", false, 0, 2},        [COLUMN_TAGS] = {"TAGS", false, 4, 3},
};

static const char *const colours[] = {
    [CELL_PLAIN] = NULL,     [CELL_GOOD] = "\033[32m", [CELL_WARN] = "\033[33m",
    [CELL_BAD] = "\033[31m", [CELL_DIM] = "\033[2m",   [CELL_TITLE] = "\033[1m",
};

static void paint(struct text *out, const struct style *style, uint8_t kind, bool begins)
{
    if (style->colour && colours[kind] != NULL) {
        text_print(out, "%s", begins ? colours[kind] : "\033[0m");
    }
}

void table_line(struct text *out, const struct style *style, uint8_t kind, const char *text, size_t len)
{
    paint(out, style, kind, true);
    (void)text_cut(out, text, len, style->width);
    paint(out, style, kind, false);
}

struct widths {
    size_t of[COLUMNS]; /* 0: it is left out */
};

static size_t total(const struct widths *w)
{
    size_t sum = 0, columns = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        sum += w->of[i];
        columns += w->of[i] > 0;
    }
    return columns > 0 ? sum + GAP * (columns - 1) : 0;
}

static size_t slack(const struct widths *w, size_t i)
{
    size_t least = layouts[i].least;
    return least > 0 && w->of[i] > least ? w->of[i] - least : 0;
}

static bool leave_one_out(struct widths *w)
{
    size_t least = COLUMNS;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (w->of[i] > 0 && i != COLUMN_NAME && i != COLUMN_STATE &&
            (least == COLUMNS || layouts[i].weight < layouts[least].weight)) {
            least = i;
        }
    }
    if (least < COLUMNS) {
        w->of[least] = 0;
    }
    return least < COLUMNS;
}

/* The last gives way first: the beginning of a line tells most. */
static void cut(struct widths *w, size_t over)
{
    for (size_t i = COLUMNS; i > 0 && over > 0; i--) {
        size_t by = slack(w, i - 1);
        by = by < over ? by : over;
        w->of[i - 1] -= by;
        over -= by;
    }
}

/* Narrower than anything is of use in. */
static void narrow(struct widths *w, size_t width)
{
    bool both = width > GAP + 2;
    w->of[COLUMN_NAME] = both ? (width - GAP) / 2 : width;
    w->of[COLUMN_STATE] = both ? (width - GAP) / 2 : 0;
}

static struct widths fit(const struct cell *cells, size_t rows, size_t width)
{
    struct widths w = {{0}};
    for (size_t i = 0; i < COLUMNS; i++) {
        for (size_t r = 0; r < rows; r++) {
            const char *text = cells[r * COLUMNS + i].text;
            size_t taken = text_width(text, strlen(text));
            w.of[i] = taken > w.of[i] ? taken : w.of[i];
        }
        size_t title = strlen(layouts[i].title);
        w.of[i] = w.of[i] > 0 && w.of[i] < title ? title : w.of[i];
    }
    for (;;) {
        size_t all = total(&w), can = 0;
        for (size_t i = 0; i < COLUMNS; i++) {
            can += slack(&w, i);
        }
        if (all <= width + can) {
            cut(&w, all > width ? all - width : 0);
            return w;
        }
        if (!leave_one_out(&w)) {
            narrow(&w, width);
            return w;
        }
    }
}

static void blanks(struct text *out, size_t count)
{
    while (count-- > 0) {
        text_add(out, " ", 1);
    }
}

static void draw_cell(struct text *out, const struct style *style, const struct cell *cell, bool right,
                      size_t width)
{
    size_t len = strlen(cell->text), taken = text_width(cell->text, len);
    size_t free = taken < width ? width - taken : 0;
    blanks(out, right ? free : 0);
    paint(out, style, cell->kind, true);
    taken = text_cut(out, cell->text, len, width);
    paint(out, style, cell->kind, false);
    blanks(out, right || taken >= width ? 0 : width - taken);
}

static void draw_row(struct text *out, const struct style *style, const struct cell *cells,
                     const struct widths *w)
{
    bool first = true;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (w->of[i] > 0) {
            blanks(out, first ? 0 : GAP);
            draw_cell(out, style, &cells[i], layouts[i].right, w->of[i]);
            first = false;
        }
    }
    text_add(out, "\n", 1);
}

void table_draw(struct text *out, const struct style *style, const struct cell *cells, size_t rows)
{
    struct cell titles[COLUMNS] = {{0}};
    struct widths w = fit(cells, rows, style->width);
    for (size_t i = 0; i < COLUMNS; i++) {
        titles[i].kind = CELL_TITLE;
        (void)strncpy(titles[i].text, layouts[i].title, sizeof titles[i].text - 1);
    }
    draw_row(out, style, titles, &w);
    for (size_t r = 0; r < rows; r++) {
        draw_row(out, style, &cells[r * COLUMNS], &w);
    }
}
