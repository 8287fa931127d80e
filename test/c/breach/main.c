/* What stands against somebody who has found a fault in gossipd: raises walls of its sandbox, and then does
 * on purpose what they are there against.
 *
 *   gossip_breach WALLS BREACH [ARGUMENT...]
 *
 * WALLS: a number, as in sandbox.h. Says on stdout "done", or errno's name for what was refused; exits with
 * 0. */
#include "sandbox.h"
#include "udp_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY      ((uint64_t)64 * 1024 * 1024)
#define DESCRIPTORS 32

/* A file that was open before, and a process of its own that was there. */
static int before = -1;
static pid_t other;

static int closed(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0 ? 0 : -1;
}

static int reads_a_file(char **arguments)
{
    return closed(open(arguments[0], O_RDONLY));
}

static int writes_a_file(char **arguments)
{
    return closed(open(arguments[0], O_WRONLY | O_CREAT, 0600));
}

static int grows_a_file(char **arguments)
{
    (void)arguments;
    return write(before, "more", 4) == 4 ? 0 : -1;
}

static int binds_tcp(char **arguments)
{
    (void)arguments;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(4000)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int bound = bind(fd, (const struct sockaddr *)&any, sizeof any);
    udp_system_abandon(fd);
    return bound;
}

static int signals_its_parent(char **arguments)
{
    (void)arguments;
    return kill(getppid(), SIGCONT);
}

