/* How the executable ends: with its reader, its owner, or by a signal; and what of the owner's last words
 * still counts. */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "sidecar.h"

static void end_of_file_before_the_configuration_ends_it(void **state)
{
    (void)state;
    struct sidecar s = sidecar_start();
    sidecar_close(&s.to);
    assert_false(sidecar_next(&s));
    sidecar_ends_with(&s, 0);
}

/* A service manager signals the BEAM and its sidecar at once; the BEAM then still needs it to say goodbye. */
static void the_first_sigterm_leaves_time_for_goodbye(void **state)
{
    (void)state;
    struct sidecar a, b;
    sidecar_pair(&a, &b, (struct port_config){0});
    assert_int_equal(kill(a.pid, SIGTERM), 0);
    assert_true(sidecar_stat(&a, "listed") == 1);
    ei_x_buff x = {0};
    port_leave(&x, "left");
    sidecar_put(&a, &x);
    (void)ei_x_free(&x);
    sidecar_await(&a, "left");
    sidecar_await(&b, "down");
    sidecar_finish(&a);
    assert_int_equal(kill(b.pid, SIGTERM), 0);
    assert_true(sidecar_stat(&b, "listed") == 0); /* the first one has been handled */
    assert_int_equal(kill(b.pid, SIGTERM), 0);
    int status = sidecar_ended(&b);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* A VM whose write fails with EPIPE loses what it has not read (of 600 such ends 30, where it did not wait).
 */
static void after_its_last_word_it_leaves_time_to_read_it(void **state)
{
    (void)state;
    struct sidecar s = sidecar_start();
    int64_t since = clock_now();
    sidecar_put_bytes(&s, "\0\0\0\3abc", 7);
    sidecar_await(&s, "error");
    assert_false(sidecar_next(&s));
    assert_true(clock_now() - since >= 200 * 1000);
    sidecar_ends_with(&s, 1);
}

static void a_reader_that_goes_away_ends_it(void **state)
{
    (void)state;
    struct sidecar a, b;
    sidecar_pair(&a, &b, (struct port_config){0});
    sidecar_close(&a.from);
    sidecar_await(&b, "down");
    assert_true(sidecar_mentions(&b, "left"));
    sidecar_ends_with(&a, 0);
    sidecar_finish(&b);
}

/* What was put into its pipe is read. */
static bool is_read(const struct sidecar *s)
{
    int waiting = 0;
    assert_int_equal(ioctl(s->to, FIONREAD, &waiting), 0);
    return waiting == 0;
}

/* Here the BEAM is a process of its own, which rotates its keys, leaves, and ends while they are derived. The
 * sidecar notices that nobody reads before it has read the last command. */
static void who_leaves_while_keys_are_derived_and_halts_has_left(void **state)
{
    (void)state;
    /* It says nothing while it derives four keys, which takes seconds on a busy machine: not to be taken for
     * silent. */
    const struct port_config config = {.secret = "another", .port = sidecar_port(), .interval = 10000};
    struct sidecar a = sidecar_started(config);
    sidecar_alive(&a, "a@host");
    pid_t beam = fork();
    assert_true(beam >= 0);
    if (beam == 0) {
        struct sidecar b = sidecar_started(config);
        sidecar_alive(&b, "b@host");
        sidecar_await(&b, "up");
        ei_x_buff keys = {0}, leave = {0};
        port_keys(&keys, config.secret, 4);
        port_leave(&leave, "left");
        sidecar_put(&b, &keys);
        for (int64_t until = clock_now() + SIDECAR_PATIENCE; !is_read(&b);) {
            if (clock_now() > until) {
                _exit(1);
            }
        }
        sidecar_put(&b, &leave);
        _exit(0);
    }
    sidecar_await(&a, "down");
    assert_true(sidecar_mentions(&a, "b@host"));
    assert_true(sidecar_mentions(&a, "left"));
    int status = 0;
    assert_int_equal(waitpid(beam, &status, 0), beam);
    assert_int_equal(status, 0);
    sidecar_finish(&a);
}

/* Here, too. Stopped it would not see that the VM is gone, and stay until somebody continues it. */
static void a_stopped_one_whose_vm_is_killed_says_goodbye(void **state)
{
#if defined(__linux__)
    (void)state;
    const struct port_config config = {.port = sidecar_port()};
    struct sidecar a = sidecar_started(config);
    sidecar_alive(&a, "a@host");
    pid_t beam = fork();
    assert_true(beam >= 0);
    if (beam == 0) {
        struct sidecar b = sidecar_started(config);
        sidecar_alive(&b, "b@host");
        sidecar_await(&b, "up");
        (void)kill(b.pid, SIGSTOP);
        (void)kill(getpid(), SIGKILL);
    }
    sidecar_await(&a, "down");
    assert_true(sidecar_mentions(&a, "b@host"));
    assert_true(sidecar_mentions(&a, "beam_exit"));
    int status = 0;
    assert_int_equal(waitpid(beam, &status, 0), beam);
    assert_true(WIFSIGNALED(status));
    sidecar_finish(&a);
#else
    (void)state;
    skip(); /* only Linux sends a signal when a parent ends */
#endif
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(end_of_file_before_the_configuration_ends_it, sidecar_kill_all),
        cmocka_unit_test_teardown(the_first_sigterm_leaves_time_for_goodbye, sidecar_kill_all),
        cmocka_unit_test_teardown(after_its_last_word_it_leaves_time_to_read_it, sidecar_kill_all),
        cmocka_unit_test_teardown(a_reader_that_goes_away_ends_it, sidecar_kill_all),
        cmocka_unit_test_teardown(who_leaves_while_keys_are_derived_and_halts_has_left, sidecar_kill_all),
        cmocka_unit_test_teardown(a_stopped_one_whose_vm_is_killed_says_goodbye, sidecar_kill_all),
    };
    return sidecar_find(argc, argv) != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
