/* Many members in one process, with real sockets, and no BEAM behind any of them: what a test on a real
 * network puts where hundreds of hosts would be. A process each would wake hundreds of processes for each
 * multicast, and the test would measure its own machine. So there is one socket that hears the group for all
 * of them; each sends from a socket, and an address, of its own.
 *
 *     gossip_crowd COUNT HOST ADDRESS INTERFACE DIST_PORT INTERVAL_MS
 *
 * The members are z1@HOST, z2@HOST, ... at ADDRESS (IPv4) and those that follow it, all of the interface of
 * this index. The key of 32 bytes and then the cookie, up to a newline, come by standard input, at whose end
 * the crowd falls silent. It says "ready" when all are announced. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decimal.h"
#include "gossip.h"
#include "random.h"
#include "wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD_MAX 1000
#define GROUP     "233.252.1.33"
#define PORT      45893
#define PULSE     (500 * MS_US)
#define OTHERS    2 /* descriptors beside those of the members: standard input, and the group's */

struct member {
    struct gossip *core;
    int fd;
};

struct crowd {
    size_t count;
    uint32_t ifindex;
    struct member members[CROWD_MAX];
    struct pollfd fds[OTHERS + CROWD_MAX];
    struct effects fx;
    struct keyring ring;
    int64_t now, pulse_at;
};

/* What one of them has opened, all can read: one datagram of the group comes to each of a thousand, and a
 * machine that opened it as often would measure that. By its number among those that came, since the buffer
 * is the same. */
static struct {
    uint64_t came, opened;
    int key, size;
    uint8_t message[DATAGRAM_MAX];
} last;

static int open_once(const struct keyring *ring, int key, const uint8_t *datagram, size_t len,
                     uint8_t *message)
{
    if (last.opened != last.came || last.key != key) {
        last.opened = last.came;
        last.key = key;
        last.size = gossip_sealed.open(ring, key, datagram, len, last.message);
    }
    if (last.size > 0) {
        memcpy(message, last.message, (size_t)last.size);
    }
    return last.size;
}

static struct sockaddr_in ipv4(struct in_addr ip, uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = ip, .sin_port = htons(port)};
}

/* To the group, or to one address. What is not taken is lost, as on any network. */
static void transmit(const struct member *m, const struct path *to, const uint8_t *data, size_t len)
{
    struct sockaddr_in sa;
    struct in_addr ip;

    memcpy(&ip, to->addr.ip, sizeof ip);
    sa = ipv4(ip, to->addr.port);
    if (to->kind == PATH_GROUP) {
        (void)inet_pton(AF_INET, GROUP, &ip);
        sa = ipv4(ip, PORT);
    }
    (void)sendto(m->fd, data, len, 0, (const struct sockaddr *)&sa, sizeof sa);
}

static void run_effects(struct crowd *c, const struct member *m)
{
    const struct effect *e;

    while ((e = effects_pop(&c->fx)) != NULL) {
        if (e->type == EFFECT_SEND) {
            transmit(m, &e->as.send.path, e->as.send.data, e->as.send.len);
        }
    }
}

static void command(struct crowd *c, struct member *m, const struct command *what)
{
    gossip_command(m->core, &c->fx, c->now, what);
    run_effects(c, m);
}

/* Hears the group. */
static int open_group(uint32_t ifindex)
{
    struct ip_mreqn join = {.imr_ifindex = (int)ifindex};
    struct sockaddr_in sa;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int on = 1;

    (void)inet_pton(AF_INET, GROUP, &join.imr_multiaddr);
    sa = ipv4(join.imr_multiaddr, PORT); /* bound to the group: unicast goes to the members */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&sa, sizeof sa) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) != 0) {
        return -1;
    }
    return fd;
}

static int open_own(struct in_addr ip, uint32_t ifindex)
{
    struct ip_mreqn from = {.imr_address = ip, .imr_ifindex = (int)ifindex};
    struct sockaddr_in sa = ipv4(ip, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof sa) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from) != 0) {
        return -1;
    }
    return fd;
}

