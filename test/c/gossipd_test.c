/* The executable itself, driven over pipes as the owner drives it. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sidecar.h"

static void by_hand_it_explains_itself(void **state)
{
    (void)state;
    const struct {
        const char *argument;
        bool terminal, on_stdout;
        int code;
        const char *says;
    } rows[] = {{NULL, false, false, 2, "not started by hand"},
                {"--port", true, false, 2, "not started by hand"},
                {"--nonsense", false, false, 2, "not started by hand"},
                {"--help", false, true, 0, "not started by hand"},
                {"--version", false, true, 0, "gossipd "}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[4096] = "";
        int terminal = rows[i].terminal ? posix_openpt(O_RDWR | O_NOCTTY) : -1;
        int side = -1;
        if (rows[i].terminal) {
            assert_true(terminal >= 0);
            assert_int_equal(grantpt(terminal), 0);
            assert_int_equal(unlockpt(terminal), 0);
            side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
            assert_true(side >= 0);
        }
        struct sidecar s = sidecar_spawn(rows[i].argument, side);
        int fd = rows[i].on_stdout ? s.from : s.errors;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, (int)(SIDECAR_PATIENCE / 1000)), 1);
        assert_true(read(fd, text, sizeof text - 1) > 0);
        assert_non_null(strstr(text, rows[i].says));
        sidecar_ends_with(&s, rows[i].code);
        sidecar_close(&side);
        sidecar_close(&terminal);
    }
}

static void configured_it_is_ready_and_sends_a_snapshot(void **state)
{
    (void)state;
    struct sidecar s = sidecar_start();
    sidecar_configure(&s, (struct port_config){0});
    sidecar_await(&s, "ready");
    assert_true(sidecar_mentions(&s, "127.0.0.1"));
    sidecar_await(&s, "snapshot");
    assert_string_equal(s.kind, "first");
    assert_true(sidecar_next(&s));
    assert_string_equal(s.tag, "snapshot_end");
    sidecar_finish(&s);
}

static void frames_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct sidecar s = sidecar_start();
    ei_x_buff x = {0};
    port_configure(&x, &(struct port_config){.port = sidecar_port(), .key = 7});
    const uint8_t header[4] = {0, 0, (uint8_t)(x.index >> 8), (uint8_t)x.index};
    for (size_t i = 0; i < sizeof header; i++) {
        sidecar_put_bytes(&s, &header[i], 1);
    }
    for (int i = 0; i < x.index; i++) {
        sidecar_put_bytes(&s, x.buff + i, 1);
    }
    (void)ei_x_free(&x);
    sidecar_await(&s, "snapshot_end");
    sidecar_finish(&s);
}

static void what_is_malformed_is_a_clear_error_and_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        bool configured;
        const char *kind;
    } rows[] = {
        {"\xff\xff\xff\xff", 4, false, "bad_frame"},
        {"\0\x10\0\1", 4, false, "bad_frame"}, /* one over 1 MiB */
        {"\0\0\0\0", 4, false, "bad_frame"},   /* no term at all */
        {"\0\0\0\3abc", 7, false, "bad_frame"},
        {"\0\0\0\2\x83j", 6, false, "bad_command"},
        {"\0\0\0\x08\x83w\5pulse", 12, false, "bad_command"}, /* before the configuration */
        {"\0\0\0\x08\x83w\5dance", 12, true, "bad_command"},
        {"\0\0\0\3abc", 7, true, "bad_frame"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sidecar s = rows[i].configured ? sidecar_started((struct port_config){0}) : sidecar_start();
        sidecar_put_bytes(&s, rows[i].bytes, rows[i].len);
        sidecar_await(&s, "error");
        assert_string_equal(s.kind, rows[i].kind);
        assert_false(sidecar_next(&s));
        sidecar_ends_with(&s, 1);
    }
}

