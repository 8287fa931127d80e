/* What a listener knows at one moment, as sorted rows of cells. */
#ifndef GOSSIP_WATCH_ROWS_H
#define GOSSIP_WATCH_ROWS_H

#include "interfaces.h"
#include "listener.h"

enum order { ORDER_NAME = 0, ORDER_STATE, ORDER_HEARD, ORDER_LOSS, ORDERS };

enum column {
    COLUMN_NAME = 0,
    COLUMN_ADDRESS,
    COLUMN_LINK,
    COLUMN_STATE,
    COLUMN_SAID_BY,
    COLUMN_HEARD,
    COLUMN_EVERY,
    COLUMN_LOSS,
    COLUMN_LISTS,
    COLUMN_PORT,
    COLUMN_NODE,
    COLUMN_TAGS,
    COLUMNS
};

enum cell_kind { CELL_PLAIN = 0, CELL_GOOD, CELL_WARN, CELL_BAD, CELL_DIM, CELL_TITLE };

#define CELL_TEXT 360 /* bytes, NUL included: all tags with "=" and " " between them */

struct cell {
    uint8_t kind; /* enum cell_kind */
    char text[CELL_TEXT];
};

struct picture {
    struct listener_summary summary;
    size_t count;
    struct heard *rows; /* owned; those that are to be shown */
    size_t interface_count;
    const struct interface *interfaces; /* joined; not owned */
};

/* The order of this name, or -1; and the name of an order. */
int rows_order(const char *name);
const char *rows_order_name(uint8_t order);

/* Takes a picture, sorted: whatever is worst comes first, but for names. 0, or -1 where memory is short.
 * rows_free frees its rows. */
int rows_take(struct picture *p, struct listener *l, const struct interface *interfaces, size_t count,
              uint8_t order);
void rows_free(struct picture *p);

/* "alive", "stalled", "told of"; the name of its interface, or "". */
const char *rows_state(const struct heard *h);
const char *rows_link(const struct picture *p, const struct addr *a);

/* The cells of a row. */
void rows_cells(const struct picture *p, const struct heard *h, struct cell out[static COLUMNS]);

#endif
