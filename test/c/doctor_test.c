/* What `gossipd doctor` may be asked about. What it sees is a matter of test/python/test_doctor.py and
 * test/integration/doctor_test.exs. */
#include "arguments.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static struct fault fault;

/* Words between spaces. */
static int read_words(const char *words, struct arguments *out)
{
    static char text[200];
    char *rest = NULL, *argv[16];
    int argc = 0;
    fault = (struct fault){0};
    assert_true(strlen(words) < sizeof text);
    strcpy(text, words);
    for (char *w = strtok_r(text, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < (int)COUNT(argv));
        argv[argc++] = w;
    }
    return arguments_read(out, ASKS_DOCTOR, argc, argv, &fault);
}

static void asks_about_the_default_groups_unless_told(void **state)
{
    (void)state;
    static const uint8_t default6[16] = {0xff, 0x12, [14] = 0x67, 0x63}, other6[16] = {0xff, 0x12, [15] = 1};
    struct arguments a;
    assert_int_equal(read_words("", &a), 0);
    assert_int_equal(a.udp.group.family, ADDR_IPV4);
    assert_memory_equal(a.udp.group.ip, ((const uint8_t[]){233, 252, 1, 33}), 4);
    assert_int_equal(a.udp.group.port, 45893);
    assert_int_equal(a.udp.group6.family, ADDR_IPV6);
    assert_memory_equal(a.udp.group6.ip, default6, 16);
    assert_true(a.filter.ipv6 && a.filter.mode == FILTER_ALL && !a.json && a.listen_us == 0);
    assert_int_equal(read_words("--group 239.1.2.3 --port 65527 --group6 ff12::1 --json --for 1", &a), 0);
    assert_memory_equal(a.udp.group.ip, ((const uint8_t[]){239, 1, 2, 3}), 4);
    assert_int_equal(a.udp.group.port, 65527);
    assert_memory_equal(a.udp.group6.ip, other6, 16);
    assert_true(a.json && a.listen_us == SECOND_US);
    assert_true(a.peer == NULL && a.secret_file == NULL && a.kind == SECRET_COOKIE);
    assert_true(a.secret_optional && a.secret_patience == 10 * SECOND_US);
    assert_int_equal(read_words("--kind key b@h2:45894 --secret-file /x --cluster shop", &a), 0);
    assert_string_equal(a.peer, "b@h2:45894");
    assert_true(a.kind == SECRET_KEY && strcmp(a.secret_file, "/x") == 0 && strcmp(a.label, "shop") == 0);
    assert_int_equal(read_words("--no-ipv6 --interface eth0", &a), 0);
    assert_true(a.udp.group6.family == ADDR_NONE && !a.filter.ipv6 && a.filter.count == 1);
}

static void asks_about_nothing_else(void **state)
{
    (void)state;
    struct arguments a;
    const char *const words[] = {"--group 10.0.0.1",
                                 "--group 240.0.0.1",
                                 "--group 223.255.255.255",
                                 "--group 239.1.2",
                                 "--group ff12::1",
                                 "--group",
                                 "--jso",
                                 "h2 h3",
                                 "-1",
                                 "--group6",
                                 "--group6 ff0e::1",
                                 "--group6 fe80::1",
                                 "--group6 239.1.2.3",
                                 "--port 0",
                                 "--port -1",
                                 "--port +1",
                                 "--port 65528",
                                 "--port 99999999999999999999",
                                 "--port 1x",
                                 "--for 0",
                                 "--once",
                                 "--pipe --secret-file /x",
                                 "--broadcast"};
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_int_equal(read_words(words[i], &a), -1);
        assert_int_equal(fault.kind, FAULT_BAD_CONFIG);
        assert_true(strlen(fault.text) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_about_the_default_groups_unless_told),
        cmocka_unit_test(asks_about_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
