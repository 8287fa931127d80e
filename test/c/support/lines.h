/* A log that is kept: how many lines, and the last. */
#ifndef TEST_SUPPORT_LINES_H
#define TEST_SUPPORT_LINES_H

#include "log.h"

struct lines {
    size_t count;
    uint8_t level; /* of the last */
    char last[LOG_TEXT];
};

/* What is logged there is kept in `l`, which must outlive it. */
struct log lines_log(struct lines *l);

#endif
