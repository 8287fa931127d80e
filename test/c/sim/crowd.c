#include "crowd.h"

#include <stdlib.h>
#include <string.h>

#include "kit/intervals.h"
#include "kit/rank.h"
#include "memory.h"
#include "message/wire.h"
#include "state/roster.h"

struct player {
    uint64_t boot, nonce, sequence;
};

struct crowd {
    uint32_t first;
    struct player *players;
    uint32_t *order;    /* all members by boot id, whom they know; NULL: they know nobody */
    uint64_t digest;    /* of all of them */
    uint32_t *watchers; /* without multicast: of each real member, ANSWERERS; else NULL */
};

bool crowd_has(const struct cluster *c, uint32_t node)
{
    return c->crowd != NULL && node >= c->crowd->first;
}

static void begin(struct cluster *c, uint32_t first)
{
    c->crowd = memory_new(1, sizeof *c->crowd);
    c->crowd->first = first;
    c->crowd->players = memory_new(c->size - first, sizeof *c->crowd->players);
    for (uint32_t i = first; i < c->size; i++) {
        struct player *p = &c->crowd->players[i - first];
        p->boot = rng_u64(&c->nodes[i].rng) | 1;
        p->nonce = rng_u64(&c->nodes[i].rng) | 1;
        c->nodes[i].port = 40000;
        observer_started(&c->observer, cluster_now(c), i, p->boot, i);
    }
}

static void plan(struct cluster *c, uint32_t node, int64_t wait)
{
    queue_add(&c->queue, cluster_now(c) + wait, (struct queue_event){.kind = CLUSTER_BEAT, .node = node});
}

void crowd_start(struct cluster *c, uint32_t first, int64_t ramp)
{
    begin(c, first);
    for (uint32_t i = first; i < c->size; i++) {
        plan(c, i, rng_between(&c->rng, 0, ramp));
    }
}

static uint64_t boot_of(const struct cluster *c, uint32_t node)
{
    return c->observer.subjects[node].boot;
}

static bool far(const struct cluster *c)
{
    return c->crowd->watchers != NULL;
}

void crowd_know_all(struct cluster *c)
{
    c->crowd->order = memory_new(c->size, sizeof *c->crowd->order);
    for (uint32_t i = 0; i < c->size; i++) {
        uint32_t at = i;
        for (; at > 0 && boot_of(c, c->crowd->order[at - 1]) > boot_of(c, i); at--) {
            c->crowd->order[at] = c->crowd->order[at - 1];
        }
        c->crowd->order[at] = i;
        c->crowd->digest ^= roster_digest(boot_of(c, i), 0);
    }
}

static void add_watchers(struct cluster *c, uint32_t subject)
{
    uint32_t *first = &c->crowd->watchers[(size_t)subject * ANSWERERS];
    size_t n = 0;
    for (uint32_t i = 0; i < c->size; i++) {
        uint64_t weight = rank_weight(boot_of(c, i), boot_of(c, subject));
        size_t at = n;
        while (at > 0 && rank_weight(boot_of(c, first[at - 1]), boot_of(c, subject)) < weight) {
            at--;
        }
        if (i == subject || at == ANSWERERS) {
            continue;
        }
        n = n < ANSWERERS ? n + 1 : n;
        memmove(&first[at + 1], &first[at], (n - 1 - at) * sizeof *first);
        first[at] = i;
    }
}

void crowd_start_far(struct cluster *c, uint32_t first)
{
    begin(c, first);
    crowd_know_all(c);
    c->crowd->watchers = memory_new((size_t)first * ANSWERERS, sizeof *c->crowd->watchers);
    for (uint32_t i = 0; i < first; i++) {
        add_watchers(c, i);
    }
    for (uint32_t i = first; i < c->size; i++) {
        plan(c, i, rng_between(&c->rng, 0, c->options->interval_ms * MS_US));
    }
}

void crowd_free(struct cluster *c)
{
    if (c->crowd != NULL) {
        free(c->crowd->players);
        free(c->crowd->order);
        free(c->crowd->watchers);
        free(c->crowd);
        c->crowd = NULL;
    }
}

static int64_t interval(const struct cluster *c)
{
    int64_t shortest = c->options->interval_ms * MS_US;
    return far(c) ? shortest : interval_for(shortest, c->size);
}

static uint16_t interval_ms(const struct cluster *c)
{
    int64_t ms = interval(c) / MS_US;
    return ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms;
}

static void start_message(const struct cluster *c, struct wire_message *m, uint32_t node, uint8_t type)
{
    const struct player *p = &c->crowd->players[node - c->crowd->first];
    wire_clear(m);
    m->type = type;
    m->interval_ms = interval_ms(c);
    m->miss = MISS_MULTIPLIER;
    m->nonce = p->nonce;
    m->digest = c->crowd->digest;
    m->flags = far(c) ? WIRE_FAR : 0;
    m->group_size = c->size > UINT16_MAX ? UINT16_MAX : (uint16_t)c->size;
    m->id =
        (struct identity){.boot = p->boot, .creation = 1, .dist_port = 20000, .flags = IDENTITY_LONG_NAMES};
    m->id.name = cluster_name(node);
    m->sent_at = (uint64_t)cluster_clock(c, node);
    m->own[m->own_count++] = cluster_address(c, node);
}

