/* What is not on the list traps (SIGSYS), and the handler says which call it was, and exits; the kernel's own
 * kill would say it to nobody but root. It is no weaker: the call is not carried out, the list has no call
 * that could take the handler away or block its signal (the kernel then kills by itself), and who has come so
 * far as to keep the handler from ending gains by that no call that he had not. What comes by another
 * architecture's entry, such as 32-bit calls on x86-64, is killed at once. */
#include "syscall_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* An `int` that the kernel reads: its upper half may hold anything. */
#define IS(argument, value) SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value))
#define BITS(argument, mask, value)                                                                          \
    SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, (uint32_t)(mask), (uint32_t)(value))

/* On the list with any arguments. By what asks for them: the loop, the port, the sockets, getifaddrs; memory,
 * also of a key that is derived when the secret changes; time and chance, where the kernel maps no code for
 * them into the process; signals; and abort(), which a smashed stack ends in. */
static const int free_calls[] = {
    SCMP_SYS(ppoll),     SCMP_SYS(read),          SCMP_SYS(write),        SCMP_SYS(close),
    SCMP_SYS(recvmsg),   SCMP_SYS(sendmsg),       SCMP_SYS(recvmmsg),     SCMP_SYS(sendmmsg),
    SCMP_SYS(bind),      SCMP_SYS(connect),       SCMP_SYS(sendto),       SCMP_SYS(getsockname),
    SCMP_SYS(getppid),   SCMP_SYS(brk),           SCMP_SYS(munmap),       SCMP_SYS(mlock),
    SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
#if defined(__NR_alarm)
    SCMP_SYS(alarm),
#else
    SCMP_SYS(setitimer), /* what alarm() is made of */
#endif
    SCMP_SYS(gettid),    SCMP_SYS(getpid),        SCMP_SYS(exit_group),
};

/* On the list with the arguments below: socket, setsockopt, getsockopt, ioctl, mmap, tgkill. */
#define FILTERED_CALLS 6

_Static_assert(COUNT(free_calls) + FILTERED_CALLS <= SYSCALL_FILTER_MOST, "the list is short");

/* Not on the list, and refused instead of a breach: libraries try them, and go on without. */
static const int refused_calls[] = {
    SCMP_SYS(madvise), /* of sodium_mlock: for a core file, and there is none */
    SCMP_SYS(munlock), /* at the end */
    SCMP_SYS(mremap),  /* of realloc, which copies then */
};

struct option {
    int level, name;
};

/* Those of udp_system_linux.c, also of sockets that are opened for what comes later. */
static const struct option set_options[] = {
    {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT},
    {SOL_SOCKET, SO_BROADCAST},
    {SOL_SOCKET, SO_RCVBUF},
    {SOL_SOCKET, SO_RCVBUFFORCE},
    {SOL_SOCKET, SO_ATTACH_FILTER},
    {SOL_SOCKET, SO_DETACH_FILTER},
    {IPPROTO_IP, IP_MULTICAST_ALL},
    {IPPROTO_IP, IP_MULTICAST_LOOP},
    {IPPROTO_IP, IP_MULTICAST_TTL},
    {IPPROTO_IP, IP_PKTINFO},
    {IPPROTO_IP, IP_ADD_MEMBERSHIP},
    {IPPROTO_IP, IP_DROP_MEMBERSHIP},
    {IPPROTO_IPV6, IPV6_V6ONLY},
    {IPPROTO_IPV6, IPV6_MULTICAST_ALL},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {IPPROTO_IPV6, IPV6_JOIN_GROUP},
    {IPPROTO_IPV6, IPV6_LEAVE_GROUP},
};

/* What a breach is called by. Others are told by their number: `ausyscall NUMBER` names them. */
struct named {
    int number;
    const char *name;
};

