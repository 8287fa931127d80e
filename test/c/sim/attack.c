#include "attack.h"

#include <string.h>

#include "message/wire.h"

struct addr attack_address(void)
{
    return addr_ipv4((const uint8_t[4]){10, 255, 255, 254}, 6666, 1);
}

static void say(struct cluster *c, const struct path *from, const uint8_t *data, size_t len, uint64_t boot,
                const struct origin *origin, uint32_t island, uint32_t to)
{
    uint32_t number = packets_new(&c->packets);
    struct packet *p = packets_at(&c->packets, number);
    p->from = *from;
    p->origin = *origin;
    p->class = PACKET_OTHER;
    p->boot = boot;
    p->about = 0;
    p->len = (uint16_t)len;
    memcpy(p->data, data, len);
    cluster_inject(c, number, island, to);
    packets_drop(&c->packets, number);
}

void attack_repeat(struct cluster *c, const struct path *from, const struct packet *heard, uint32_t to)
{
    attack_repeat_on(c, from, heard, 0, to);
}

void attack_repeat_on(struct cluster *c, const struct path *from, const struct packet *heard, uint32_t island,
                      uint32_t to)
{
    say(c, from, heard->data, heard->len, heard->boot, &heard->origin, island, to);
}

void attack_say(struct cluster *c, const struct path *from, const uint8_t *data, size_t len, uint32_t to)
{
    say(c, from, data, len, 0, &(struct origin){0}, 0, to);
}

static int is_there(void *context, const struct peer_view *v)
{
    struct addr here = attack_address();
    for (size_t i = 0; i < v->addr_count; i++) {
        *(int64_t *)context += addr_same_host(&v->addrs[i], &here);
    }
    return 0;
}

int64_t attack_believed(const struct cluster *c)
{
    int64_t believed = 0;
    for (uint32_t i = 0; i < c->size; i++) {
        if (c->nodes[i].g != NULL) {
            (void)gossip_peers(c->nodes[i].g, is_there, &believed);
        }
    }
    return believed;
}

size_t attack_recording(struct cluster *c, bool question, uint8_t data[static DATAGRAM_MAX])
{
    struct wire_message m WIRE_ROOM;
    uint8_t plain[WIRE_MESSAGE_MAX], nonce[SEAL_NONCE];
    wire_clear(&m);
    m.type = WIRE_HELLO;
    m.interval_ms = 1000;
    m.miss = 6;
    m.nonce = rng_u64(&c->rng) | 1;
    m.group_size = 20;
    m.sent_at = rng_u64(&c->rng) >> 24;
    m.digest = rng_u64(&c->rng);
    m.id = (struct identity){.boot = rng_u64(&c->rng) | 1, .creation = 1, .name = cluster_name(77)};
    m.own[m.own_count++] = attack_address();
    if (question) {
        m.question = (uint8_t)rng_below(&c->rng, 4);
        m.has |= HAS_QUESTION;
        m.pad_to = 512 - SEAL_OVERHEAD;
    }
    size_t len = wire_encode(&m, plain, sizeof plain);
    struct writer w = writer_over(nonce, sizeof nonce);
    write_u64(&w, m.id.boot);
    write_u64(&w, rng_u64(&c->rng));
    write_u64(&w, 1 + rng_below(&c->rng, 1000));
    c->sealing->close(&c->keys, nonce, plain, len, data);
    return len + SEAL_OVERHEAD;
}