static int open_member(struct crowd *c, struct member *m, struct in_addr ip, uint32_t interval_ms)
{
    static struct gossip_sealing sealing;
    sealing = (struct gossip_sealing){gossip_sealed.match, gossip_sealed.close, open_once};
    struct gossip_options options = {.interval_ms = interval_ms,
                                     .max_peers = 4096,
                                     .keys = c->ring,
                                     .random = random_fill,
                                     .sealing = &sealing};

    m->core = gossip_new(&options, c->now);
    m->fd = open_own(ip, c->ifindex);
    if (m->core == NULL || m->fd < 0) {
        return -1;
    }
    struct sockaddr_in sa;
    socklen_t size = sizeof sa;
    uint8_t bytes[4];
    if (getsockname(m->fd, (struct sockaddr *)&sa, &size) != 0) {
        return -1;
    }
    memcpy(bytes, &sa.sin_addr, sizeof bytes);
    struct addr own = addr_ipv4(bytes, ntohs(sa.sin_port), c->ifindex);
    gossip_addresses(m->core, &own, 1); /* the socket is bound to it, so nothing else comes there */
    return 0;
}

static int announce(struct crowd *c, size_t n, const char *host, uint16_t dist_port, const char *cookie)
{
    struct command alive = {.type = COMMAND_ALIVE};
    struct identity *self = &alive.as.alive.self;
    char name[NAME_MAX_LEN + 1];
    int len = snprintf(name, sizeof name, "z%zu@%s", n + 1, host);

    if (len <= 0 || name_set(&self->name, name, (size_t)len) != 0) {
        return -1;
    }
    self->creation = (uint32_t)n + 1;
    self->dist_port = dist_port;
    alive.as.alive.cookie_len = (uint8_t)strlen(cookie);
    memcpy(alive.as.alive.cookie, cookie, alive.as.alive.cookie_len);
    command(c, &c->members[n], &alive);
    return 0;
}

/* The next datagram, and where it came from: whether there was one. */
static bool next(const struct crowd *c, int fd, uint8_t kind, struct path *from,
                 uint8_t out[static DATAGRAM_MAX], size_t *len)
{
    struct sockaddr_in sa;
    socklen_t size = sizeof sa;
    ssize_t got = recvfrom(fd, out, DATAGRAM_MAX, 0, (struct sockaddr *)&sa, &size);
    uint8_t ip[4];

    if (got < 0) {
        return false;
    }
    memcpy(ip, &sa.sin_addr, sizeof ip);
    *from = (struct path){.kind = kind, .addr = addr_ipv4(ip, ntohs(sa.sin_port), c->ifindex)};
    *len = (size_t)got;
    last.came++;
    return true;
}

static void hear(struct crowd *c, struct member *m, const struct path *from, const uint8_t *datagram,
                 size_t len)
{
    gossip_receive(m->core, &c->fx, c->now, from, datagram, len);
    run_effects(c, m);
}

static void receive(struct crowd *c)
{
    uint8_t datagram[DATAGRAM_MAX];
    struct path from;
    size_t len;

    while (c->fds[1].revents != 0 && next(c, c->fds[1].fd, PATH_GROUP, &from, datagram, &len)) {
        for (size_t n = 0; n < c->count; n++) {
            hear(c, &c->members[n], &from, datagram, len);
        }
    }
    for (size_t n = 0; n < c->count; n++) {
        struct member *m = &c->members[n];

        while (c->fds[OTHERS + n].revents != 0 && next(c, m->fd, PATH_UNICAST, &from, datagram, &len)) {
            hear(c, m, &from, datagram, len);
        }
    }
}

/* When the first of them wants to be woken. */
static int64_t deadline(const struct crowd *c)
{
    int64_t due = c->pulse_at;

    for (size_t n = 0; n < c->count; n++) {
        int64_t own = gossip_deadline(c->members[n].core);
        due = own < due ? own : due;
    }
    return due;
}