static void send(struct cluster *c, uint32_t node, const struct path *path, const struct wire_message *m)
{
    struct player *p = &c->crowd->players[node - c->crowd->first];
    uint8_t plain[WIRE_MESSAGE_MAX], data[DATAGRAM_MAX], nonce[SEAL_NONCE];
    size_t len = wire_encode(m, plain, sizeof plain);
    struct writer w = writer_over(nonce, sizeof nonce);
    write_u64(&w, p->boot);
    write_u64(&w, rng_u64(&c->nodes[node].rng));
    write_u64(&w, ++p->sequence);
    c->sealing->close(&c->keys, nonce, plain, len, data);
    cluster_send(c, node, path, data, len + SEAL_OVERHEAD);
}

/* It asks those of the real members whom it is to watch. */
static void ask(struct cluster *c, uint32_t node)
{
    bool watches = false;
    for (uint32_t i = 0; i < c->crowd->first * ANSWERERS; i++) {
        uint32_t subject = i / ANSWERERS;
        struct wire_message m WIRE_ROOM;
        struct addr to = cluster_address(c, subject);
        struct path path = path_unicast(&to);
        if (c->crowd->watchers[i] != node) {
            continue;
        }
        watches = true;
        start_message(c, &m, node, WIRE_PROBE);
        m.flags |= WIRE_ASK;
        m.id.name.len = 0;
        m.own_count = 0;
        m.to_boot = boot_of(c, subject);
        m.to = to;
        m.has |= HAS_TO;
        send(c, node, &path, &m);
    }
    if (watches) {
        int64_t t = c->options->interval_ms * MS_US, least = t + t / ASK_LATER;
        plan(c, node, rng_between(&c->nodes[node].rng, least, least + t / ASK_SPREAD));
    }
}

void crowd_beat(struct cluster *c, uint32_t node)
{
    struct wire_message m WIRE_ROOM;
    struct path group = path_group();
    if (far(c)) {
        ask(c, node);
        return;
    }
    start_message(c, &m, node, WIRE_HELLO);
    send(c, node, &group, &m);
    plan(c, node, interval_jittered(interval(c), (uint32_t)rng_u64(&c->nodes[node].rng)));
}

/* All members above a cursor, as many as a page holds. */
static void put_page(const struct cluster *c, struct wire_message *page, uint64_t cursor)
{
    uint8_t plain[WIRE_MESSAGE_MAX];
    size_t size = wire_encode(page, plain, sizeof plain);
    for (uint32_t i = 0; i < c->size && c->crowd->order != NULL; i++) {
        uint32_t node = c->crowd->order[i];
        struct wire_entry *e = &page->entries[page->entry_count];
        if (boot_of(c, node) <= cursor) {
            continue;
        }
        *e = (struct wire_entry){.clock = (uint64_t)cluster_clock(c, node),
                                 .interval_ms = interval_ms(c),
                                 .far = far(c),
                                 .addr_count = 1};
        e->id = (struct identity){.boot = boot_of(c, node), .creation = 1, .dist_port = 20000};
        e->id.flags = IDENTITY_LONG_NAMES;
        e->id.name = cluster_name(node);
        e->addrs[0] = cluster_address(c, node);
        size += wire_entry_size(e);
        if (size > sizeof plain || page->entry_count + 1 == WIRE_ENTRIES) {
            page->cursor = page->entries[page->entry_count - 1].id.boot;
            return;
        }
        page->entry_count++;
    }
}

void crowd_accuse(struct cluster *c, uint32_t node, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    struct wire_message m WIRE_ROOM;
    struct path group = path_group();
    start_message(c, &m, node, WIRE_NEWS);
    m.verdicts[m.verdict_count++] =
        (struct wire_verdict){.verdict = verdict, .boot = boot, .incarnation = incarnation};
    send(c, node, &group, &m);
}

void crowd_receive(struct cluster *c, uint32_t node, const struct packet *p)
{
    uint8_t plain[DATAGRAM_MAX];
    struct wire_message m, answer;
    int len = c->sealing->open(&c->keys, 0, p->data, p->len, plain);
    if (len < 0 || wire_decode(&m, plain, (size_t)len) != 0) {
        return;
    }
    bool page = m.type == WIRE_ROSTER && (m.has & HAS_TOTAL) == 0;
    bool question = (m.has & HAS_QUESTION) != 0 && (m.has & HAS_TO) != 0; /* it is a seed */
    if ((m.flags & WIRE_ASK) == 0 && !page && !question && m.type != WIRE_PROBE && m.type != WIRE_PROBE_FOR) {
        return;
    }
    struct path back = path_unicast(&p->from.addr);
    start_message(c, &answer, node, page ? WIRE_ROSTER : WIRE_ACK);
    answer.flags |= question ? WIRE_ASK : 0;
    answer.to_boot = m.id.boot;
    answer.to = p->from.addr;
    answer.has |= HAS_TO;
    answer.echoes[answer.echo_count++] = (struct wire_echo){.boot = m.id.boot, .nonce = m.nonce};
    if (page) { /* the last one, if it is not full */
        answer.cursor = UINT64_MAX;
        answer.has |= HAS_CURSOR | HAS_TOTAL;
        put_page(c, &answer, m.cursor);
    }
    if ((m.has & HAS_TARGET) != 0) {
        answer.target = m.target;
        answer.has |= HAS_TARGET;
    }
    send(c, node, &back, &answer);
}
