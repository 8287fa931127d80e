#include "resolve.h"

#include "clock.h"
#include "ip.h"
#include "udp_system_shared.h"
#include "units.h"
#include "wait.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the process says, in one piece (less than PIPE_BUF). */
struct answer {
    int code; /* of getaddrinfo(3) */
    struct addr addr;
};

static struct addr without_port(const struct addrinfo *found)
{
    struct endpoint e;
    memset(&e, 0, sizeof e);
    memcpy(&e.as, found->ai_addr, found->ai_addrlen < sizeof e.as ? found->ai_addrlen : sizeof e.as);
    struct addr a = udp_system_addr(&e);
    a.port = 0;
    return a;
}

static struct answer ask(const char *host, bool ipv6, int flags)
{
    struct answer answer = {0};
    struct addrinfo wanted = {.ai_flags = flags, .ai_socktype = SOCK_DGRAM}, *all = NULL;
    wanted.ai_family = ipv6 ? AF_UNSPEC : AF_INET;
    answer.code = getaddrinfo(host, NULL, &wanted, &all);
    for (const struct addrinfo *found = answer.code == 0 ? all : NULL; found != NULL;
         found = found->ai_next) {
        bool first = answer.addr.family == ADDR_NONE;
        bool better = found->ai_family == AF_INET && answer.addr.family == ADDR_IPV6;
        if ((first || better) && (found->ai_family == AF_INET || found->ai_family == AF_INET6)) {
            answer.addr = without_port(found);
        }
    }
    if (all != NULL) {
        freeaddrinfo(all);
    }
    if (answer.code == 0 && answer.addr.family == ADDR_NONE) {
        answer.code = EAI_NONAME;
    }
    return answer;
}

/* What looks like an address and is none is a slip, and no name: some systems would read "10.1" as 10.0.0.1.
 */
static bool looks_like_ipv4(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

static int refuse(char why[static RESOLVE_TEXT], const char *text)
{
    (void)snprintf(why, RESOLVE_TEXT, "%s", text);
    return -1;
}

static int take(const struct answer *answer, struct addr *out, char why[static RESOLVE_TEXT])
{
    *out = answer->addr;
    return answer->code == 0 ? 0 : refuse(why, gai_strerror(answer->code));
}

static int read_answer(int fd, int64_t patience, struct addr *out, char why[static RESOLVE_TEXT])
{
    struct answer answer;
    int64_t until = clock_now() + patience;
    for (int64_t left = patience; left > 0; left = until - clock_now()) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int count = wait_for(&ready, 1, left);
        if (count < 0) {
            return refuse(why, strerror(errno));
        }
        if (count > 0) {
            return read(fd, &answer, sizeof answer) == (ssize_t)sizeof answer
                       ? take(&answer, out, why)
                       : refuse(why, "the system's resolver has ended without an answer");
        }
    }
    return refuse(why, "the system's resolver does not answer");
}

static int ask_apart(const char *host, bool ipv6, int64_t patience, struct addr *out,
                     char why[static RESOLVE_TEXT])
{
    int ends[2];
    if (pipe(ends) != 0) {
        return refuse(why, strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        /* Nobody waits for it longer, not even where this process is killed meanwhile. */
        (void)signal(SIGALRM, SIG_DFL);
        (void)alarm((unsigned)(patience / SECOND_US) + 1);
        struct answer answer = ask(host, ipv6, 0);
        _exit(write(ends[1], &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 1);
    }
    (void)close(ends[1]);
    int result = pid < 0 ? refuse(why, strerror(errno)) : read_answer(ends[0], patience, out, why);
    (void)close(ends[0]);
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    return result;
}

int resolve(const char *host, bool ipv6, int64_t patience, struct addr *out, char why[static RESOLVE_TEXT])
{
    uint8_t ip[4];
    *out = (struct addr){0};
    if (ip_parse_v4((const uint8_t *)host, strlen(host), ip) == 0) {
        *out = addr_ipv4(ip, 0, 0);
        return 0;
    }
    if (looks_like_ipv4(host)) {
        return refuse(why, "it is no address");
    }
    if (strchr(host, ':') != NULL) {
        struct answer answer = ask(host, ipv6, AI_NUMERICHOST);
        return take(&answer, out, why);
    }
    return ask_apart(host, ipv6, patience, out, why);
}