static void a_bad_configuration_is_a_clear_error_and_the_end(void **state)
{
    (void)state;
    struct sidecar s = sidecar_start();
    sidecar_configure(&s, (struct port_config){.without = "port"});
    sidecar_await(&s, "error");
    assert_string_equal(s.kind, "bad_config");
    assert_true(sidecar_mentions(&s, "the configuration lacks the key port"));
    assert_false(sidecar_next(&s));
    sidecar_ends_with(&s, 1);

    s = sidecar_started((struct port_config){0});
    sidecar_configure(&s, (struct port_config){0}); /* a second one */
    sidecar_await(&s, "error");
    assert_string_equal(s.kind, "bad_command");
    sidecar_ends_with(&s, 1);
}

static void a_port_that_is_taken_is_named(void **state)
{
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(sidecar_port())};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char number[8];
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
    struct sidecar s = sidecar_start();
    sidecar_configure(&s, (struct port_config){0});
    sidecar_await(&s, "error");
    assert_string_equal(s.kind, "port_taken");
    (void)snprintf(number, sizeof number, "%u", (unsigned)sidecar_port());
    assert_true(sidecar_mentions(&s, number));
    sidecar_ends_with(&s, 1);
    (void)close(fd);
}

static void a_missing_interface_is_a_warning(void **state)
{
    (void)state;
    struct sidecar s = sidecar_start();
    sidecar_configure(&s, (struct port_config){.interface = "ghost9"});
    sidecar_await(&s, "log");
    assert_string_equal(s.kind, "warning");
    assert_true(sidecar_mentions(&s, "ghost9"));
    sidecar_await(&s, "snapshot_end");
    sidecar_finish(&s);
}

static void two_find_each_other_and_part(void **state)
{
    (void)state;
    struct sidecar a, b;
    sidecar_pair(&a, &b, (struct port_config){0});
    sidecar_word(&a, "snapshot");
    sidecar_await(&a, "snapshot");
    assert_true(sidecar_mentions(&a, "b@host"));
    sidecar_await(&a, "snapshot_end");

    sidecar_close(&b.to); /* nobody comes back there */
    sidecar_await(&a, "down");
    assert_true(sidecar_mentions(&a, "b@host"));
    assert_true(sidecar_mentions(&a, "left"));
    sidecar_ends_with(&b, 0);

    b = sidecar_started((struct port_config){0});
    sidecar_alive(&b, "b@host");
    sidecar_await(&a, "up");
    ei_x_buff x = {0};
    port_leave(&x, "left");
    sidecar_put(&b, &x);
    (void)ei_x_free(&x);
    sidecar_await(&b, "left");
    sidecar_await(&a, "down");
    assert_true(sidecar_mentions(&a, "b@host"));
    assert_true(sidecar_mentions(&a, "left"));
    sidecar_finish(&a);
    sidecar_finish(&b);
}

/* The BEAM lives, and only the owner has crashed: its next one starts another sidecar, under the same name
 * and creation. The others see an update, and no more of the first one, whose last words come later. (That
 * the BEAM itself is gone is seen by the parent; test/integration/failure_test.exs kills real ones.) */
static void another_sidecar_of_the_same_beam_takes_over(void **state)
{
    (void)state;
    struct sidecar a, b;
    sidecar_pair(&a, &b, (struct port_config){0});
    sidecar_close(&b.to);
    struct sidecar again = sidecar_started((struct port_config){0});
    sidecar_alive(&again, "b@host");
    sidecar_await(&again, "up");
    sidecar_ends_with(&b, 0);
    uint64_t heard = sidecar_stat(&again, "received");
    while (sidecar_stat(&again, "received") < heard + 3) { /* whatever comes of its goodbye */
        sidecar_breathe();
    }
    sidecar_ask_stats(&a, 9);
    size_t updates = 0;
    do {
        assert_true(sidecar_next(&a));
        assert_string_not_equal(a.tag, "down");
        assert_string_not_equal(a.tag, "up");
        assert_string_not_equal(a.tag, "conflict");
        updates += strcmp(a.tag, "update") == 0;
    } while (strcmp(a.tag, "stats") != 0);
    assert_true(updates >= 1);
    assert_int_equal(sidecar_counter(&a, "listed"), 1);
    sidecar_finish(&a);
    sidecar_finish(&again);
}

