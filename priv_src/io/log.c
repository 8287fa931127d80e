#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

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

void log_clean(char *text)
{
    const char *end = text + strlen(text);
    while (text < end) {
        size_t len = utf8_length(text, (size_t)(end - text));
        if (len == 0 || (len == 1 && ((unsigned char)*text < 0x20 || *text == 0x7f))) {
            *text = '?';
            len = 1;
        }
        text += len;
    }
}
