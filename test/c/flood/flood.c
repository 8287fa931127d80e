/* A bounded flood of datagrams to a group, for what is measured under attack: many a second by sendmmsg(2),
 * in steps of a millisecond, and never for longer than it was told.
 *
 *     gossip_flood KIND GROUP PORT ADDRESS KEEP
 *
 * ADDRESS (IPv4) is the interface's. At first it records what others say to the group, where the KIND needs
 * it:
 *
 *     junk      random bytes, of 16 to 215
 *     forged    recorded ones, of which the first KEEP bytes are kept and all others are random
 *     recorded  recorded ones as they were
 *
 * It says "ready" when it has recorded enough. For each line `RATE SECONDS` of standard input it then sends
 * so many a second for so long, and says how many it has sent; it ends with standard input. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORDS     32
#define BYTES       1500
#define BATCH       64
#define RATE_MAX    500000
#define SECONDS_MAX 60
#define STEP_NS     1000000
#define SECOND_NS   1000000000

struct record {
    size_t len;
    uint8_t bytes[BYTES];
};

struct flood {
    struct sockaddr_in group;
    size_t keep, count;
    bool junk, forged;
    struct record records[RECORDS];
};

static int64_t now_ns(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* A generator of George Marsaglia's (xorshift64): what it makes need only differ from what was there. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void scramble(uint8_t *bytes, size_t len, uint64_t *state)
{
    for (size_t n = 0; n < len; n++) {
        bytes[n] = (uint8_t)(next_random(state) >> 32);
    }
}

/* Fills in what is sent n-th, and returns its length. */
static size_t compose(const struct flood *f, size_t n, uint8_t out[static BYTES], uint64_t *state)
{
    if (f->junk) {
        size_t len = 16 + (size_t)(next_random(state) % 200);
        scramble(out, len, state);
        return len;
    }
    const struct record *r = &f->records[n % f->count];
    memcpy(out, r->bytes, r->len);
    if (f->forged) {
        scramble(out + f->keep, r->len - f->keep, state);
    }
    return r->len;
}

/* Hears the group until there is enough: 0, or -1 where nobody says anything. */
static int record(struct flood *f, struct in_addr ip)
{
    struct ip_mreq join = {.imr_multiaddr = f->group.sin_addr, .imr_interface = ip};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int on = 1;
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&f->group, sizeof f->group) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) != 0) {
        return -1;
    }
    while (f->count < RECORDS && poll(&ready, 1, f->count == 0 ? 15000 : 3000) == 1) {
        struct record *r = &f->records[f->count];
        ssize_t got = recv(fd, r->bytes, sizeof r->bytes, 0);

        if (got > (ssize_t)f->keep) {
            r->len = (size_t)got;
            f->count++;
        }
    }
    (void)close(fd);
    return f->count > 0 ? 0 : -1;
}

static uint64_t send_batch(const struct flood *f, int fd, uint64_t sent, size_t count, uint64_t *state)
{
    static uint8_t bytes[BATCH][BYTES];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    int done;

    memset(messages, 0, sizeof messages);
    for (size_t n = 0; n < count; n++) {
        parts[n] =
            (struct iovec){.iov_base = bytes[n], .iov_len = compose(f, (size_t)sent + n, bytes[n], state)};
        messages[n].msg_hdr.msg_iov = &parts[n];
        messages[n].msg_hdr.msg_iovlen = 1;
    }
    done = sendmmsg(fd, messages, (unsigned)count, 0);
    return done < 0 ? 0 : (uint64_t)done;
}

/* What is late is sent at once, up to a tenth of a second's worth; the rest is given up, and shows in the
 * number. */
static uint64_t run(const struct flood *f, int fd, uint64_t rate, uint64_t seconds)
{
    int64_t start = now_ns(), end = start + (int64_t)seconds * SECOND_NS, now;
    uint64_t due = 0, sent = 0, given_up = 0, state = 0x9e3779b97f4a7c15;

    if (getrandom(&state, sizeof state, 0) != sizeof state || state == 0) {
        state = 1;
    }
    while ((now = now_ns()) < end) {
        due = (uint64_t)(now - start) * rate / SECOND_NS;
        if (due - sent - given_up > rate / 10) {
            given_up = due - sent - rate / 10;
        }
        while (sent + given_up < due) {
            uint64_t left = due - sent - given_up;
            uint64_t took = send_batch(f, fd, sent, left < BATCH ? (size_t)left : BATCH, &state);

            if (took == 0) {
                break; /* the device is full: tried again with the next step */
            }
            sent += took;
        }
        struct timespec step = {.tv_nsec = STEP_NS};
        (void)nanosleep(&step, NULL);
    }
    return sent;
}

static int open_mouth(const struct flood *f, struct in_addr ip)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = ip};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof own) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &ip, sizeof ip) != 0 ||
        connect(fd, (const struct sockaddr *)&f->group, sizeof f->group) != 0) {
        return -1;
    }
    return fd;
}

static unsigned long number(const char *text, unsigned long most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    return end != text && *end == '\0' && value <= most ? value : 0;
}

static int prepare(struct flood *f, char **argv, struct in_addr *ip)
{
    f->junk = strcmp(argv[1], "junk") == 0;
    f->forged = strcmp(argv[1], "forged") == 0;
    f->group.sin_family = AF_INET;
    f->group.sin_port = htons((uint16_t)number(argv[3], UINT16_MAX));
    f->keep = number(argv[5], BYTES);
    if (!f->junk && !f->forged && strcmp(argv[1], "recorded") != 0) {
        return -1;
    }
    if (inet_pton(AF_INET, argv[2], &f->group.sin_addr) != 1 || inet_pton(AF_INET, argv[4], ip) != 1) {
        return -1;
    }
    return f->junk ? 0 : record(f, *ip);
}

int main(int argc, char **argv)
{
    static struct flood f;
    struct in_addr ip;
    char line[64];
    int fd = -1;

    if (argc != 6 || prepare(&f, argv, &ip) != 0 || (fd = open_mouth(&f, ip)) < 0) {
        perror("gossip_flood");
        return EXIT_FAILURE;
    }
    (void)puts("ready");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest;
        unsigned long rate = strtoul(line, &rest, 10), seconds = strtoul(rest, NULL, 10);

        if (rate > RATE_MAX || seconds > SECONDS_MAX) {
            return EXIT_FAILURE;
        }
        (void)printf("%llu\n", (unsigned long long)run(&f, fd, rate, seconds));
        (void)fflush(stdout);
    }
    return EXIT_SUCCESS;
}
