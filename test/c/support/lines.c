#include "lines.h"

#include <stdio.h>

static void keep(void *context, uint8_t level, const char *text)
{
    struct lines *l = context;
    l->count++;
    l->level = level;
    (void)snprintf(l->last, sizeof l->last, "%s", text);
}

struct log lines_log(struct lines *l)
{
    return log_new(keep, l);
}