static int opens_unix(char **arguments)
{
    (void)arguments;
    return closed(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int opens_packet(char **arguments)
{
    (void)arguments;
    return closed(socket(AF_PACKET, SOCK_DGRAM, 0));
}

static int opens_tcp(char **arguments)
{
    (void)arguments;
    return closed(socket(AF_INET, SOCK_STREAM, 0));
}

static int opens_raw(char **arguments)
{
    (void)arguments;
    return closed(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

/* What the kernel tells of devices: netlink, but not of routing. */
static int opens_uevents(char **arguments)
{
    (void)arguments;
    return closed(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
}

static int opens_udp(char **arguments)
{
    (void)arguments;
    return closed(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static int sets_an_option(int level, int name)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    int set = setsockopt(fd, level, name, &one, sizeof one);
    udp_system_abandon(fd);
    return set;
}

static int sets_tos(char **arguments)
{
    (void)arguments;
    return sets_an_option(IPPROTO_IP, IP_TOS);
}

/* The name of one that is on the list, of another level. */
static int sets_of_another_level(char **arguments)
{
    (void)arguments;
    return sets_an_option(SOL_SOCKET, IP_ADD_MEMBERSHIP) == 0 || errno == EPERM || errno == EINVAL ? 0 : -1;
}

static int sets_loop(char **arguments)
{
    (void)arguments;
    return sets_an_option(IPPROTO_IP, IP_MULTICAST_LOOP);
}

static int lists_interfaces(char **arguments)
{
    (void)arguments;
    struct ifconf none = {.ifc_len = 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int listed = ioctl(fd, SIOCGIFCONF, &none);
    udp_system_abandon(fd);
    return listed;
}

static int executes(char **arguments)
{
    return execv(arguments[0], arguments);
}

/* As fork() does, but for the signals: newer C libraries block them all for that moment, and SIGSYS that is
 * blocked kills without a word. */
static int forks(char **arguments)
{
    (void)arguments;
    pid_t pid = (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) {
        _exit(0);
    }
    return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static int traces(char **arguments)
{
    (void)arguments;
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int is_dumpable(char **arguments)
{
    (void)arguments;
    errno = EPERM;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 ? 0 : -1;
}

static int becomes_dumpable(char **arguments)
{
    (void)arguments;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int maps_code(char **arguments)
{
    (void)arguments;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0 : -1;
}

static int maps_a_file(char **arguments)
{
    (void)arguments;
    return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, before, 0) != MAP_FAILED ? 0 : -1;
}

/* With the call that is allowed for abort(). */
static int signals_itself(char **arguments)
{
    (void)arguments;
    return (int)syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGCONT);
}

static int aborts_another(char **arguments)
{
    (void)arguments;
    return (int)syscall(SYS_tgkill, other, other, SIGABRT);
}

/* By the entries of other architectures, whose calls have other numbers: 32-bit x86 and x32. */
static int calls_as_i386(char **arguments)
{
    (void)arguments;
    long answer = -ENOSYS;
#if defined(__x86_64__)
    __asm__ volatile("int $0x80" : "=a"(answer) : "0"(20L) : "memory"); /* getpid */
#endif
    errno = ENOSYS;
    return answer > 0 ? 0 : -1;
}

static int calls_as_x32(char **arguments)
{
    (void)arguments;
    return syscall(0x40000000L | SYS_getpid) > 0 ? 0 : -1;
}

static int takes_the_handler(char **arguments)
{
    (void)arguments;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return sigaction(SIGSYS, &ignore, NULL);
}

/* Allowed, and of no use: the kernel kills then by itself. */
static int blocks_its_signal(char **arguments)
{
    (void)arguments;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGSYS);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? closed(socket(AF_UNIX, SOCK_DGRAM, 0)) : -1;
}

static int aborts(char **arguments)
{
    (void)arguments;
    abort();
}

/* CAP_NET_ADMIN, and CAP_SYS_PTRACE for the next program. */
static int raises_a_capability(char **arguments)
{
    (void)arguments;
    struct __user_cap_header_struct self = {.version = _LINUX_CAPABILITY_VERSION_3};
    const uint32_t wanted = 1u << CAP_NET_ADMIN | 1u << CAP_SYS_PTRACE;
    struct __user_cap_data_struct some[2] = {
        {.effective = wanted, .permitted = wanted, .inheritable = wanted}};
    return (int)syscall(SYS_capset, &self, some);
}

static int opens_many(char **arguments)
{
    (void)arguments;
    for (int i = 0; i < DESCRIPTORS; i++) {
        if (socket(AF_INET, SOCK_DGRAM, 0) < 0) {
            return -1;
        }
    }
    return 0;
}

static int takes_much(char **arguments)
{
    (void)arguments;
    volatile char *much = malloc(MEMORY);
    if (much == NULL) {
        return -1;
    }
    much[MEMORY - 1] = 1;
    return 0;
}

static int raises_a_limit(char **arguments)
{
    (void)arguments;
    struct rlimit more = {.rlim_cur = 4096, .rlim_max = 4096};
    return setrlimit(RLIMIT_NOFILE, &more);
}

/* A call by its number, of which nothing is expected but whether the list has it. */
static int calls(char **arguments)
{
    return (int)syscall(strtol(arguments[0], NULL, 10), -1L, -1L, -1L, -1L, -1L, -1L);
}

static const struct {
    const char *name;
    int (*breach)(char **arguments);
} breaches[] = {
    {"reads_a_file", reads_a_file},
    {"writes_a_file", writes_a_file},
    {"grows_a_file", grows_a_file},
    {"binds_tcp", binds_tcp},
    {"signals_its_parent", signals_its_parent},
    {"opens_unix", opens_unix},
    {"opens_packet", opens_packet},
    {"opens_tcp", opens_tcp},
    {"opens_raw", opens_raw},
    {"opens_uevents", opens_uevents},
    {"opens_udp", opens_udp},
    {"sets_tos", sets_tos},
    {"sets_of_another_level", sets_of_another_level},
    {"sets_loop", sets_loop},
    {"lists_interfaces", lists_interfaces},
    {"executes", executes},
    {"forks", forks},
    {"traces", traces},
    {"is_dumpable", is_dumpable},
    {"becomes_dumpable", becomes_dumpable},
    {"maps_code", maps_code},
    {"maps_a_file", maps_a_file},
    {"calls_as_i386", calls_as_i386},
    {"calls_as_x32", calls_as_x32},
    {"signals_itself", signals_itself},
    {"aborts_another", aborts_another},
    {"takes_the_handler", takes_the_handler},
    {"blocks_its_signal", blocks_its_signal},
    {"aborts", aborts},
    {"raises_a_capability", raises_a_capability},
    {"opens_many", opens_many},
    {"takes_much", takes_much},
    {"raises_a_limit", raises_a_limit},
    {"calls", calls},
};

static void said(const char *text)
{
    (void)!write(STDOUT_FILENO, text, strlen(text));
}

/* In a signal's handler. */
static void on_breach(int number, const char *name)
{
    (void)number;
    said("breach ");
    said(name);
}

/* -1: there is no such breach, or a wall does not stand. */
static int run(unsigned walls, const char *name, char **arguments)
{
    char missing[SANDBOX_TEXT];
    struct sandbox_options options = {
        .walls = walls, .memory = MEMORY, .descriptors = DESCRIPTORS, .breach = on_breach};
    size_t i = 0;
    while (i < sizeof breaches / sizeof breaches[0] && strcmp(breaches[i].name, name) != 0) {
        i++;
    }
    if (i == sizeof breaches / sizeof breaches[0]) {
        said("there is no such breach");
        return -1;
    }
    if (sandbox_raise(&options, missing) != walls) {
        said(missing);
        return -1;
    }
    said(breaches[i].breach(arguments) == 0 ? "done" : strerrorname_np(errno));
    return 0;
}

/* Waits for its end, which is at the latest that of its parent. */
static pid_t companion(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)alarm(10);
        (void)pause();
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        said("usage: gossip_breach WALLS BREACH [ARGUMENT...]");
        return EXIT_FAILURE;
    }
    const char *file = getenv("GOSSIP_BREACH_FILE");
    before = file != NULL ? open(file, O_RDWR | O_CREAT | O_APPEND, 0600) : -1;
    other = strcmp(argv[2], "aborts_another") == 0 ? companion() : 0;
    return run((unsigned)strtoul(argv[1], NULL, 10), argv[2], argv + 3) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