static void another_key_is_another_world(void **state)
{
    (void)state;
    struct sidecar a, b, c = sidecar_started((struct port_config){.secret = "another"});
    sidecar_alive(&c, "c@host");
    sidecar_pair(&a, &b, (struct port_config){0});
    while (sidecar_stat(&c, "foreign") < 4) { /* it has heard them */
        /* none of theirs; and its own it knows by the nonce */
        assert_int_equal(sidecar_counter(&c, "opened_1"), 0);
        sidecar_breathe();
    }
    sidecar_word(&a, "snapshot");
    sidecar_await(&a, "snapshot");
    assert_true(sidecar_mentions(&a, "b@host"));
    assert_false(sidecar_mentions(&a, "c@host"));

    /* The ring is changed at run time, and the worlds meet. */
    ei_x_buff x = {0};
    port_keys(&x, "another", 1);
    sidecar_put(&a, &x);
    (void)ei_x_free(&x);
    sidecar_await(&a, "keys_changed");
    sidecar_await(&a, "up");
    assert_true(sidecar_mentions(&a, "c@host"));
    sidecar_await(&c, "up");
    assert_true(sidecar_mentions(&c, "a@host"));
    sidecar_finish(&a);
    sidecar_finish(&b);
    sidecar_finish(&c);
}

/* Started, and its private port taken from {ready, Map}. */
static struct sidecar started_with_port(struct port_config c, uint16_t *port)
{
    static const char key[] = "unicast_portb"; /* the end of the atom, and an integer of 4 bytes */
    struct sidecar s = sidecar_start();
    sidecar_configure(&s, c);
    sidecar_await(&s, "ready");
    size_t at = 0;
    while (at + sizeof key - 1 + 4 <= s.len && memcmp(s.frame + at, key, sizeof key - 1) != 0) {
        at++;
    }
    assert_true(at + sizeof key - 1 + 4 <= s.len);
    const uint8_t *value = s.frame + at + sizeof key - 1;
    *port = (uint16_t)(value[2] << 8 | value[3]);
    sidecar_await(&s, "snapshot_end");
    return s;
}

/* "Packets of another cluster are heard" was said of the node's own other cluster. Whose they are is told by
 * the owner, who started both, and not guessed: a stranger beside them is foreign as ever. */
static void what_the_nodes_other_cluster_says_is_not_foreign(void **state)
{
    (void)state;
    uint16_t port = 0;
    struct sidecar b = started_with_port((struct port_config){.secret = "another"}, &port);
    struct sidecar a = sidecar_start();
    ei_x_buff x = {0};
    sidecar_configure(&a, (struct port_config){.interval = 200});
    port_siblings(&x, &port, 1);
    sidecar_put(&a, &x);
    sidecar_await(&a, "snapshot_end");
    sidecar_alive(&b, "a@host");
    while (sidecar_stat(&a, "own") < 5) {
        assert_int_equal(sidecar_counter(&a, "foreign"), 0);
        sidecar_breathe();
    }
    assert_int_equal(sidecar_counter(&a, "received"), sidecar_counter(&a, "own"));
    struct sidecar c = sidecar_started((struct port_config){.secret = "a third"});
    sidecar_alive(&c, "c@host");
    while (sidecar_stat(&a, "foreign") == 0) {
        sidecar_breathe();
    }
    sidecar_finish(&c);
    port_siblings(&x, NULL, 0); /* the other cluster is no more: the same datagrams are foreign */
    sidecar_put(&a, &x);
    (void)ei_x_free(&x);
    uint64_t own = sidecar_stat(&a, "own"), foreign = sidecar_counter(&a, "foreign");
    while (sidecar_stat(&a, "foreign") < foreign + 2) {
        sidecar_breathe();
    }
    assert_int_equal(sidecar_counter(&a, "own"), own);
    sidecar_finish(&a);
    sidecar_finish(&b);
}

/* What is told is another than was told last; -1: nothing was. */
static void assert_turns(int *last, bool now)
{
    assert_int_not_equal(*last, now);
    *last = now;
}

/* The owner of a running cluster hears nothing of heartbeats, unless it has asked. It is told when there are
 * none, as of a peer that waits for a processor for 0.65 s here, and when there are again. */