static const struct named names[] = {{SCMP_SYS(open), "open"},
                                     {SCMP_SYS(openat), "openat"},
                                     {SCMP_SYS(openat2), "openat2"},
                                     {SCMP_SYS(creat), "creat"},
                                     {SCMP_SYS(execve), "execve"},
                                     {SCMP_SYS(execveat), "execveat"},
                                     {SCMP_SYS(fork), "fork"},
                                     {SCMP_SYS(vfork), "vfork"},
                                     {SCMP_SYS(clone), "clone"},
                                     {SCMP_SYS(clone3), "clone3"},
                                     {SCMP_SYS(ptrace), "ptrace"},
                                     {SCMP_SYS(process_vm_readv), "process_vm_readv"},
                                     {SCMP_SYS(kill), "kill"},
                                     {SCMP_SYS(tkill), "tkill"},
                                     {SCMP_SYS(tgkill), "tgkill"},
                                     {SCMP_SYS(pidfd_open), "pidfd_open"},
                                     {SCMP_SYS(socket), "socket"},
                                     {SCMP_SYS(socketpair), "socketpair"},
                                     {SCMP_SYS(listen), "listen"},
                                     {SCMP_SYS(accept), "accept"},
                                     {SCMP_SYS(accept4), "accept4"},
                                     {SCMP_SYS(setsockopt), "setsockopt"},
                                     {SCMP_SYS(getsockopt), "getsockopt"},
                                     {SCMP_SYS(ioctl), "ioctl"},
                                     {SCMP_SYS(prctl), "prctl"},
                                     {SCMP_SYS(fcntl), "fcntl"},
                                     {SCMP_SYS(dup), "dup"},
                                     {SCMP_SYS(dup2), "dup2"},
                                     {SCMP_SYS(dup3), "dup3"},
                                     {SCMP_SYS(pipe), "pipe"},
                                     {SCMP_SYS(pipe2), "pipe2"},
                                     {SCMP_SYS(mmap), "mmap"},
                                     {SCMP_SYS(mprotect), "mprotect"},
                                     {SCMP_SYS(memfd_create), "memfd_create"},
                                     {SCMP_SYS(unlink), "unlink"},
                                     {SCMP_SYS(unlinkat), "unlinkat"},
                                     {SCMP_SYS(mkdir), "mkdir"},
                                     {SCMP_SYS(rename), "rename"},
                                     {SCMP_SYS(chmod), "chmod"},
                                     {SCMP_SYS(chown), "chown"},
                                     {SCMP_SYS(stat), "stat"},
                                     {SCMP_SYS(fstat), "fstat"},
                                     {SCMP_SYS(newfstatat), "newfstatat"},
                                     {SCMP_SYS(statx), "statx"},
                                     {SCMP_SYS(access), "access"},
                                     {SCMP_SYS(readlink), "readlink"},
                                     {SCMP_SYS(getdents64), "getdents64"},
                                     {SCMP_SYS(mount), "mount"},
                                     {SCMP_SYS(unshare), "unshare"},
                                     {SCMP_SYS(setns), "setns"},
                                     {SCMP_SYS(chroot), "chroot"},
                                     {SCMP_SYS(capset), "capset"},
                                     {SCMP_SYS(setuid), "setuid"},
                                     {SCMP_SYS(setgid), "setgid"},
                                     {SCMP_SYS(setresuid), "setresuid"},
                                     {SCMP_SYS(setrlimit), "setrlimit"},
                                     {SCMP_SYS(prlimit64), "prlimit64"},
                                     {SCMP_SYS(bpf), "bpf"},
                                     {SCMP_SYS(perf_event_open), "perf_event_open"},
                                     {SCMP_SYS(userfaultfd), "userfaultfd"},
                                     {SCMP_SYS(io_uring_setup), "io_uring_setup"},
                                     {SCMP_SYS(keyctl), "keyctl"},
                                     {SCMP_SYS(add_key), "add_key"},
                                     {SCMP_SYS(rt_sigaction), "rt_sigaction"},
                                     {SCMP_SYS(nanosleep), "nanosleep"},
                                     {SCMP_SYS(clock_nanosleep), "clock_nanosleep"},
                                     {SCMP_SYS(poll), "poll"},
                                     {SCMP_SYS(select), "select"},
                                     {SCMP_SYS(futex), "futex"},
                                     {SCMP_SYS(uname), "uname"},
                                     {SCMP_SYS(recvfrom), "recvfrom"},
                                     {SCMP_SYS(writev), "writev"},
                                     {SCMP_SYS(sched_yield), "sched_yield"},
                                     {SCMP_SYS(sched_getaffinity), "sched_getaffinity"},
                                     {SCMP_SYS(restart_syscall), "restart_syscall"},
                                     {SCMP_SYS(seccomp), "seccomp"}};

