/* Lines are said as they come, but for causes: these are what the reader looks for, and stand at the end. */
#include "findings.h"

#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_ROOM 512 /* more than any text of the doctor's has; what is longer is cut */

static const char *const levels[] = {
    [DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_BROKEN] = "broken"};

static void string(struct text *out, const char *name, const char *value)
{
    json_string(out, name, value, value != NULL ? strlen(value) : 0);
}

static void begin_json(struct findings *f)
{
    if (f->written.len == 0) {
        text_print(&f->written, "{\"findings\":[");
    }
}

static void add_json(struct findings *f, int level, const char *what, const char *cause, const char *mend)
{
    struct text *out = &f->written;
    begin_json(f);
    json_item(out);
    string(out, "cause", cause);
    string(out, "do", mend);
    string(out, "level", levels[level]);
    string(out, "what", what);
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
        add_json(f, DOCTOR_OK, what, line, NULL);
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
        add_json(f, level, what, line, mend);
    } else {
        text_print(&f->written, "%s  %s. Do: ", level == DOCTOR_BROKEN ? "BROKEN " : "warning", line);
        text_print(&f->written, "%s\n", mend);
    }
}

int findings_end(struct findings *f)
{
    if (f->json) {
        begin_json(f);
        text_print(&f->written, "]");
        string(&f->written, "status", levels[f->status]);
        text_print(&f->written, "}\n");
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