static void the_steady_state_is_silent(void **state)
{
    (void)state;
    struct sidecar a, b;
    int suspect = -1, isolated = -1;
    sidecar_pair(&a, &b, (struct port_config){.interval = 200});
    while (sidecar_stat(&a, "received") < 20) {
        sidecar_word(&b, "pulse");
        sidecar_breathe();
    }
    uint64_t before = sidecar_counter(&a, "received");
    do {
        sidecar_breathe();
        sidecar_word(&b, "pulse");
        sidecar_ask_stats(&a, 2);
        do { /* that, and what is asked for with it, and nothing else */
            assert_true(sidecar_next(&a));
            if (strcmp(a.tag, "update") == 0) {
                assert_turns(&suspect, sidecar_mentions(&a, "suspect"));
            } else if (strcmp(a.tag, "health") == 0) {
                assert_turns(&isolated, sidecar_mentions(&a, "isolated"));
            } else if (strcmp(a.tag, "pulse") != 0) {
                assert_string_equal(a.tag, "stats");
            }
        } while (strcmp(a.tag, "stats") != 0);
    } while (sidecar_counter(&a, "received") < before + 20);
    sidecar_finish(&a);
    sidecar_finish(&b);

    sidecar_pair(&a, &b, (struct port_config){.interval = 200, .heartbeats = true});
    sidecar_await(&a, "heartbeat");
    assert_true(sidecar_mentions(&a, "b@host"));
    sidecar_finish(&a);
    sidecar_finish(&b);
}

/* By the answers the owner knows that its sidecar is neither stopped nor stuck. */
static void each_pulse_is_answered(void **state)
{
    (void)state;
    struct sidecar a = sidecar_started((struct port_config){0});
    for (int i = 0; i < 3; i++) {
        sidecar_word(&a, "pulse");
        sidecar_await(&a, "pulse");
    }
    sidecar_finish(&a);
}

/* How two meet is measured, and told to who asks. */
static void a_peer_is_measured(void **state)
{
    (void)state;
    struct sidecar a, b;
    sidecar_pair(&a, &b, (struct port_config){0});
    long round_trip = 0;
    while (round_trip == 0) { /* the last word of the meeting may still be on its way */
        ei_x_buff x = {0};
        port_measures(&x, 0);
        sidecar_put(&a, &x);
        (void)ei_x_free(&x);
        sidecar_await(&a, "measures");
        const char *buffer = (const char *)a.frame;
        int at = 0, version, arity, type, size;
        long from, heard = -1;
        char word[MAXATOMLEN_UTF8];
        assert_int_equal(ei_decode_version(buffer, &at, &version), 0);
        assert_int_equal(ei_decode_tuple_header(buffer, &at, &arity), 0);
        assert_int_equal(ei_decode_atom(buffer, &at, word), 0);
        assert_int_equal(ei_decode_long(buffer, &at, &from), 0);
        assert_int_equal(from, 0);
        assert_int_equal(ei_decode_list_header(buffer, &at, &arity), 0);
        assert_int_equal(arity, 1);
        assert_int_equal(ei_decode_tuple_header(buffer, &at, &arity), 0);
        assert_int_equal(arity, 4);
        assert_int_equal(ei_skip_term(buffer, &at), 0);
        assert_int_equal(ei_get_type(buffer, &at, &type, &size), 0);
        if (type == ERL_SMALL_INTEGER_EXT || type == ERL_INTEGER_EXT) {
            assert_int_equal(ei_decode_long(buffer, &at, &round_trip), 0);
        } else {
            assert_int_equal(ei_skip_term(buffer, &at), 0);
        }
        assert_int_equal(ei_skip_term(buffer, &at), 0);
        assert_int_equal(ei_decode_long(buffer, &at, &heard), 0);
        assert_in_range(heard, 0, 60000);
        sidecar_word(&a, "pulse");
        sidecar_breathe();
    }
    assert_in_range(round_trip, 1, 2000000); /* an answer counts for less than 2 s */
    sidecar_finish(&a);
    sidecar_finish(&b);
}

/* An owner that does not read costs bounded memory and no peer anything; when it reads again it gets a whole
 * picture. */
