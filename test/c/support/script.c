#include "script.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "net.h"
#include "plain.h"
#include "state/state.h"

#define STORY_US   (100 * SECOND_US) /* a story ends then: tombstones last for 60 s */
#define STORY_LOG  160               /* or when so many datagrams were sent, be it amid a step; */
#define STORY_LONG 2000              /* a long one, then */
#define ADDRESSES  12

struct story {
    struct net *net;
    net_state *told; /* whether it is */
    struct reader in;
    struct forged forged[SCRIPT_FORGED];
    struct {
        uint64_t digest;
        uint16_t size;
    } knows[SCRIPT_FORGED];
};

static const char *const NAMES[] = {"a@h1", "b@h2", "f@h3", "g@h4"};

static struct name name_of(uint8_t n)
{
    return build_name(NAMES[n / 2 % 4]);
}

static uint32_t creation_of(uint8_t n)
{
    return 1 + n % 2u;
}

/* None, some, as many as may be; those of a byte's upper bits. */
static struct tags tags_of(uint8_t n)
{
    static const char *const TEXTS[] = {"", "role=db", "role=web zone=a"};
    uint32_t number = n / 4 % 8u;
    char longest[TAGS_MAX] = "k=";
    memset(longest + 2, 'v', TAGS_MAX - 3);
    number = number == 7 ? UINT32_MAX : 1 + number;
    return build_tags(number, n % 4u < 3 ? TEXTS[n % 4u] : longest);
}

static struct host host_of(uint8_t n)
{
    static const uint8_t BYTES[] = {1, 4, 127, 0, 0, 1, 4, 10, 0, 0, 1};
    struct host host = {0};
    (void)host_set(&host, BYTES, n % 3 == 0 ? 0 : n % 3 == 1 ? 6 : sizeof BYTES);
    return host;
}

static bool told(struct net *net)
{
    return net->log_count >= STORY_LOG;
}

static bool told_long(struct net *net)
{
    return net->log_count >= STORY_LONG;
}

static void run(struct story *s, int64_t duration)
{
    (void)net_wait(s->net, duration, s->told);
}

static size_t node(struct story *s)
{
    return read_u8(&s->in) % s->net->count;
}

static struct forged *forged(struct story *s)
{
    return &s->forged[read_u8(&s->in) % SCRIPT_FORGED];
}

/* The nodes' boot ids, the forged ones', and two that nobody has. */
static uint64_t boot_of(const struct story *s, uint8_t n)
{
    if (n < SCRIPT_NODES) {
        return gossip_boot(s->net->nodes[n % s->net->count]->g);
    }
    n = (uint8_t)(n - SCRIPT_NODES);
    return n < SCRIPT_FORGED ? s->forged[n].id.boot : n == SCRIPT_FORGED ? 1 : UINT64_MAX;
}

static uint64_t boot(struct story *s)
{
    return boot_of(s, read_u8(&s->in) % (SCRIPT_NODES + SCRIPT_FORGED + 2));
}

static struct path way(struct story *s, const struct addr *own)
{
    uint8_t n = read_u8(&s->in);
    struct path path = {.kind = n % 2 ? PATH_GROUP : PATH_UNICAST, .addr = *own};
    if (n / 2 % ADDRESSES != 0) {
        path.addr = build_addr((uint8_t)(n / 2 % ADDRESSES), 40000);
    }
    return path;
}

static void inject(struct story *s, size_t to, const struct path *path, const uint8_t *data, size_t len)
{
    net_inject(s->net, to, &path->addr, path->kind, data, len);
}

static void add_echo(struct story *s, size_t to, struct wire_message *m)
{
    uint64_t whose = boot(s);
    uint8_t n = read_u8(&s->in);
    const struct witness *w = &s->net->nodes[to]->witness;
    forge_echo(m, whose, n == 0 ? witness_nonce(w) : n);
}

static void add_verdict(struct story *s, struct wire_message *m)
{
    uint8_t n = read_u8(&s->in);
    uint64_t about = boot(s);
    forge_verdict(m, n % 8, about, n < 248 ? n / 8u : UINT32_MAX - n % 8u);
}

static void add_entry(struct story *s, struct wire_message *m, uint8_t more)
{
    struct forged about = *forged(s);
    about.id.boot = boot(s);
    uint8_t n = read_u8(&s->in);
    about.id.name = n % 16 < 8 ? name_of(n) : about.id.name;
    about.id.creation = n % 16 < 8 ? creation_of(n) : about.id.creation;
    about.id.incarnation = n / 16u;
    forge_entry(m, &about);
    if (m->entry_count > 0) {
        struct wire_entry *e = &m->entries[m->entry_count - 1];
        e->addr_count = n == 255 ? 0 : e->addr_count;
        e->far = n % 16 >= 8 && (n & 1) != 0;
        e->stalled = n % 16 >= 8 && (n & 2) != 0;
        e->tags = tags_of(more);
        e->host = host_of(more);
    }
}

