#include "packet.h"

#include <stdlib.h>

#include "memory.h"
#include "message/wire.h"

#define CHUNK 256u
#define NONE  UINT32_MAX

void packets_init(struct packets *ps)
{
    *ps = (struct packets){.free = NONE};
}

void packets_free(struct packets *ps)
{
    for (uint32_t i = 0; i < ps->chunk_count; i++) {
        free(ps->chunks[i]);
    }
    free(ps->chunks);
    packets_init(ps);
}

struct packet *packets_at(const struct packets *ps, uint32_t number)
{
    return &ps->chunks[number / CHUNK][number % CHUNK];
}

static void add_chunk(struct packets *ps)
{
    ps->chunks = memory_grow(ps->chunks, ps->chunk_count + 1, sizeof *ps->chunks);
    ps->chunks[ps->chunk_count] = memory_new(CHUNK, sizeof **ps->chunks);
    uint32_t base = ps->chunk_count++ * CHUNK;
    for (uint32_t i = CHUNK; i-- > 0;) {
        packets_at(ps, base + i)->next_free = ps->free;
        ps->free = base + i;
    }
}

uint32_t packets_new(struct packets *ps)
{
    if (ps->free == NONE) {
        add_chunk(ps);
    }
    uint32_t number = ps->free;
    struct packet *p = packets_at(ps, number);
    ps->free = p->next_free;
    p->refs = 1;
    ps->in_use++;
    return number;
}

void packets_drop(struct packets *ps, uint32_t number)
{
    struct packet *p = packets_at(ps, number);
    if (--p->refs == 0) {
        p->next_free = ps->free;
        ps->free = number;
        ps->in_use--;
    }
}

static enum packet_class classify(const struct wire_message *m)
{
    switch (m->type) {
    case WIRE_HELLO:
        return (m->has & HAS_QUESTION) != 0 ? PACKET_QUESTION : PACKET_BEAT;
    case WIRE_PROBE:
    case WIRE_PROBE_FOR:
        return PACKET_PROBE;
    case WIRE_ACK:
        return PACKET_ACK;
    case WIRE_ROSTER:
        /* A page tells the size of the roster, even an empty page. */
        return (m->has & HAS_TOTAL) != 0 || m->entry_count > 0 ? PACKET_PAGE : PACKET_PAGE_REQUEST;
    case WIRE_BYE:
        return PACKET_BYE;
    case WIRE_NEWS:
        return PACKET_NEWS;
    default:
        return PACKET_OTHER;
    }
}

void packet_describe(struct packet *p, const uint8_t *message, size_t len)
{
    struct wire_message m WIRE_ROOM;
    p->about = 0;
    p->class = PACKET_OTHER;
    if (wire_decode(&m, message, len) == 0) {
        p->about = m.entry_count > 0 ? m.entries[0].id.boot : m.verdict_count > 0 ? m.verdicts[0].boot : 0;
        p->class = (uint8_t)classify(&m);
        p->origin.interval = m.interval_ms * MS_US;
        p->origin.echoes = m.echo_count > 0;
    }
}

const char *packet_class_name(enum packet_class class)
{
    static const char *const names[PACKET_CLASSES] = {
        [PACKET_BEAT] = "beats",   [PACKET_QUESTION] = "questions", [PACKET_NEWS] = "news",
        [PACKET_PROBE] = "probes", [PACKET_ACK] = "acks",           [PACKET_PAGE_REQUEST] = "page_requests",
        [PACKET_PAGE] = "pages",   [PACKET_BYE] = "goodbyes",       [PACKET_OTHER] = "others",
    };
    return names[class];
}