bool syscall_filter_available(void)
{
    return true;
}

/* What a signal's handler knows, it knows from here: set once, before the filter is raised. */
static syscall_filter_breach *told;

static const char *name_of(int number)
{
    size_t i = 0;
    while (i < COUNT(names) && names[i].number != number) {
        i++;
    }
    return i < COUNT(names) ? names[i].name : "";
}

static void on_breach(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    told(info->si_syscall, name_of(info->si_syscall));
    _exit(SYSCALL_FILTER_STATUS);
}

/* Rules are added until one cannot be: then `result` stays what libseccomp said. */
struct rules {
    scmp_filter_ctx filter;
    int result;
};

static void add(struct rules *r, uint32_t action, int call, unsigned count,
                const struct scmp_arg_cmp *arguments)
{
    if (r->result == 0) {
        r->result = seccomp_rule_add_array(r->filter, action, call, count, arguments);
    }
}

static void add_free(struct rules *r)
{
    for (size_t i = 0; i < COUNT(free_calls); i++) {
        add(r, SCMP_ACT_ALLOW, free_calls[i], 0, NULL);
    }
    for (size_t i = 0; i < COUNT(refused_calls); i++) {
        add(r, SCMP_ACT_ERRNO(EPERM), refused_calls[i], 0, NULL);
    }
}

/* UDP over IP, and the routing part of netlink. */
static void add_sockets(struct rules *r)
{
    static const struct {
        int family, type;
    } sockets[] = {{AF_INET, SOCK_DGRAM}, {AF_INET6, SOCK_DGRAM}, {AF_NETLINK, SOCK_RAW}};
    for (size_t i = 0; i < COUNT(sockets); i++) {
        struct scmp_arg_cmp arguments[] = {
            IS(0, sockets[i].family), BITS(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), sockets[i].type), IS(2, 0)};
        add(r, SCMP_ACT_ALLOW, SCMP_SYS(socket), COUNT(arguments), arguments);
    }
    for (size_t i = 0; i < COUNT(set_options); i++) {
        struct scmp_arg_cmp arguments[] = {IS(1, set_options[i].level), IS(2, set_options[i].name)};
        add(r, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), COUNT(arguments), arguments);
    }
    struct scmp_arg_cmp asked[] = {IS(1, SOL_SOCKET)}, request[] = {IS(1, SIOCGIFINDEX)};
    add(r, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), COUNT(asked), asked);
    add(r, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), COUNT(request), request);
}

/* Memory that is neither code nor a file's; and the signal of abort(), to itself. */
static void add_process(struct rules *r)
{
    struct scmp_arg_cmp memory[] = {BITS(2, PROT_EXEC, 0), BITS(3, MAP_ANONYMOUS, MAP_ANONYMOUS)};
    struct scmp_arg_cmp abortion[] = {IS(0, getpid()), IS(2, SIGABRT)};
    add(r, SCMP_ACT_ALLOW, SCMP_SYS(mmap), COUNT(memory), memory);
    add(r, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), COUNT(abortion), abortion);
}

/* 0, or a negative errno. */
static int load(scmp_filter_ctx filter)
{
    struct rules r = {.filter = filter};
    r.result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r.result == 0) {
        r.result = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); /* what the kernel says, as it is */
    }
    add_free(&r);
    add_sockets(&r);
    add_process(&r);
    return r.result == 0 ? seccomp_load(filter) : r.result;
}

int syscall_filter_raise(syscall_filter_breach *breach)
{
    struct sigaction action = {.sa_sigaction = on_breach, .sa_flags = SA_SIGINFO};
    told = breach;
    if (sigaction(SIGSYS, &action, NULL) != 0) {
        return -1;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int result = filter != NULL ? load(filter) : -ENOMEM;
    seccomp_release(filter);
    errno = -result;
    return result == 0 ? 0 : -1;
}