static void say(struct story *s)
{
    struct wire_message m;
    uint8_t data[DATAGRAM_MAX];
    size_t to = node(s);
    struct forged *f = forged(s);
    struct path path = way(s, &f->addr);
    uint8_t type = read_u8(&s->in);
    forge_start(f, &m, type % 16);
    m.flags = type / 16;
    m.digest = s->knows[f - s->forged].digest;
    m.group_size = s->knows[f - s->forged].size;
    m.has = read_u8(&s->in);
    uint8_t echoes = read_u8(&s->in), verdicts = read_u8(&s->in) % 8, entries = read_u8(&s->in);
    uint8_t own = echoes / 4, others = entries / 16;
    echoes %= 4;
    entries %= 16;
    m.tags = tags_of(own);
    m.host = host_of(own);
    m.own_count = own == 63 ? 0 : m.own_count;
    m.question = m.has & HAS_QUESTION ? read_u8(&s->in) : 0;
    m.reason = m.has & HAS_REASON ? read_u8(&s->in) : 0;
    m.cursor = m.has & HAS_CURSOR ? boot(s) : 0;
    m.target = m.has & HAS_TARGET ? boot(s) : 0;
    m.relay = m.has & HAS_RELAY ? boot(s) : 0;
    m.beam_age_ms = m.has & HAS_FINGERPRINT ? UINT16_MAX : 0;
    if (m.type == WIRE_DISCONNECT) {
        m.has |= HAS_DISCONNECT;
        m.ended = (uint64_t)(s->net->now - read_u8(&s->in) * 10 * MS_US);
    }
    for (; echoes > 0; echoes--) {
        add_echo(s, to, &m);
    }
    for (; verdicts > 0; verdicts--) {
        add_verdict(s, &m);
    }
    for (; entries > 0; entries--) {
        add_entry(s, &m, others);
    }
    m.sent_at = (uint64_t)s->net->now;
    m.has = (uint16_t)(m.has & ~HAS_TO);
    if (path.kind == PATH_UNICAST) {
        forge_to(&m, gossip_boot(s->net->nodes[to]->g), &s->net->nodes[to]->addr);
    }
    uint8_t plain[WIRE_MESSAGE_MAX];
    while (m.entry_count > 0 && wire_encode(&m, plain, sizeof plain) == 0) {
        m.entry_count--; /* long tags leave little room */
    }
    inject(s, to, &path, data, forge_seal(f, &m, data));
}

static void bytes(struct story *s)
{
    uint8_t data[DATAGRAM_MAX];
    size_t to = node(s);
    struct forged *f = forged(s);
    struct path path = way(s, &f->addr);
    size_t len = read_u8(&s->in) % 250u * 4;
    len = len < reader_left(&s->in) ? len : reader_left(&s->in);
    const uint8_t *message = read_bytes(&s->in, len);
    if (message != NULL) {
        inject(s, to, &path, data, forge_seal_bytes(f, message, len, data));
    }
}

static void raw(struct story *s)
{
    size_t to = node(s);
    struct path path = way(s, &s->forged[0].addr);
    size_t len = read_u8(&s->in) * 5u; /* more than a datagram may have, too */
    len = len < reader_left(&s->in) ? len : reader_left(&s->in);
    const uint8_t *data = read_bytes(&s->in, len);
    if (data != NULL) {
        inject(s, to, &path, data, len);
    }
}

static void replay(struct story *s)
{
    size_t to = node(s);
    const struct addr nowhere = {0};
    struct path path = way(s, &nowhere);
    size_t back = read_u8(&s->in);
    if (back < s->net->log_count) {
        struct sent old = s->net->log[s->net->log_count - 1 - back];
        path.addr = path.addr.family == ADDR_NONE ? old.from : path.addr;
        inject(s, to, &path, old.data, old.len);
    }
}

static void become(struct story *s)
{
    struct forged *f = forged(s);
    uint8_t name = read_u8(&s->in);
    f->id.name = name_of(name);
    f->id.creation = creation_of(name);
    f->id.boot = boot(s);
    f->id.incarnation = read_u8(&s->in);
    f->sequence += read_u8(&s->in) * UINT64_C(16);
}

