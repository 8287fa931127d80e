/* What the doctor finds, as it is said. */
#include "findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

/* What is said on stdout meanwhile. */
struct capture {
    FILE *file;
    int kept;
    char said[4096];
};

static void capture_start(struct capture *c)
{
    c->file = tmpfile();
    assert_non_null(c->file);
    assert_int_equal(fflush(stdout), 0);
    c->kept = dup(STDOUT_FILENO);
    assert_true(c->kept >= 0);
    assert_int_equal(dup2(fileno(c->file), STDOUT_FILENO), STDOUT_FILENO);
}

static const char *capture_end(struct capture *c)
{
    (void)fflush(stdout);
    (void)dup2(c->kept, STDOUT_FILENO);
    (void)close(c->kept);
    rewind(c->file);
    size_t len = fread(c->said, 1, sizeof c->said - 1, c->file);
    c->said[len] = '\0';
    (void)fclose(c->file);
    return c->said;
}

/* What is said of what `find` finds, and that it ends with this status. */
static const char *say(struct capture *c, bool json, void (*find)(struct findings *f), int status)
{
    struct findings f = {.json = json};
    capture_start(c);
    find(&f);
    int ended = findings_end(&f);
    const char *said = capture_end(c);
    assert_int_equal(ended, status);
    return said;
}

static void find_some(struct findings *f)
{
    findings_ok(f, "interfaces", "interface %s", "a\"b\\\n\x1b\xff");
    findings_cause(f, DOCTOR_WARNING, "alone", "see who \"runs\"", "nobody is heard");
    findings_cause(f, DOCTOR_BROKEN, "no_echo", "look", "%d %%", 7);
}

static void find_worse_first(struct findings *f)
{
    findings_cause(f, DOCTOR_BROKEN, "no_echo", "look", "nothing comes back");
    findings_cause(f, DOCTOR_WARNING, "alone", "look", "nobody is heard");
}

static void find_nothing(struct findings *f)
{
    (void)f;
}

static void find_much(struct findings *f)
{
    char longest[2000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    findings_cause(f, DOCTOR_WARNING, "alone", "look", "%s", longest);
}

static void lines_have_the_causes_at_the_end(void **state)
{
    (void)state;
    struct capture c;
    assert_string_equal(say(&c, false, find_some, DOCTOR_BROKEN),
                        "ok       interface a\"b\\\n\x1b\xff\n"
                        "\nWhat is wrong, and what to do:\n"
                        "warning  nobody is heard. Do: see who \"runs\"\n"
                        "BROKEN   7 %. Do: look\n");
}

static void json_is_one_line_and_escaped(void **state)
{
    (void)state;
    struct capture c;
    assert_string_equal(say(&c, true, find_some, DOCTOR_BROKEN),
                        "{\"findings\":["
                        "{\"cause\":\"interface a\\\"b\\\\\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\",\"do\":null,"
                        "\"level\":\"ok\",\"what\":\"interfaces\"},"
                        "{\"cause\":\"nobody is heard\",\"do\":\"see who "
                        "\\\"runs\\\"\",\"level\":\"warning\",\"what\":\"alone\"},"
                        "{\"cause\":\"7 %\",\"do\":\"look\",\"level\":\"broken\",\"what\":\"no_echo\"}"
                        "],\"status\":\"broken\"}\n");
}

static void nothing_is_well_too(void **state)
{
    (void)state;
    struct capture c;
    assert_string_equal(say(&c, true, find_nothing, DOCTOR_OK), "{\"findings\":[],\"status\":\"ok\"}\n");
    assert_string_equal(say(&c, false, find_nothing, DOCTOR_OK), "\nAll is well.\n");
}

static void the_worst_is_what_it_ends_with(void **state)
{
    (void)state;
    struct capture c;
    const char *said = say(&c, true, find_worse_first, DOCTOR_BROKEN);
    assert_non_null(strstr(said, "],\"status\":\"broken\"}\n"));
}

static void a_text_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct capture c;
    const char *said = say(&c, false, find_much, DOCTOR_WARNING);
    assert_non_null(strstr(said, "xxx. Do: look\n"));
    assert_true(strlen(said) < 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_causes_at_the_end),
        cmocka_unit_test(json_is_one_line_and_escaped),
        cmocka_unit_test(nothing_is_well_too),
        cmocka_unit_test(the_worst_is_what_it_ends_with),
        cmocka_unit_test(a_text_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
