/* What `gossipd doctor` may be asked about. What it sees is a matter of test/integration/doctor_test.exs. */
#include "doctor.h"

#include <string.h>

#include "test.h"

static void asks_about_the_default_group_unless_told(void **state)
{
    (void)state;
    struct addr group;
    assert_int_equal(doctor_group(NULL, NULL, &group), 0);
    assert_int_equal(group.family, ADDR_IPV4);
    assert_memory_equal(group.ip, ((const uint8_t[]){233, 252, 1, 33}), 4);
    assert_int_equal(group.port, 45893);
    assert_int_equal(doctor_group("239.1.2.3", "65527", &group), 0);
    assert_memory_equal(group.ip, ((const uint8_t[]){239, 1, 2, 3}), 4);
    assert_int_equal(group.port, 65527);
}

static void asks_about_nothing_else(void **state)
{
    (void)state;
    struct addr group;
    const char *const groups[] = {"", "10.0.0.1", "240.0.0.1", "223.255.255.255", "239.1.2", "ff12::1", "x"};
    const char *const ports[] = {"", "0", "-1", "+1", " 1", "65528", "99999999999999999999", "1x", "x"};
    for (size_t i = 0; i < COUNT(groups); i++) {
        assert_int_equal(doctor_group(groups[i], NULL, &group), -1);
    }
    for (size_t i = 0; i < COUNT(ports); i++) {
        assert_int_equal(doctor_group(NULL, ports[i], &group), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_about_the_default_group_unless_told),
        cmocka_unit_test(asks_about_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
