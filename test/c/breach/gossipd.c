/* Linked into a gossipd for tests alone (gossipd_breach): on SIGUSR1 it does what somebody would do who has
 * found a fault in it: it opens a file. The linker puts this between the loop and io/clock.c. */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

int64_t __real_clock_slept(void);
int64_t __wrap_clock_slept(void);

static volatile sig_atomic_t found;

static void on_user(int signal)
{
    (void)signal;
    found = 1;
}

__attribute__((constructor)) static void listen_for_it(void)
{
    struct sigaction action = {.sa_handler = on_user};
    (void)sigaction(SIGUSR1, &action, NULL);
}

int64_t __wrap_clock_slept(void)
{
    if (found != 0) {
        (void)open("/etc/passwd", O_RDONLY);
    }
    return __real_clock_slept();
}