static void command(struct story *s)
{
    size_t to = node(s);
    uint8_t type = read_u8(&s->in);
    if (type % 8 == COMMAND_LEAVE) {
        net_leave(s->net, to, type < 128 ? DOWN_LEFT : DOWN_BEAM_EXIT);
    } else if (type % 8 == COMMAND_KEYS) {
        net_keys(s->net, to, type < 128 ? "k" : "lk");
    } else if (type % 8 == COMMAND_DISCONNECTED) {
        net_disconnected(s->net, to, boot_of(s, type / 8 % (SCRIPT_NODES + SCRIPT_FORGED + 2)));
    } else if (type % 8 == 0) {
        net_seed(s->net, to, type / 8 % s->net->count, 39998, 1 + type / 16 % 4u);
    } else if (type % 8 != COMMAND_ALIVE) {
        net_command(s->net, to, type % 8);
    }
}

static void alive(struct story *s)
{
    size_t to = node(s);
    uint8_t name = read_u8(&s->in);
    s->net->nodes[to]->self.name = name_of(name);
    s->net->nodes[to]->self.creation = creation_of(name);
    s->net->nodes[to]->tags = tags_of(name / 8);
    s->net->nodes[to]->host = host_of(name / 8);
    net_alive(s->net, to);
}

static void filter(struct story *s)
{
    static net_drop *const filters[] = {NULL,          net_drop_some, net_drop_unicast,
                                        net_drop_dark, net_drop_dark, net_drop_group};
    uint8_t n = read_u8(&s->in) % 6;
    s->net->drop = filters[n];
    s->net->loss = 33;
    s->net->dark = n == 4;
}

/* What a node knows when it differs from all others by one is the same for one step only. */
static void know(struct story *s)
{
    const struct gossip *g = s->net->nodes[node(s)]->g;
    size_t f = read_u8(&s->in) % SCRIPT_FORGED;
    s->knows[f].digest = g->roster.digest ^ roster_digest(gossip_boot(g), g->self.incarnation);
    s->knows[f].digest ^= roster_digest(boot(s), 0);
    s->knows[f].size = (uint16_t)(g->roster.listed + 1 + read_u8(&s->in) % 4);
}

static void step(struct story *s)
{
    size_t i;
    switch (read_u8(&s->in) % SCRIPT_OPS) {
    case SCRIPT_RUN_MS:
        run(s, read_u8(&s->in) * MS_US);
        break;
    case SCRIPT_RUN:
        run(s, read_u8(&s->in) * 100 * MS_US);
        break;
    case SCRIPT_STOP:
        s->net->now += read_u8(&s->in) * 100 * MS_US;
        break;
    case SCRIPT_PAUSE:
        i = node(s);
        s->net->nodes[i]->paused = !s->net->nodes[i]->paused;
        break;
    case SCRIPT_ALIVE:
        alive(s);
        break;
    case SCRIPT_COMMAND:
        command(s);
        break;
    case SCRIPT_RESTART:
        net_restart(s->net, node(s));
        break;
    case SCRIPT_FILTER:
        filter(s);
        break;
    case SCRIPT_BECOME:
        become(s);
        break;
    case SCRIPT_SAY:
        say(s);
        break;
    case SCRIPT_BYTES:
        bytes(s);
        break;
    case SCRIPT_RAW:
        raw(s);
        break;
    case SCRIPT_REPLAY:
        replay(s);
        break;
    case SCRIPT_PROVE:
        i = node(s);
        net_prove(s->net, i, forged(s));
        break;
    case SCRIPT_KNOW:
        know(s);
        break;
    default:
        break;
    }
}

void script_run(const uint8_t *data, size_t size)
{
    struct story s = {.net = net_from(1), .in = reader_over(data, size)};
    uint8_t first = size > 0 ? read_u8(&s.in) : 0;
    s.told = first & SCRIPT_LONG ? told_long : told;
    struct gossip_options options = net_options(s.net);
    options.max_peers = 1 + first % 16u;
    options.heartbeats = first / 16 % 2;
    options.interval_ms = first & 32 ? 100 : 1000;
    options.sealing = &plain_sealing;
    s.net->forgetful = true;
    for (uint8_t i = 0; i < (first & 64 ? SCRIPT_NODES : SCRIPT_NODES - 1); i++) {
        (void)net_add(s.net, NAMES[i], 1, &options);
        net_alive(s.net, i);
    }
    for (uint8_t i = 0; i < SCRIPT_FORGED; i++) {
        s.forged[i] = forge(100u + i, NAMES[2 + i / 2 % 2], 1 + i % 2u, (uint8_t)(5 + i));
        s.forged[i].sealing = &plain_sealing;
        s.knows[i].size = 2;
    }
    while (reader_left(&s.in) > 0 && s.net->now < STORY_US && !s.told(s.net)) {
        size_t left = reader_left(&s.in), taken = script_step_size(data + (size - left), left);
        step(&s);
        if (left - reader_left(&s.in) != taken) {
            abort(); /* then the mutator cuts stories within steps */
        }
    }
    net_free(s.net);
}
