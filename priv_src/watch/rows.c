#include "rows.h"

#include "ip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const order_names[ORDERS] = {"name", "state", "heard", "loss"};

int rows_order(const char *name)
{
    int order = 0;
    while (order < ORDERS && strcmp(name, order_names[order]) != 0) {
        order++;
    }
    return order < ORDERS ? order : -1;
}

const char *rows_order_name(uint8_t order)
{
    return order_names[order % ORDERS];
}

static int by_name(const void *a, const void *b)
{
    const struct heard *x = a, *y = b;
    size_t len = x->id.name.len < y->id.name.len ? x->id.name.len : y->id.name.len;
    int first = memcmp(x->id.name.text, y->id.name.text, len);
    first = first != 0 ? first : (int)x->id.name.len - (int)y->id.name.len;
    return first != 0 ? first : (x->id.boot > y->id.boot) - (x->id.boot < y->id.boot);
}

static int by_numbers(int64_t a, int64_t b, const void *x, const void *y)
{
    return a != b ? (a < b) - (a > b) : by_name(x, y);
}

static int worse(const struct heard *h)
{
    static const uint8_t how_bad[] = {
        [HEARD_ONCE] = 1, [HEARD_ALIVE] = 0, [HEARD_SUSPECT] = 5,   [HEARD_SILENT] = 6,
        [HEARD_DEAD] = 4, [HEARD_LEFT] = 2,  [HEARD_BEAM_EXIT] = 3, [HEARD_TOLD] = 1,
    };
    return h->stalled || h->isolated || h->late ? 7 : how_bad[h->state];
}

static int by_state(const void *a, const void *b)
{
    return by_numbers(worse(a), worse(b), a, b);
}

static int by_heard(const void *a, const void *b)
{
    return by_numbers(((const struct heard *)a)->heard_ago, ((const struct heard *)b)->heard_ago, a, b);
}

static int by_loss(const void *a, const void *b)
{
    return by_numbers(((const struct heard *)a)->loss, ((const struct heard *)b)->loss, a, b);
}

int rows_take(struct picture *p, struct listener *l, const struct interface *interfaces, size_t count,
              uint8_t order)
{
    static int (*const compare[ORDERS])(const void *, const void *) = {by_name, by_state, by_heard, by_loss};
    size_t rows = listener_count(l);
    *p = (struct picture){.summary = listener_summary(l),
                          .rows = calloc(rows + 1, sizeof *p->rows),
                          .interfaces = interfaces,
                          .interface_count = count};
    if (p->rows == NULL) {
        return -1;
    }
    for (size_t i = 0; i < rows; i++) {
        listener_row(l, i, &p->rows[p->count]);
        p->count += p->rows[p->count].shown;
    }
    qsort(p->rows, p->count, sizeof *p->rows, compare[order % ORDERS]);
    return 0;
}

void rows_free(struct picture *p)
{
    free(p->rows);
    *p = (struct picture){0};
}

const char *rows_state(const struct heard *h)
{
    static const char *const names[] = {
        [HEARD_ONCE] = "once",      [HEARD_ALIVE] = "alive",  [HEARD_SUSPECT] = "suspect",
        [HEARD_SILENT] = "silent",  [HEARD_DEAD] = "dead",    [HEARD_LEFT] = "left",
        [HEARD_BEAM_EXIT] = "exit", [HEARD_TOLD] = "told of",
    };
    if (h->late) {
        return "late";
    }
    if (h->state == HEARD_ALIVE && h->stalled) {
        return "stalled";
    }
    return h->state == HEARD_ALIVE && h->isolated ? "isolated" : names[h->state];
}

const char *rows_link(const struct picture *p, const struct addr *a)
{
    for (size_t i = 0; i < p->interface_count; i++) {
        if (p->interfaces[i].index == a->ifindex) {
            return p->interfaces[i].name;
        }
    }
    return "";
}

__attribute__((format(printf, 3, 4))) static void put(struct cell *c, uint8_t kind, const char *format, ...)
{
    va_list arguments;
    c->kind = kind;
    va_start(arguments, format);
    (void)vsnprintf(c->text, sizeof c->text, format, arguments);
    va_end(arguments);
}

