#include "forge.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"

struct forged forge(uint64_t boot, const char *name, uint32_t creation, uint8_t host)
{
    return (struct forged){.id = build_identity(boot, name, creation),
                           .nonce = boot * 1000 + 1,
                           .addr = build_addr(host, 40000),
                           .keys = build_ring("k"),
                           .sealing = &gossip_sealed};
}

void forge_start(const struct forged *f, struct wire_message *m, uint8_t type)
{
    wire_clear(m);
    m->type = type;
    m->id = f->id;
    m->nonce = f->nonce;
    m->interval_ms = 1000;
    m->miss = MISS_MULTIPLIER;
    m->group_size = 2;
    m->own[0] = f->addr;
    m->own_count = 1;
}

void forge_to(struct wire_message *m, uint64_t boot, const struct addr *to)
{
    m->to_boot = boot;
    m->to = *to;
    m->has |= HAS_TO;
}

void forge_echo(struct wire_message *m, uint64_t boot, uint64_t nonce)
{
    if (m->echo_count < WIRE_ECHOES) {
        m->echoes[m->echo_count++] = (struct wire_echo){.boot = boot, .nonce = nonce};
    }
}

void forge_entry(struct wire_message *m, const struct forged *about)
{
    if (m->entry_count < WIRE_ENTRIES) {
        struct wire_entry *e = &m->entries[m->entry_count++];
        *e =
            (struct wire_entry){.id = about->id, .clock = about->clock, .interval_ms = 1000, .addr_count = 1};
        e->addrs[0] = about->addr;
    }
}

void forge_verdict(struct wire_message *m, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    if (m->verdict_count < WIRE_VERDICTS) {
        m->verdicts[m->verdict_count++] =
            (struct wire_verdict){.verdict = verdict, .boot = boot, .incarnation = incarnation};
    }
}

size_t forge_seal_bytes(struct forged *f, const uint8_t *data, size_t len, uint8_t out[static DATAGRAM_MAX])
{
    uint8_t nonce[SEAL_NONCE] = {0};
    struct writer w = writer_over(nonce, sizeof nonce);
    write_u64(&w, f->id.boot);
    write_u64(&w, ++f->said); /* in place of chance: no nonce twice, whatever the sequence is set to */
    write_u64(&w, ++f->sequence);
    if (len > WIRE_MESSAGE_MAX) {
        abort();
    }
    f->sealing->close(&f->keys, nonce, data, len, out);
    return len + SEAL_OVERHEAD;
}

size_t forge_seal(struct forged *f, const struct wire_message *m, uint8_t out[static DATAGRAM_MAX])
{
    uint8_t plain[WIRE_MESSAGE_MAX];
    size_t len = wire_encode(m, plain, sizeof plain);
    if (len == 0) {
        abort();
    }
    return forge_seal_bytes(f, plain, len, out);
}
