#include "log.h"

#include <stdarg.h>
#include <stdio.h>

/* The port has no back-pressure: a line lands in the owner's mailbox whether it is read or not. Transitions
 * of a busy cluster fit; a storm does not. */
#define LINES_PER_SECOND 20
#define LINES_BURST      200

struct log log_new(log_sink *sink, void *context)
{
    return (struct log){.sink = sink, .context = context};
}

void log_time(struct log *log, int64_t now)
{
    log->now = now;
    if (log->left_out == 0 || !bucket_take(&log->bucket, now, LINES_BURST, LINES_PER_SECOND)) {
        return;
    }
    char text[LOG_TEXT];
    (void)snprintf(text, sizeof text, "%lu log lines were left out: too many at once",
                   (unsigned long)log->left_out);
    log->left_out = 0;
    log->sink(log->context, LEVEL_WARNING, text);
}

void log_line(struct log *log, uint8_t level, const char *format, ...)
{
    /* While some are owed a mention nothing passes before it, so that the order tells the truth. */
    if (log->left_out > 0 || !bucket_take(&log->bucket, log->now, LINES_BURST, LINES_PER_SECOND)) {
        log->left_out++;
        log->dropped++;
        return;
    }
    char text[LOG_TEXT];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_clean(text);
    log->sink(log->context, level, text);
}

/* Bytes of the well-formed character at `t` (Unicode's table 3-7), or 0. A NUL is no continuation byte, so
 * the end is safe. */
static unsigned character(const unsigned char *t)
{
    unsigned len = t[0] < 0x80   ? 1
                   : t[0] < 0xc2 ? 0
                   : t[0] < 0xe0 ? 2
                   : t[0] < 0xf0 ? 3
                   : t[0] < 0xf5 ? 4
                                 : 0;
    unsigned low = t[0] == 0xe0 ? 0xa0 : t[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = t[0] == 0xed ? 0x9f : t[0] == 0xf4 ? 0x8f : 0xbf;

    if (len == 1) {
        return t[0] >= 0x20 && t[0] != 0x7f ? 1 : 0;
    }
    for (unsigned i = 1; i < len; i++) {
        if (t[i] < (i == 1 ? low : 0x80) || t[i] > (i == 1 ? high : 0xbf)) {
            return 0;
        }
    }
    return len;
}

void log_clean(char *text)
{
    while (*text != '\0') {
        unsigned len = character((const unsigned char *)text);

        if (len == 0) {
            *text = '?';
        }
        text += len == 0 ? 1 : len;
    }
}