/* Sleeps until there is something to do, and does it: 0, or -1 at the end of standard input. */
static int once(struct crowd *c)
{
    static const struct command pulse = {.type = COMMAND_PULSE};
    int64_t wait = deadline(c) - clock_now();

    if (wait_for(c->fds, OTHERS + c->count, wait < 0 ? 0 : wait) < 0 || c->fds[0].revents != 0) {
        return -1;
    }
    c->now = clock_now();
    receive(c);
    for (size_t n = 0; n < c->count; n++) {
        struct member *m = &c->members[n];

        if (c->now >= c->pulse_at) {
            command(c, m, &pulse);
        }
        if (c->now >= gossip_deadline(m->core)) {
            gossip_tick(m->core, &c->fx, c->now);
            run_effects(c, m);
        }
    }
    if (c->now >= c->pulse_at) {
        c->pulse_at = c->now + PULSE;
    }
    return 0;
}

/* The key and the cookie. */
static int read_secrets(struct crowd *c, char cookie[static COOKIE_MAX + 1])
{
    uint8_t key[KEY_BYTES];
    size_t len = 0;

    for (size_t n = 0; n < sizeof key; n++) {
        if (read(STDIN_FILENO, key + n, 1) != 1) {
            return -1;
        }
    }
    while (read(STDIN_FILENO, cookie + len, 1) == 1 && cookie[len] != '\n') {
        if (++len > COOKIE_MAX) {
            return -1;
        }
    }
    cookie[len] = '\0';
    char scope[SCOPE_MAX];
    uint8_t ip[4];
    (void)inet_pton(AF_INET, GROUP, ip);
    struct addr group = addr_ipv4(ip, PORT, 0);
    return keyring_add(&c->ring, SECRET_KEY, key, sizeof key, scope, keyring_scope(scope, &group, "", 0));
}

/* A number of at most `most`, or 0. */
static uint32_t number(const char *text, uint32_t most)
{
    uint32_t value;

    return decimal_parse(text, strlen(text), 0, most, &value) == 0 ? value : 0;
}

/* Opens all sockets, then announces all members. */
static int start(struct crowd *c, char **argv, const char *cookie)
{
    uint32_t dist_port = number(argv[5], UINT16_MAX), interval_ms = number(argv[6], 60000);
    struct in_addr ip;

    c->count = number(argv[1], CROWD_MAX);
    c->ifindex = number(argv[4], INT32_MAX);
    if (c->count == 0 || c->ifindex == 0 || interval_ms == 0 || inet_pton(AF_INET, argv[3], &ip) != 1) {
        return -1;
    }
    c->fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    c->fds[1] = (struct pollfd){.fd = open_group(c->ifindex), .events = POLLIN};
    if (c->fds[1].fd < 0) {
        return -1;
    }
    for (size_t n = 0; n < c->count; n++) {
        if (open_member(c, &c->members[n], ip, interval_ms) != 0) {
            return -1;
        }
        c->fds[OTHERS + n] = (struct pollfd){.fd = c->members[n].fd, .events = POLLIN};
        ip.s_addr = htonl(ntohl(ip.s_addr) + 1);
    }
    for (size_t n = 0; n < c->count; n++) {
        if (announce(c, n, argv[2], (uint16_t)dist_port, cookie) != 0) {
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    char cookie[COOKIE_MAX + 1];
    struct crowd *c = calloc(1, sizeof *c);

    if (c == NULL || argc != 7 || seal_init() != 0) {
        return EXIT_FAILURE;
    }
    c->now = clock_now();
    if (read_secrets(c, cookie) != 0 || start(c, argv, cookie) != 0) {
        perror("gossip_crowd");
        return EXIT_FAILURE;
    }
    (void)puts("ready");
    (void)fflush(stdout);
    while (once(c) == 0) {
        continue;
    }
    return EXIT_SUCCESS; /* silent at once, like hosts whose power fails: the system frees the rest */
}