static uint8_t kind_of(const struct heard *h)
{
    if (h->late || h->stalled || h->isolated) {
        return CELL_WARN;
    }
    switch (h->state) {
    case HEARD_ALIVE:
        return CELL_GOOD;
    case HEARD_SUSPECT:
        return CELL_WARN;
    case HEARD_SILENT:
    case HEARD_DEAD:
        return CELL_BAD;
    default:
        return CELL_DIM;
    }
}

/* In few characters. */
static void put_time(struct cell *c, int64_t us)
{
    long long ms = us / MS_US;
    if (ms < 10000) {
        put(c, CELL_PLAIN, "%lld.%lld s", ms / 1000, ms % 1000 / 100);
    } else if (ms < 600000) {
        put(c, CELL_PLAIN, "%lld s", ms / 1000);
    } else if (ms < 36000000) {
        put(c, CELL_PLAIN, "%lld min", ms / 60000);
    } else {
        put(c, CELL_PLAIN, "%lld h", ms / 3600000);
    }
}

static void put_loss(struct cell *c, int loss)
{
    if (loss > 0) {
        put(c, loss < 100 ? CELL_WARN : CELL_BAD, "%d.%d %%", loss / 10, loss % 10);
    } else if (loss == 0) {
        put(c, CELL_PLAIN, "0 %%");
    }
}

/* What its Erlang node is, where that is nothing usual. */
static void put_node(struct cell *c, uint8_t flags)
{
    put(c, CELL_PLAIN, "%s%s%s%s", flags & IDENTITY_LONG_NAMES ? "long " : "",
        flags & IDENTITY_TLS ? "tls " : "", flags & IDENTITY_IPV6_DIST ? "ipv6 " : "",
        flags & IDENTITY_HIDDEN ? "hidden " : "");
    size_t len = strlen(c->text);
    if (len > 0) {
        c->text[len - 1] = '\0';
    }
}

static void put_tags(struct cell *c, const struct tags *tags)
{
    size_t used = 0, len, value_len;
    for (size_t at = 0; at < tags->len;) {
        const char *key = (const char *)tags_text(tags, at, &len, &at);
        const char *value = (const char *)tags_text(tags, at, &value_len, &at);
        used += (size_t)snprintf(c->text + used, sizeof c->text - used, "%s%.*s=%.*s", used > 0 ? " " : "",
                                 (int)len, key, (int)value_len, value);
    }
}

void rows_cells(const struct picture *p, const struct heard *h, struct cell out[static COLUMNS])
{
    char ip[IP_TEXT];
    bool heard = h->from.family != ADDR_NONE;
    const struct addr *address = heard ? &h->from : &h->addrs[0];
    memset(out, 0, COLUMNS * sizeof out[0]);
    put(&out[COLUMN_NAME], CELL_PLAIN, "%.*s", (int)h->id.name.len, h->id.name.text);
    if (heard || h->addr_count > 0) {
        put(&out[COLUMN_ADDRESS], heard ? CELL_PLAIN : CELL_DIM, "%s", ip_text(address, ip));
    }
    put(&out[COLUMN_LINK], CELL_PLAIN, "%s", heard ? rows_link(p, address) : "");
    put(&out[COLUMN_STATE], kind_of(h), "%s", rows_state(h));
    put(&out[COLUMN_SAID_BY], CELL_DIM, "%.*s", (int)h->by.len, h->by.text);
    put_time(&out[COLUMN_HEARD], h->heard_ago);
    put_time(&out[COLUMN_EVERY], h->interval);
    put_loss(&out[COLUMN_LOSS], h->loss);
    if (heard) {
        put(&out[COLUMN_LISTS], h->agrees ? CELL_PLAIN : CELL_WARN, "%u", h->lists);
    }
    if (h->id.dist_port != 0) {
        put(&out[COLUMN_PORT], CELL_PLAIN, "%u", h->id.dist_port);
    }
    put_node(&out[COLUMN_NODE], h->id.flags);
    put_tags(&out[COLUMN_TAGS], &h->tags);
}
