/* Lines for a person: bounded in number, always valid UTF-8, handed to a sink. Who logs a state does so when
 * it changes. */
#ifndef GOSSIP_LOG_H
#define GOSSIP_LOG_H

#include "bucket.h"

#define LOG_TEXT 400 /* bytes of a line, its NUL included */

enum log_level { LEVEL_DEBUG = 1, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR };

/* Takes one line; `level` is an enum log_level. Must not log itself. */
typedef void log_sink(void *context, uint8_t level, const char *text);

struct log {
    log_sink *sink;
    void *context;
    struct bucket bucket;
    int64_t now;       /* as log_time was told last, microseconds */
    uint32_t left_out; /* lines since the last one that passed */
    uint64_t dropped;  /* lines left out since the start */
};

/* A log that writes to `sink`, which must outlive it. */
struct log log_new(log_sink *sink, void *context);

/* Time passes. Tells how many lines were left out, once lines may pass again. */
void log_time(struct log *log, int64_t now);

/* One line, cut at LOG_TEXT; left out (and counted) when there are too many. `format` as printf's. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void log_line(struct log *log, uint8_t level, const char *format, ...);

/* Replaces in place what is not well-formed UTF-8, and control characters, by '?': a name from the network
 * may hold anything. */
void log_clean(char *text);

#endif
