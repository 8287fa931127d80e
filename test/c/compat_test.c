/* libcluster's wire of the executable itself: two of them, and a socket that speaks as libcluster does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cbc.h"
#include "legacy.h"
#include "sidecar.h"

static const char GROUP[] = "233.252.1.32";

static uint16_t legacy_port(void)
{
    return (uint16_t)(sidecar_port() + 1);
}

/* As libcluster's: bound to the port on all addresses, shared, in the group on the loopback. */
static int libcluster(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(legacy_port())};
    struct ip_mreq m = {.imr_interface.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, GROUP, &m.imr_multiaddr), 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m.imr_interface, sizeof m.imr_interface),
                     0);
    return fd;
}

static void say(int fd, const void *bytes, size_t len)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(legacy_port())};
    assert_int_equal(inet_pton(AF_INET, GROUP, &to.sin_addr), 1);
    assert_int_equal(sendto(fd, bytes, len, 0, (const struct sockaddr *)&to, sizeof to), len);
}

static void say_name(int fd, const char *text)
{
    struct name name;
    uint8_t beat[LEGACY_BEAT_MAX];
    assert_int_equal(name_set(&name, text, strlen(text)), 0);
    say(fd, beat, legacy_write(&name, beat));
}

/* The next datagram that is no beat of this test's own. */
static size_t heard(int fd, uint8_t *out, size_t room)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)(SIDECAR_PATIENCE / 1000)), 1);
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t len = recvfrom(fd, out, room, 0, (struct sockaddr *)&from, &size);
    assert_true(len > 0);
    assert_int_equal(ntohs(from.sin_port), legacy_port()); /* as from libcluster */
    return (size_t)len;
}

/* Until that node says its name: from then on it hears others, too. Waits past this test's own beats. */
static void await_beat(int fd, const char *text)
{
    uint8_t bytes[1200];
    struct name name, wanted;
    assert_int_equal(name_set(&wanted, text, strlen(text)), 0);
    do {
        assert_int_equal(legacy_read(bytes, heard(fd, bytes, sizeof bytes), &name), 0);
    } while (!name_same(&name, &wanted));
}

static struct sidecar started(uint8_t key, const char *secret)
{
    struct sidecar s = sidecar_started((struct port_config){.key = key});
    ei_x_buff x = {0};
    port_compat(&x, legacy_port(), secret);
    sidecar_put(&s, &x);
    (void)ei_x_free(&x);
    sidecar_await(&s, "log");
    assert_true(sidecar_mentions(&s, "libcluster"));
    return s;
}

static void await_name(struct sidecar *s, const char *name)
{
    do {
        sidecar_await(s, "legacy");
    } while (!sidecar_mentions(s, name));
}

/* Their keys differ, so that they are known to each other by this wire alone. */
static void two_name_each_other(const char *secret)
{
    struct sidecar a = started(1, secret);
    struct sidecar b = started(2, secret);
    sidecar_alive(&a, "a@host");
    sidecar_alive(&b, "b@host");
    await_name(&a, "b@host");
    await_name(&b, "a@host");
    sidecar_finish(&a);
    sidecar_finish(&b);
}

static void two_name_each_other_in_the_clear(void **state)
{
    (void)state;
    two_name_each_other(NULL);
}

static void two_name_each_other_by_a_secret(void **state)
{
    (void)state;
    if (!cbc_available()) {
        skip();
    }
    two_name_each_other("a shared secret");
}

/* Nobody is named before this node is announced; what is no beat, or names this node, is passed over. */
static void what_libcluster_says_is_told_and_nothing_else(void **state)
{
    (void)state;
    int fd = libcluster();
    struct sidecar s = started(1, NULL);
    say_name(fd, "early@host");
    assert_int_equal(sidecar_stat(&s, "legacy_heard"), 0);
    sidecar_alive(&s, "a@host");
    await_beat(fd, "a@host");
    uint8_t bytes[1200];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "heartbeat::", 11);
    say(fd, bytes, 11);
    say(fd, bytes, 200);
    say(fd, bytes, sizeof bytes);
    say_name(fd, "a@host");
    say_name(fd, "late@host");
    sidecar_await(&s, "legacy");
    assert_true(sidecar_mentions(&s, "late@host"));
    assert_int_equal(sidecar_stat(&s, "legacy_heard"), 1);
    assert_int_equal(sidecar_stat(&s, "legacy_refused"), 2); /* the longest is no beat by its length */
    assert_true(sidecar_stat(&s, "legacy_sent") >= 1);
    sidecar_finish(&s);
    assert_int_equal(close(fd), 0);
}

