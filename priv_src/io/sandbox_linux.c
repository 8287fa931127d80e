#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sanitizers' run time opens files, maps terabytes, and at the end looks at its own process from another.
 */
#if defined(GOSSIP_SANITIZED)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Landlock, as in linux/landlock.h, of which older headers lack a part or all. The numbers are those of every
 * processor but Alpha. */
#define LANDLOCK_CREATE         444L
#define LANDLOCK_RESTRICT       446L
#define LANDLOCK_ASK_VERSION    1u
#define LANDLOCK_NETWORK_SINCE  4 /* versions of its interface */
#define LANDLOCK_SCOPES_SINCE   6
#define LANDLOCK_TCP            3u /* bind and connect */
#define LANDLOCK_SOCKETS_SIGNAL 3u /* abstract Unix sockets of others, signals to others */

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scopes;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
lacks(char missing[static SANDBOX_TEXT], const char *format, ...)
{
    size_t used = strlen(missing);
    if (used > 0) {
        (void)snprintf(missing + used, SANDBOX_TEXT - used, "; ");
        used = strlen(missing);
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(missing + used, SANDBOX_TEXT - used, format, args);
    va_end(args);
}

/* As prlimit64(2) has them on every processor; infinity is the largest number. */
struct limits {
    uint64_t soft;
    uint64_t hard;
};

/* Never raises one. */
static int lower(int resource, uint64_t value)
{
    struct limits limits;
    if (syscall(SYS_prlimit64, 0, resource, NULL, &limits) != 0) {
        return -1;
    }
    limits.hard = limits.hard > value ? value : limits.hard;
    limits.soft = limits.soft > limits.hard ? limits.hard : limits.soft;
    return syscall(SYS_prlimit64, 0, resource, &limits, NULL) == 0 ? 0 : -1;
}

/* No file that is open grows, but where stderr is one: what nobody reads from the port is said there. */
static int stop_files(void)
{
    struct stat err;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (fstat(STDERR_FILENO, &err) == 0 && S_ISREG(err.st_mode)) {
        return 0;
    }
    return sigaction(SIGXFSZ, &ignore, NULL) != 0 ? -1 : lower(RLIMIT_FSIZE, 0);
}

/* RLIMIT_NPROC counts the processes of this user, but is asked only where this one forks, which it never
 * does. */
static int bound(const struct sandbox_options *options)
{
    int core = lower(RLIMIT_CORE, 0);
    int processes = lower(RLIMIT_NPROC, 0);
    int descriptors = lower(RLIMIT_NOFILE, options->descriptors);
    int memory = lower(RLIMIT_AS, options->memory);
    int files = stop_files();
    return core != 0 || processes != 0 || descriptors != 0 || memory != 0 || files != 0 ? -1 : 0;
}

static int no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Who has no CAP_SETPCAP cannot empty the bounding set; and gets nothing from it, with no_new_privs. */
static int no_capabilities(void)
{
    struct __user_cap_header_struct self = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0,
                0); /* they end with the permitted ones anyway */
    return syscall(SYS_capset, &self, none) != 0 ? -1 : prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* All that this version knows is handled, and no rule allows any of it. */
static int no_files(void)
{
    long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_ASK_VERSION);
    if (version < 1) {
        return -1;
    }
    static const unsigned rights[] = {13, 14, 15, 15, 16}; /* of files, by version */
    size_t known = sizeof rights / sizeof rights[0];
    unsigned files = rights[(size_t)version < known ? (size_t)version - 1 : known - 1];
    struct ruleset all = {.files = (UINT64_C(1) << files) - 1,
                          .network = version >= LANDLOCK_NETWORK_SINCE ? LANDLOCK_TCP : 0,
                          .scopes = version >= LANDLOCK_SCOPES_SINCE ? LANDLOCK_SOCKETS_SIGNAL : 0};
    size_t size = version >= LANDLOCK_SCOPES_SINCE    ? sizeof all
                  : version >= LANDLOCK_NETWORK_SINCE ? offsetof(struct ruleset, scopes)
                                                      : offsetof(struct ruleset, network);
    long fd = syscall(LANDLOCK_CREATE, &all, size, 0);
    if (fd < 0) {
        return -1;
    }
    long restricted = syscall(LANDLOCK_RESTRICT, fd, 0);
    int trouble = errno;
    (void)close((int)fd);
    errno = trouble;
    return restricted == 0 ? 0 : -1;
}

/* One wall; whether it stands. */
static unsigned raise_wall(unsigned wall, int raised, const char *what, char missing[static SANDBOX_TEXT])
{
    if (raised != 0) {
        lacks(missing, "%s: %s", what, strerror(errno));
    }
    return raised == 0 ? wall : 0;
}

static unsigned filter_calls(syscall_filter_breach *breach, char missing[static SANDBOX_TEXT])
{
    if (!syscall_filter_available()) {
        lacks(missing, "no list of system calls: this gossipd was built without libseccomp");
        return 0;
    }
    return raise_wall(SANDBOX_CALLS, syscall_filter_raise(breach), "no list of system calls (seccomp)",
                      missing);
}

/* The filter comes last: it allows none of what the others take. */
unsigned sandbox_raise(const struct sandbox_options *options, char missing[static SANDBOX_TEXT])
{
    unsigned walls = SANITIZED ? 0 : options->walls;
    unsigned stand = 0;
    missing[0] = '\0';
    if ((walls & SANDBOX_LIMITS) != 0) {
        stand |= raise_wall(SANDBOX_LIMITS, bound(options), "no limits (prlimit64)", missing);
    }
    if ((walls & SANDBOX_PRIVILEGES) != 0) {
        stand |=
            raise_wall(SANDBOX_PRIVILEGES, no_new_privileges(), "new privileges (no_new_privs)", missing);
    }
    if ((walls & SANDBOX_CAPABILITIES) != 0) {
        stand |= raise_wall(SANDBOX_CAPABILITIES, no_capabilities(), "capabilities (capset)", missing);
    }
    if ((walls & SANDBOX_FILES) != 0) {
        stand |= raise_wall(SANDBOX_FILES, no_files(), "files (Landlock)", missing);
    }
    if ((walls & SANDBOX_CALLS) != 0) {
        stand |= filter_calls(options->breach, missing);
    }
    return stand;
}
