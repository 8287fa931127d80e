/* What the system keeps of the executable's memory, and who may read it. Linux tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar.h"

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) /* which makes mlock do nothing */
/* Kilobytes that the kernel says are locked in the process's memory. */
static long locked_kb(pid_t pid)
{
    char path[64], line[256];
    long kb = -1;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, "VmLck:", 6) == 0) {
            kb = strtol(line + 6, NULL, 10);
        }
    }
    assert_int_equal(fclose(in), 0);
    return kb;
}

static void keys_stay_out_of_swap(void **state)
{
    (void)state;
    struct sidecar s = sidecar_started((struct port_config){0});
    assert_true(locked_kb(s.pid) > 0);
    sidecar_finish(&s);
}
#endif

#if defined(__linux__)
/* Whether this process may be another user: root may, but not the only one of a user namespace. */
static bool may_be(uid_t user)
{
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(setuid(user) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

/* The kernel gives what stands in /proc/PID to root when the process may not be dumped, nor read by others of
 * its user (proc(5)). */
static void its_memory_is_nobody_elses(void **state)
{
    (void)state;
    const uid_t nobody = 65534, other = geteuid() == 0 ? nobody : 0;
    char path[64], line[256] = "";
    struct stat file;
    if (other != 0 && !may_be(other)) {
        print_message(
            "root of a user namespace that has no other user: whose the memory is cannot be seen\n");
        skip();
    }
    struct sidecar s = sidecar_start_as(other);
    sidecar_configure(&s, (struct port_config){0});
    sidecar_await(&s, "ready");
    (void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)s.pid);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_uid, 0);
    (void)snprintf(path, sizeof path, "/proc/%ld/limits", (long)s.pid);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (strncmp(line, "Max core file size", 18) != 0) {
        assert_non_null(fgets(line, sizeof line, in));
    }
    assert_int_equal(fclose(in), 0);
    unsigned long soft = 1, hard = 1;
    assert_int_equal(sscanf(line + 18, "%lu %lu", &soft, &hard), 2);
    assert_true(soft == 0 && hard == 0);
    sidecar_finish(&s);
}
#endif

#if !defined(__linux__)
static void nothing_is_told_here(void **state)
{
    (void)state;
    print_message("not Linux: whose the memory is, and what of it is locked, cannot be seen\n");
    skip();
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#if !defined(__linux__)
        cmocka_unit_test(nothing_is_told_here),
#endif
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
        cmocka_unit_test_teardown(keys_stay_out_of_swap, sidecar_kill_all),
#endif
#if defined(__linux__)
        cmocka_unit_test_teardown(its_memory_is_nobody_elses, sidecar_kill_all),
#endif
    };
    return sidecar_find(argc, argv) != 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