static void an_owner_that_does_not_read_gets_a_fresh_snapshot(void **state)
{
    (void)state;
    struct sidecar a, b;
    size_t answers = 0;
    /* All but the 64 KiB that the pipe holds are answered before the first answer is read. */
    const size_t asked = 20000;
    sidecar_pair(&a, &b, (struct port_config){0});
    for (size_t i = 0; i < asked; i++) {
        sidecar_ask_stats(&a, (long)i);
    }
    bool listed = false;
    do {
        assert_true(sidecar_next(&a));
        answers += strcmp(a.tag, "stats") == 0;
        listed = listed || (strcmp(a.tag, "snapshot") == 0 && sidecar_mentions(&a, "b@host"));
    } while (strcmp(a.tag, "health") != 0);
    assert_true(listed);
    sidecar_await(&a, "interfaces");
    assert_true(sidecar_mentions(&a, "127.0.0.1"));
    assert_true(answers > 0 && answers < asked);
    sidecar_await(&a, "log");
    assert_string_equal(a.kind, "warning");
    assert_true(sidecar_stat(&a, "frames_dropped") >= 1);
    sidecar_ask_stats(&b, 1);
    do { /* b has not missed a thing */
        assert_true(sidecar_next(&b));
        assert_string_not_equal(b.tag, "down");
    } while (strcmp(b.tag, "stats") != 0);
    sidecar_finish(&a);
    sidecar_finish(&b);
}

/* Stopped for longer than the silence that ends a peer, it must hear what waits in its sockets before it
 * judges. */
static void a_paused_sidecar_buries_nobody(void **state)
{
    (void)state;
    struct sidecar a, b;
    sidecar_pair(&a, &b, (struct port_config){.interval = 200});
    assert_int_equal(kill(a.pid, SIGSTOP), 0);
    sidecar_await(&b, "down");
    assert_true(sidecar_mentions(&b, "silent"));
    assert_int_equal(kill(a.pid, SIGCONT), 0);
    sidecar_await(&b, "up");
    uint64_t heard = sidecar_stat(&a, "received");
    do {
        sidecar_breathe();
        sidecar_ask_stats(&a, 3);
        do {
            assert_true(sidecar_next(&a));
            assert_string_not_equal(a.tag, "down");
        } while (strcmp(a.tag, "stats") != 0);
    } while (sidecar_counter(&a, "received") < heard + 20);
    sidecar_finish(&a);
    sidecar_finish(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(by_hand_it_explains_itself, sidecar_kill_all),
        cmocka_unit_test_teardown(configured_it_is_ready_and_sends_a_snapshot, sidecar_kill_all),
        cmocka_unit_test_teardown(frames_may_come_byte_by_byte, sidecar_kill_all),
        cmocka_unit_test_teardown(what_is_malformed_is_a_clear_error_and_the_end, sidecar_kill_all),
        cmocka_unit_test_teardown(a_bad_configuration_is_a_clear_error_and_the_end, sidecar_kill_all),
        cmocka_unit_test_teardown(a_port_that_is_taken_is_named, sidecar_kill_all),
        cmocka_unit_test_teardown(a_missing_interface_is_a_warning, sidecar_kill_all),
        cmocka_unit_test_teardown(two_find_each_other_and_part, sidecar_kill_all),
        cmocka_unit_test_teardown(another_sidecar_of_the_same_beam_takes_over, sidecar_kill_all),
        cmocka_unit_test_teardown(another_key_is_another_world, sidecar_kill_all),
        cmocka_unit_test_teardown(what_the_nodes_other_cluster_says_is_not_foreign, sidecar_kill_all),
        cmocka_unit_test_teardown(the_steady_state_is_silent, sidecar_kill_all),
        cmocka_unit_test_teardown(each_pulse_is_answered, sidecar_kill_all),
        cmocka_unit_test_teardown(a_peer_is_measured, sidecar_kill_all),
        cmocka_unit_test_teardown(an_owner_that_does_not_read_gets_a_fresh_snapshot, sidecar_kill_all),
        cmocka_unit_test_teardown(a_paused_sidecar_buries_nobody, sidecar_kill_all),
    };
    return sidecar_find(argc, argv) != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
