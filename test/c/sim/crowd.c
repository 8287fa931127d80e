#include "crowd.h"

#include <stdlib.h>
#include <string.h>

#include "kit/intervals.h"
#include "memory.h"
#include "message/wire.h"

struct player {
    uint64_t boot, nonce, sequence;
};

struct crowd {
    uint32_t first;
    struct player *players;
};

bool crowd_has(const struct cluster *c, uint32_t node)
{
    return c->crowd != NULL && node >= c->crowd->first;
}

void crowd_start(struct cluster *c, uint32_t first, int64_t ramp)
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
        queue_add(&c->queue, cluster_now(c) + rng_between(&c->rng, 0, ramp),
                  (struct queue_event){.kind = CLUSTER_BEAT, .node = i});
    }
}

void crowd_free(struct cluster *c)
{
    if (c->crowd != NULL) {
        free(c->crowd->players);
        free(c->crowd);
        c->crowd = NULL;
    }
}

static int64_t interval(const struct cluster *c)
{
    return interval_for(c->options->interval_ms * MS_US, c->size);
}

static void start_message(const struct cluster *c, struct wire_message *m, uint32_t node, uint8_t type)
{
    const struct player *p = &c->crowd->players[node - c->crowd->first];
    int64_t ms = interval(c) / MS_US;
    wire_clear(m);
    m->type = type;
    m->interval_ms = ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms;
    m->miss = MISS_MULTIPLIER;
    m->nonce = p->nonce;
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

void crowd_beat(struct cluster *c, uint32_t node)
{
    struct wire_message m;
    struct path group = path_group();
    start_message(c, &m, node, WIRE_HELLO);
    send(c, node, &group, &m);
    int64_t gap = interval_jittered(interval(c), (uint32_t)rng_u64(&c->nodes[node].rng));
    queue_add(&c->queue, cluster_now(c) + gap, (struct queue_event){.kind = CLUSTER_BEAT, .node = node});
}

void crowd_accuse(struct cluster *c, uint32_t node, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    struct wire_message m;
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
    if ((m.flags & WIRE_ASK) == 0 && !page && m.type != WIRE_PROBE && m.type != WIRE_PROBE_FOR) {
        return;
    }
    struct path back = path_unicast(&p->from.addr);
    start_message(c, &answer, node, page ? WIRE_ROSTER : WIRE_ACK);
    answer.to_boot = m.id.boot;
    answer.to = p->from.addr;
    answer.has |= HAS_TO;
    answer.echoes[answer.echo_count++] = (struct wire_echo){.boot = m.id.boot, .nonce = m.nonce};
    if (page) { /* the last one, and empty */
        answer.cursor = UINT64_MAX;
        answer.has |= HAS_CURSOR | HAS_TOTAL;
    }
    if ((m.has & HAS_TARGET) != 0) {
        answer.target = m.target;
        answer.has |= HAS_TARGET;
    }
    send(c, node, &back, &answer);
}