static void who_hides_says_nothing_and_hears_nobody(void **state)
{
    (void)state;
    int fd = libcluster();
    struct sidecar s = started(1, NULL);
    sidecar_alive(&s, "a@host");
    await_beat(fd, "a@host");
    say_name(fd, "b@host");
    await_name(&s, "b@host");
    sidecar_word(&s, "hide");
    uint64_t sent = sidecar_stat(&s, "legacy_sent");
    uint64_t known = sidecar_stat(&s, "legacy_heard");
    say_name(fd, "c@host");
    assert_int_equal(sidecar_stat(&s, "legacy_heard"), known);
    assert_int_equal(sidecar_stat(&s, "legacy_sent"), sent);
    sidecar_finish(&s);
    assert_int_equal(close(fd), 0);
}

/* What is in the clear is nothing to who has a secret, and the other way round. */
static void a_secret_is_not_mixed_with_none(void **state)
{
    (void)state;
    if (!cbc_available()) {
        skip();
    }
    int fd = libcluster();
    struct sidecar s = started(1, "a shared secret");
    sidecar_alive(&s, "a@host");
    uint8_t bytes[LEGACY_DATAGRAM_MAX];
    struct name name;
    size_t len = heard(fd, bytes, sizeof bytes);
    say_name(fd, "b@host");
    assert_int_equal(len, 48);
    struct cbc *cbc = cbc_new((const uint8_t *)"a shared secret", 15);
    uint8_t beat[32];
    cbc_decrypt(cbc, bytes, bytes + 16, 32, beat);
    assert_int_equal(legacy_read(beat, legacy_unpad(beat, 32), &name), 0);
    assert_memory_equal(name.text, "a@host", name.len);
    cbc_free(cbc);
    bytes[20] ^= 1;
    say(fd, bytes, len);
    while (sidecar_stat(&s, "legacy_refused") == 0) {
        sidecar_breathe();
    }
    assert_int_equal(sidecar_stat(&s, "legacy_heard"), 0);
    sidecar_finish(&s);
    assert_int_equal(close(fd), 0);
}

static void without_libcrypto_a_secret_is_an_error_of_the_option(void **state)
{
    (void)state;
    if (cbc_available()) {
        skip(); /* the other build has it */
    }
    struct sidecar s = sidecar_started((struct port_config){0});
    ei_x_buff x = {0};
    port_compat(&x, legacy_port(), "a shared secret");
    sidecar_put(&s, &x);
    (void)ei_x_free(&x);
    while (sidecar_next(&s) && strcmp(s.tag, "error") != 0) {
    }
    assert_string_equal(s.kind, "bad_config");
    assert_true(sidecar_mentions(&s, "built without libcrypto"));
    sidecar_ends_with(&s, 1);
}

static void it_is_switched_on_once(void **state)
{
    (void)state;
    struct sidecar s = started(1, NULL);
    ei_x_buff x = {0};
    port_compat(&x, legacy_port(), NULL);
    sidecar_put(&s, &x);
    (void)ei_x_free(&x);
    while (sidecar_next(&s) && strcmp(s.tag, "error") != 0) {
    }
    assert_string_equal(s.kind, "bad_command");
    sidecar_ends_with(&s, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(two_name_each_other_in_the_clear, sidecar_kill_all),
        cmocka_unit_test_teardown(two_name_each_other_by_a_secret, sidecar_kill_all),
        cmocka_unit_test_teardown(what_libcluster_says_is_told_and_nothing_else, sidecar_kill_all),
        cmocka_unit_test_teardown(who_hides_says_nothing_and_hears_nobody, sidecar_kill_all),
        cmocka_unit_test_teardown(a_secret_is_not_mixed_with_none, sidecar_kill_all),
        cmocka_unit_test_teardown(without_libcrypto_a_secret_is_an_error_of_the_option, sidecar_kill_all),
        cmocka_unit_test_teardown(it_is_switched_on_once, sidecar_kill_all),
    };
    return sidecar_find(argc, argv) == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
