/* Lines are said as they come, but for causes: these are what the reader looks for, and stand at the end. */
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_ROOM 512 /* more than any text of the doctor's has; what is longer is cut */

static void field(struct text *out, const char *name, const char *value)
{
    text_print(out, "\"%s\":", name);
    if (value == NULL) {
        text_print(out, "null");
    } else {
        text_json(out, value, strlen(value));
    }
}

static void add_json(struct findings *f, const char *level, const char *what, const char *cause,
                     const char *mend)
{
    struct text *out = &f->written;
    text_print(out, "%s{", out->len == 0 ? "{\"findings\":[" : ",");
    field(out, "cause", cause);
    text_print(out, ",");
    field(out, "do", mend);
    text_print(out, ",");
    field(out, "level", level);
    text_print(out, ",");
    field(out, "what", what);
    text_print(out, "}");
}

void findings_ok(struct findings *f, const char *what, const char *format, ...)
{
    char line[LINE_ROOM];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (f->json) {
        add_json(f, "ok", what, line, NULL);
    } else {
        (void)printf("ok       %s\n", line);
    }
}

void findings_cause(struct findings *f, int level, const char *what, const char *mend, const char *format,
                    ...)
{
    char line[LINE_ROOM];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    f->status = level > f->status ? level : f->status;
    if (f->json) {
        add_json(f, level == DOCTOR_BROKEN ? "broken" : "warning", what, line, mend);
    } else {
        text_print(&f->written, "%s  %s. Do: ", level == DOCTOR_BROKEN ? "BROKEN " : "warning", line);
        text_print(&f->written, "%s\n", mend);
    }
}

int findings_end(struct findings *f)
{
    static const char *const words[] = {"ok", "warning", "broken"};
    if (f->json) {
        text_print(&f->written, "%s],\"status\":\"%s\"}\n", f->written.len == 0 ? "{\"findings\":[" : "",
                   words[f->status]);
    } else {
        (void)printf("\n%s\n", f->written.len == 0 ? "All is well." : "What is wrong, and what to do:");
    }
    bool said = !f->written.failed;
    if (f->written.len > 0) {
        said = fwrite(f->written.data, 1, f->written.len, stdout) == f->written.len && said;
    }
    said = fflush(stdout) == 0 && said;
    text_free(&f->written);
    return said ? f->status : DOCTOR_BROKEN;
}
