/* What is shown at one moment, whole: as lines for people, and as a line of JSON for programs. */
#ifndef GOSSIP_WATCH_VIEW_H
#define GOSSIP_WATCH_VIEW_H

#include "arguments.h"
#include "table.h"

#define VIEW_EVENTS 5 /* lines of events below */

struct view {
    const struct picture *picture;
    const struct arguments *arguments;
    int64_t listened; /* microseconds */
    int64_t at;       /* Unix time, seconds */
    size_t event_count;
    const char *events[VIEW_EVENTS]; /* the oldest first */
    const char *help;                /* the last line; NULL: none */
};

/* Lines that fit the width, and the whole the height, each with a line's end. */
void view_lines(struct text *out, const struct style *style, const struct view *f);

/* One line. */
void view_json(struct text *out, const struct view *f);

/* What has happened, in a few words, into `out`. */
#define EVENT_TEXT 640
void view_event(char out[static EVENT_TEXT], const struct listener_event *e);

#endif
