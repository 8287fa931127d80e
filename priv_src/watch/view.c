#include "view.h"

#include "ip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without a word under this key, so many others mean that there is something to say. */
#define FOREIGN_TELL 3

#define AROUND_TABLE 2  /* lines: an empty one, and the titles */
#define TALL         16 /* lines: then there is room for */
#define TALL_EVENTS  3  /* whatever the rows take */

static void line(struct text *out, const struct style *style, uint8_t kind, const char *text)
{
    table_line(out, style, kind, text, strlen(text));
    text_add(out, "\n", 1);
}

static const char *rosters(const struct listener_summary *s)
{
    if (s->heard == 0) {
        return "";
    }
    return s->others == 0  ? "; they list just these"
           : s->agree == 0 ? "; they list others"
                           : "; some list others";
}

static void headline(struct text *out, const struct style *style, const struct view *f)
{
    char text[640], told[32] = "", ip[IP_TEXT];
    const struct listener_summary *s = &f->picture->summary;
    const struct addr *group = &f->arguments->udp.group;
    bool labelled = f->arguments->label[0] != '\0';
    if (s->told > 0) {
        (void)snprintf(told, sizeof told, ", %u told of", s->told);
    }
    (void)snprintf(text, sizeof text, "listening to %s:%u%s%s \xc2\xb7 %u heard%s%s", ip_text(group, ip),
                   group->port, labelled ? " \xc2\xb7 cluster " : "", f->arguments->label, s->heard, told,
                   rosters(s));
    line(out, style, CELL_TITLE, text);
}

static unsigned problems(struct text *out, const struct style *style, const struct view *f)
{
    unsigned lines = 0;
    char text[200];
    const struct listener_summary *s = &f->picture->summary;
    if (f->picture->interface_count == 0) {
        line(out, style, CELL_BAD, "! no interface is up with an IP address");
        lines++;
    }
    if (s->heard == 0 && s->foreign >= FOREIGN_TELL) {
        (void)snprintf(text, sizeof text,
                       "! %llu datagrams are sealed with other keys: another secret, cluster, group or port",
                       (unsigned long long)s->foreign);
        line(out, style, CELL_BAD, text);
        lines++;
    }
    if (s->unlisted > 0) {
        (void)snprintf(text, sizeof text, "! %llu newcomers found no room", (unsigned long long)s->unlisted);
        line(out, style, CELL_BAD, text);
        lines++;
    }
    return lines;
}

static void rows(struct text *out, const struct style *style, const struct picture *p, size_t room)
{
    size_t shown = p->count <= room ? p->count : room > 0 ? room - 1 : 0;
    struct cell *cells = calloc(shown + 1, COLUMNS * sizeof *cells);
    if (cells == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < shown; i++) {
        rows_cells(p, &p->rows[i], &cells[i * COLUMNS]);
    }
    if (shown > 0) {
        table_draw(out, style, cells, shown);
    }
    free(cells);
    if (shown < p->count) {
        char text[64];
        (void)snprintf(text, sizeof text, "\xe2\x80\xa6 and %lu more", (unsigned long)(p->count - shown));
        line(out, style, CELL_DIM, text);
    } else if (shown == 0) {
        line(out, style, CELL_DIM, "(nobody is heard)");
    }
}

/* The rows come first: of the events as many as are left room, and a few in any case where there is some. */
static size_t events_shown(const struct style *style, const struct view *f, size_t head)
{
    size_t least = style->height >= TALL ? TALL_EVENTS : 0;
    size_t rows = f->picture->count > 0 ? f->picture->count : 1;
    size_t used = head + AROUND_TABLE + rows + 1 + (f->help != NULL);
    size_t room = style->height > used + least ? style->height - used : least;
    return style->height > 0 && f->event_count > room ? room : f->event_count;
}

void view_lines(struct text *out, const struct style *style, const struct view *f)
{
    headline(out, style, f);
    size_t head = 1 + problems(out, style, f), events = events_shown(style, f, head);
    size_t foot = events + (f->help != NULL);
    size_t around = head + AROUND_TABLE + (foot > 0 ? foot + 1 : 0);
    size_t room = style->height > around ? style->height - around : 1;
    text_add(out, "\n", 1);
    rows(out, style, f->picture, style->height == 0 ? SIZE_MAX : room);
    if (foot > 0) {
        text_add(out, "\n", 1);
    }
    for (size_t i = f->event_count - events; i < f->event_count; i++) {
        line(out, style, CELL_PLAIN, f->events[i]);
    }
    if (f->help != NULL) {
        line(out, style, CELL_DIM, f->help);
    }
}

void view_event(char out[static EVENT_TEXT], const struct listener_event *e)
{
    static const char *const what[] = {
        [LISTENER_FOUND] = "is heard",
        [LISTENER_TOLD] = "is told of",
        [LISTENER_AGAIN] = "is heard again",
        [LISTENER_SUSPECT] = "does not answer",
        [LISTENER_SILENT] = "is silent",
        [LISTENER_DEAD] = "is dead",
        [LISTENER_LEFT] = "has left",
        [LISTENER_BEAM_EXIT] = "has left: its Erlang VM has ended",
        [LISTENER_STALLED] = "is stalled: its Erlang VM does not respond",
        [LISTENER_PULSES] = "is not stalled any more",
    };
    bool told = e->by.len > 0;
    (void)snprintf(out, EVENT_TEXT, "%.*s %s%s%.*s%s", (int)e->name.len, e->name.text, what[e->type],
                   told ? " (" : "", (int)e->by.len, e->by.text, told ? " says so)" : "");
}
