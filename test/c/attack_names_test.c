/* Names stand in logs and on terminals. */
#include <string.h>

#include "identity.h"
#include "test.h"

static void names_that_deceive_the_eye_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "nonode@nohost",
        "a\xc2\x9b@h",         /* U+009B, CSI */
        "a\xc2\x85@h",         /* U+0085, NEL */
        "a\xc2\x80@h",         /* the first of C1 */
        "a\xc2\xad@h",         /* U+00AD, soft hyphen */
        "a\xd8\x80@h",         /* U+0600 */
        "a\xd8\x9c@h",         /* U+061C, Arabic letter mark */
        "a\xe1\xa0\x8e@h",     /* U+180E */
        "a\xe2\x80\x8b@h",     /* U+200B, zero width space */
        "a\xe2\x80\x8f@h",     /* U+200F, right-to-left mark */
        "a\xe2\x80\xa8@h",     /* U+2028 */
        "a\xe2\x80\xa9@h",     /* U+2029 */
        "a\xe2\x80\xae@h",     /* U+202E, right-to-left override */
        "a\xe2\x81\xa0@h",     /* U+2060 */
        "a\xe2\x81\xa6@h",     /* U+2066 */
        "\xef\xbb\277a@h",     /* U+FEFF, a BOM; in octal, which ends after three digits */
        "a\xef\xbf\xb9@h",     /* U+FFF9 */
        "a\xf0\x91\x82\xbd@h", /* U+110BD */
        "a\xf3\xa0\x80\x81@h", /* U+E0001 */
        "a\xf3\xa0\x81\xbf@h", /* U+E007F */
        "a @h",
        "a\xc2\xa0@h",     /* U+00A0, no-break space */
        "a\xe1\x9a\x80@h", /* U+1680 */
        "a\xe2\x80\x83@h", /* U+2003 */
        "a\xe2\x80\xaf@h", /* U+202F */
        "a\xe2\x81\x9f@h", /* U+205F */
        "a\xe3\x80\x80@h", /* U+3000 */
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct name name;
        if (name_set(&name, wrong[i], strlen(wrong[i])) == 0) {
            fail_msg("row %zu is taken for a name", i);
        }
    }
}

static void names_of_people_are_names(void **state)
{
    (void)state;
    static const char *const right[] = {
        "a@h",
        "nonode@h",
        "a@nohost",
        "nonode@nohost2",
        "m\xc3\xbcller@stra\xc3\237e",
        "\xe5\x90\x8d\xe5\x89\x8d@h",
        "\xd0\xb6@h",
        "\xf0\x9f\x90\x9d@h",
        "a\xc2\xa1@h",     /* U+00A1, just behind a space */
        "a\xc2\xae@h",     /* U+00AE, just behind the soft hyphen */
        "a\xe2\x80\xb0@h", /* U+2030 */
        "a\xe2\x80\xa7@h", /* U+2027 */
        "a\xef\xbf\xbd@h", /* U+FFFD */
    };
    for (size_t i = 0; i < COUNT(right); i++) {
        struct name name;
        if (name_set(&name, right[i], strlen(right[i])) != 0) {
            fail_msg("row %zu is not taken for a name", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_deceive_the_eye_are_refused),
        cmocka_unit_test(names_of_people_are_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
