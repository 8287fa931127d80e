#include "refusal.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

/* Whether it could be said. */
static bool to_programs(const struct fault *fault)
{
    struct text line = {0};
    text_print(&line, "{");
    json_string(&line, "error", fault->text, strlen(fault->text));
    text_print(&line, "}\n");
    bool said = !line.failed && fwrite(line.data, 1, line.len, stdout) == line.len && fflush(stdout) == 0;
    text_free(&line);
    return said;
}

void refusal_say(const char *program, bool json, const struct fault *fault)
{
    if (json && to_programs(fault)) {
        return;
    }
    (void)fprintf(stderr, "%s: %s", program, fault->text);
    if (fault->kind == FAULT_BAD_CONFIG) {
        (void)fprintf(stderr, " (%s --help)", program);
    }
    (void)fputs("\n", stderr);
}
