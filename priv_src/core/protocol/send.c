/* Messages out. Everything that a member says begins the same way: who it is, how often it will be heard,
 * how fresh its BEAM's pulse is, how many it knows, and a nonce that others can echo to prove themselves.
 * The nonce lives for seconds and not for one question, so that a beat to a thousand costs no memory:
 * whoever echoes it has heard this member lately, and no recording can. What cannot be encoded, or finds
 * no room among the effects, is not sent: every message of this protocol may be lost. */
#include "protocol/send.h"

#include <string.h>

#include "state/self.h"

static uint64_t current_nonce(struct gossip *g)
{
    if (g->nonce == 0 || g->now - g->nonce_since >= NONCE_LIFE) {
        g->nonce_before = g->now - g->nonce_since < 2 * NONCE_LIFE ? g->nonce : 0;
        do {
            g->nonce = random_u64(g);
        } while (g->nonce == 0);
        g->nonce_since = g->now;
    }
    return g->nonce;
}

static bool nonce_is_ours(const struct gossip *g, uint64_t nonce)
{
    int64_t age = g->now - g->nonce_since;
    return nonce != 0 &&
           ((nonce == g->nonce && age < 2 * NONCE_LIFE) || (nonce == g->nonce_before && age < NONCE_LIFE));
}

bool message_answers(const struct gossip *g, const struct wire_message *m)
{
    for (size_t i = 0; i < m->echo_count; i++) {
        if (m->echoes[i].boot == g->self.boot && nonce_is_ours(g, m->echoes[i].nonce)) {
            return true;
        }
    }
    return false;
}

uint16_t saturated_ms(int64_t us)
{
    int64_t ms = us / MS_US;
    return ms < 0 ? 0 : ms > UINT16_MAX ? UINT16_MAX : (uint16_t)ms;
}

void message_start(struct gossip *g, struct wire_message *m, uint8_t type)
{
    wire_clear(m);
    m->type = type;
    m->id = g->self;
    m->interval_ms = saturated_ms(current_interval(g));
    m->miss = MISS_MULTIPLIER;
    m->health = g->stats.health;
    m->beam_age_ms = saturated_ms(g->now - g->pulse);
    m->nonce = current_nonce(g);
    m->group_size = (uint16_t)(g->roster.listed + 1);
    if (g->cookie_len > 0) {
        memcpy(m->fingerprint, g->prints[0], sizeof m->fingerprint);
        m->has |= HAS_FINGERPRINT;
    }
}

void message_echo(struct wire_message *m, uint64_t boot, uint64_t nonce)
{
    if (m->echo_count < WIRE_ECHOES) {
        m->echoes[m->echo_count++] = (struct wire_echo){.boot = boot, .nonce = nonce};
    }
}

void message_verdict(struct wire_message *m, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    if (m->verdict_count < WIRE_VERDICTS) {
        m->verdicts[m->verdict_count++] =
            (struct wire_verdict){.verdict = verdict, .boot = boot, .incarnation = incarnation};
    }
}

void message_send(struct gossip *g, struct effects *fx, const struct path *path, const struct wire_message *m)
{
    if (!g->announced) {
        return;
    }
    uint8_t plain[WIRE_MESSAGE_MAX];
    size_t len = wire_encode(m, plain, sizeof plain);
    struct effect *e = len == 0 ? NULL : effects_push(fx, EFFECT_SEND);
    if (e == NULL) {
        return;
    }
    uint8_t nonce[SEAL_NONCE];
    g->options.random(g->options.random_context, nonce, SEAL_NONCE - 8);
    struct writer w = writer_over(nonce + SEAL_NONCE - 8, 8);
    write_u64(&w, ++g->sequence);
    g->options.sealing->close(&g->options.keys, nonce, plain, len, e->as.send.data);
    e->as.send.len = (uint16_t)(len + SEAL_OVERHEAD);
    e->as.send.path = *path;
    g->stats.sent++;
    g->stats.bytes_sent += e->as.send.len;
}

void message_probe(struct gossip *g, struct effects *fx, const struct addr *to)
{
    struct wire_message m;
    struct path path = path_unicast(to);
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    message_send(g, fx, &path, &m);
}
