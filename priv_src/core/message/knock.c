#include "knock.h"

#include "message/wire.h"

#define INTERVAL_MS 1000 /* of one that beats never */

static uint64_t draw(gossip_random *random, void *context)
{
    uint64_t drawn = 0;
    random(context, &drawn, sizeof drawn);
    return drawn != 0 ? drawn : 1;
}

struct knock knock_start(const struct addr *to, gossip_random *random, void *context)
{
    struct knock k = {.to = *to};
    k.boot = draw(random, context);
    k.nonce = draw(random, context);
    return k;
}

/* ASK, since nobody answers a stranger who says neither that nor a name. */
size_t knock_ask(struct knock *k, const struct keyring *ring, gossip_random *random, void *context,
                 uint8_t out[static DATAGRAM_MAX])
{
    uint8_t plain[WIRE_MESSAGE_MAX], nonce[SEAL_NONCE];
    struct wire_message m WIRE_ROOM;
    wire_clear(&m);
    m.type = WIRE_HELLO;
    m.flags = WIRE_ASK;
    m.interval_ms = INTERVAL_MS;
    m.id.boot = k->boot;
    m.nonce = k->nonce;
    m.to = k->to;
    m.has = HAS_QUESTION | HAS_TO;
    m.pad_to = WIRE_MESSAGE_MAX;
    size_t len = wire_encode(&m, plain, sizeof plain);
    struct writer w = writer_over(nonce, sizeof nonce);
    write_u64(&w, k->boot);
    write_u64(&w, draw(random, context));
    write_u64(&w, ++k->sequence);
    seal_close(ring, nonce, plain, len, out);
    return len + SEAL_OVERHEAD;
}

bool knock_answers(const struct knock *k, const struct keyring *ring, const uint8_t *datagram, size_t len,
                   struct knock_answer *answer)
{
    uint8_t plain[DATAGRAM_MAX];
    struct wire_message m WIRE_ROOM;
    int key = len > DATAGRAM_MAX ? -1 : seal_match(ring, datagram, len);
    int size = key < 0 ? -1 : seal_open(ring, key, datagram, len, plain);
    if (size < 0 || wire_decode(&m, plain, (size_t)size) != 0 || m.id.boot != seal_sender(datagram) ||
        m.type != WIRE_ACK || (m.has & HAS_TO) == 0 || m.to_boot != k->boot ||
        !wire_echoes(&m, k->boot, k->nonce)) {
        return false;
    }
    *answer = (struct knock_answer){.id = m.id,
                                    .host = m.host,
                                    .beam_age_ms = m.beam_age_ms,
                                    .lists = m.group_size,
                                    .isolated = m.health != HEALTH_OK};
    return true;
}
