/* A challenge is a nonce that only this member can make, for this very moment, and for whom and where it is
 * sent: a keyed hash of all that, so that nothing is kept, and nothing has to be forgotten when time was
 * lost. */
#include "protocol/send.h"

#include <string.h>

#include "primitives.h"
#include "state/self.h"

/* A request for a page may have waited for its turn, and what a stranger said to the group is answered late
 * by those who wait for a vouch first: an answer of these is measured only when it comes sooner than that. */
#define REQUEST_AT_ONCE  PAGE_PACE
#define ANSWERED_AT_ONCE VOUCH_WAIT_MIN

/* `boot` 0: for all. */
static uint64_t nonce_of(const struct gossip *g, int64_t slot, uint64_t boot, const struct addr *to)
{
    uint8_t in[8 + 8 + 1 + 2 + sizeof to->ip + 4] = {0};
    size_t len = sizeof in - 4;
    struct writer w = writer_over(in, sizeof in);
    write_u64(&w, (uint64_t)slot);
    write_u64(&w, boot);
    if (to != NULL) {
        write_u8(&w, to->family);
        write_u16(&w, to->port);
        write_bytes(&w, to->ip, sizeof to->ip);
    }
    if (to != NULL && addr_is_scoped(to)) { /* another may have it on another link */
        write_u32(&w, to->ifindex);
        len = sizeof in;
    }
    _Static_assert(sizeof g->nonce_key == PRIMITIVES_SHORT_KEY, "key size");
    uint64_t hash = primitives_short_hash(g->nonce_key, in, len);
    return hash == 0 ? 1 : hash;
}

static int64_t slot_now(const struct gossip *g)
{
    return g->clock / NONCE_LIFE;
}

/* Made in this slot or the last one, and so less than 2 s old; and since when there has been such a nonce. */
static bool nonce_is_ours(const struct gossip *g, uint64_t nonce, uint64_t boot, const struct addr *to,
                          int64_t *made)
{
    int64_t slot = slot_now(g);
    slot -= nonce != nonce_of(g, slot, boot, to);
    *made = slot * NONCE_LIFE;
    return nonce == nonce_of(g, slot, boot, to);
}

static uint64_t nonce_for_all(struct gossip *g)
{
    int64_t slot = slot_now(g);
    if (g->nonce == 0 || slot != g->nonce_slot) {
        g->nonce = nonce_of(g, slot, 0, NULL);
        g->nonce_slot = slot;
    }
    return g->nonce;
}

bool message_claims(const struct wire_message *m, const struct addr *a)
{
    return addr_among(a, m->own, m->own_count) && addr_is_endpoint(a);
}

bool message_says_goodbye(const struct wire_message *m)
{
    bool said = false;
    for (size_t i = 0; i < m->verdict_count; i++) {
        said = said || (m->verdicts[i].boot == m->id.boot && m->verdicts[i].verdict >= VERDICT_LEFT);
    }
    return said;
}

size_t message_may_cause(const struct wire_message *m)
{
    return CAUSED_TIMES * (size_t)m->size;
}

/* The sender was asked at an address, and may answer from another of its own. */
static bool reached(const struct gossip *g, const struct wire_message *m, uint64_t nonce,
                    const struct addr *a, struct addr *where, int64_t *made)
{
    bool bound = nonce_is_ours(g, nonce, m->id.boot, a, made) ||
                 (seeds_have(&g->seeds, a) && nonce_is_ours(g, nonce, 0, a, made)); /* whoever stands there */
    if (!addr_is_endpoint(a) || !bound) {
        return false;
    }
    *where = *a;
    return true;
}

static enum answer judge(const struct gossip *g, const struct wire_message *m, uint64_t nonce,
                         const struct path *from, struct addr *where, int64_t *made)
{
    if (reached(g, m, nonce, &from->addr, where, made)) {
        return ANSWER_HERE;
    }
    for (size_t i = 0; i < m->own_count; i++) {
        struct addr own = m->own[i];
        own.ifindex = from->addr.ifindex;
        if (reached(g, m, nonce, &own, where, made)) {
            return ANSWER_HERE;
        }
    }
    if (!nonce_is_ours(g, nonce, 0, NULL, made)) {
        return ANSWER_NONE;
    }
    *where = from->addr;
    return message_claims(m, &from->addr) ? ANSWER_CLAIMED : ANSWER_ALIVE;
}

enum answer message_answers(const struct gossip *g, const struct wire_message *m, const struct path *from,
                            struct addr *where, int64_t *made)
{
    enum answer best = ANSWER_NONE;
    for (size_t i = 0; i < m->echo_count && best != ANSWER_HERE; i++) {
        if (m->echoes[i].boot == g->self.boot) {
            int64_t since = 0;
            enum answer found = judge(g, m, m->echoes[i].nonce, from, where, &since);
            *made = found > best ? since : *made;
            best = found > best ? found : best;
        }
    }
    return best;
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
    m->group_size = (uint16_t)(g->roster.listed + 1);
    m->sent_at = (uint64_t)g->clock;
    m->digest = g->roster.digest ^ roster_digest(g->self.boot, g->self.incarnation);
    m->own_count = g->own_count;
    memcpy(m->own, g->own, sizeof m->own);
    m->host = g->host;
    if (g->tags.len > 0) {
        m->tags = g->tags;
    }
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

size_t message_size(const struct wire_message *m)
{
    uint8_t plain[WIRE_MESSAGE_MAX];
    size_t len = wire_encode(m, plain, sizeof plain);
    return len == 0 ? DATAGRAM_MAX : len + SEAL_OVERHEAD;
}

/* So a beat, whose absence of tags means something, loses none: without fingerprint and host it fits,
 * whatever else it carries. */
_Static_assert(WIRE_FIXED + 5 * WIRE_FIELD_HEADER + NAME_MAX_LEN + PEER_ADDRS * 19 + 1 + 4 + TAGS_MAX +
                       WIRE_VERDICTS * (WIRE_FIELD_HEADER + 13) <=
                   WIRE_MESSAGE_MAX,
               "a beat has room for its tags");

/* Whom others choose by its tags had better say them with its first word: what else they know of it a moment
 * later goes before. */
bool message_shed(struct wire_message *m)
{
    bool more = (m->has & HAS_FINGERPRINT) != 0 || m->host.len > 0, tags = m->tags.len > 0;
    if (!more && !tags && m->own_count == 0) {
        return false;
    }
    if (!more && tags) {
        m->tags.len = 0;
        return true;
    }
    m->has = (uint16_t)(m->has & ~HAS_FINGERPRINT);
    m->host.len = 0;
    m->own_count = tags ? m->own_count : 0;
    return true;
}

bool message_shorten(struct wire_message *m, const struct addr *to, size_t most)
{
    if (to != NULL) {
        m->to = *to;
        m->has |= HAS_TO;
    }
    bool more = true;
    while (more && message_size(m) > most) {
        more = message_shed(m);
    }
    if (message_size(m) > most) { /* who does not know the sender asks back */
        m->id.name.len = 0;
        m->flags |= WIRE_ASK;
    }
    return message_size(m) <= most;
}

/* Whether it says all that a member says of itself, and not what is short. */
static void note_whole(const struct gossip *g, struct wire_message *m)
{
    bool whole = m->id.name.len > 0 && m->own_count == g->own_count && m->host.len == g->host.len &&
                 m->tags.len == g->tags.len;
    m->flags = (uint8_t)(whole ? m->flags | WIRE_WHOLE : m->flags & ~WIRE_WHOLE);
}

/* When what may be answered goes out, so that the way there and back can be measured. To the group anything
 * may be. */
static void note_asked(struct gossip *g, const struct wire_message *m, const struct path *path)
{
    bool request = m->type == WIRE_ROSTER && (m->has & HAS_TOTAL) == 0;
    if (path->kind != PATH_GROUP && (m->flags & WIRE_ASK) == 0 && (m->has & HAS_QUESTION) == 0 && !request) {
        return;
    }
    struct asked *a = &g->asked[m->nonce % ASKED_KEPT];
    /* One that was there a moment ago may be this one, or have driven it out. */
    bool again = a->nonce != 0 && g->clock - a->at < 2 * NONCE_LIFE;
    *a = (struct asked){.nonce = m->nonce, .at = g->clock, .again = again};
}

int64_t message_round_trip(struct gossip *g, const struct wire_message *m)
{
    bool request = m->type == WIRE_ROSTER && (m->has & HAS_TOTAL) == 0;
    if ((m->has & HAS_TARGET) != 0) {
        return 0; /* of another's way */
    }
    for (size_t i = 0; i < m->echo_count; i++) {
        struct asked *a = &g->asked[m->echoes[i].nonce % ASKED_KEPT];
        if (m->echoes[i].boot != g->self.boot || m->echoes[i].nonce != a->nonce || a->nonce == 0) {
            continue;
        }
        int64_t took = g->clock - a->at;
        bool stopped = g->lost > 0 && g->lost_at >= a->at; /* this member, meanwhile */
        bool for_all = a->nonce == g->nonce;
        bool waited = (request && took >= REQUEST_AT_ONCE) || (for_all && took >= ANSWERED_AT_ONCE);
        if (a->again || a->answered || stopped || took < 0) {
            continue;
        }
        a->answered = !for_all;
        if (!waited) {
            return took > 0 ? took : 1;
        }
    }
    return 0;
}

/* Who is leaving says nothing else: the far would take it for a sign that what they were told is not true. */
static void send(struct gossip *g, struct effects *fx, const struct path *path, struct wire_message *m)
{
    if (!g->announced || (g->leaving && m->type != WIRE_BYE && !message_says_goodbye(m))) {
        return;
    }
    uint8_t plain[WIRE_MESSAGE_MAX];
    note_whole(g, m);
    size_t len = wire_encode(m, plain, sizeof plain);
    while (len == 0 && message_shed(m)) {
        note_whole(g, m);
        len = wire_encode(m, plain, sizeof plain);
    }
    struct effect *e = len == 0 ? NULL : effects_push(fx, EFFECT_SEND);
    if (e == NULL) {
        return;
    }
    uint8_t nonce[SEAL_NONCE];
    uint64_t chance =
        random_u64(g); /* two processes of one boot id, a clone and its model, never share a nonce */
    struct writer w = writer_over(nonce, sizeof nonce);
    write_u64(&w, g->self.boot);
    write_u64(&w, chance);
    write_u64(&w, ++g->sequence);
    g->said[g->sequence % SAID_KEPT] = chance;
    g->options.sealing->close(&g->options.keys, nonce, plain, len, e->as.send.data);
    e->as.send.len = (uint16_t)(len + SEAL_OVERHEAD);
    e->as.send.path = *path;
    note_asked(g, m, path);
    g->stats.sent++;
    g->stats.bytes_sent += e->as.send.len;
}

void message_to_group(struct gossip *g, struct effects *fx, struct wire_message *m)
{
    message_to_link(g, fx, &(struct addr){0}, m, SIZE_MAX);
}

void message_to_link(struct gossip *g, struct effects *fx, const struct addr *by, struct wire_message *m,
                     size_t most)
{
    struct path path = path_group();
    path.addr.family = by->family;
    path.addr.ifindex = by->ifindex;
    m->flags = (uint8_t)(m->flags & ~WIRE_FAR);
    m->has = (uint16_t)(m->has & ~HAS_TO);
    path.once = most != SIZE_MAX && 2 * message_size(m) > most;
    m->nonce = nonce_for_all(g);
    send(g, fx, &path, m);
}

void message_to(struct gossip *g, struct effects *fx, uint64_t boot, const struct addr *to,
                struct wire_message *m)
{
    struct path path = path_unicast(to);
    if (!addr_is_endpoint(to)) {
        return;
    }
    const struct peer *p = g->roster.far > 0 ? roster_find(&g->roster, boot) : NULL;
    bool far = p != NULL && p->state == PEER_LISTED && p->far;
    m->flags = (uint8_t)(far ? m->flags | WIRE_FAR : m->flags & ~WIRE_FAR);
    m->to_boot = boot;
    m->to = *to;
    m->has |= HAS_TO;
    m->nonce = m->nonce != 0 ? m->nonce : nonce_of(g, slot_now(g), boot, to);
    send(g, fx, &path, m);
}

void message_probe(struct gossip *g, struct effects *fx, uint64_t boot, const struct addr *to, size_t most)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    if (message_shorten(&m, to, most)) {
        message_to(g, fx, boot, to, &m);
    }
}

void message_ask_all(struct gossip *g, struct effects *fx, struct peer *p)
{
    struct wire_message m WIRE_ROOM;
    if (g->now - p->path_tried < FAREWELL_GAP) {
        return;
    }
    p->path_tried = g->now;
    message_start(g, &m, WIRE_PROBE);
    m.flags = WIRE_ASK;
    m.pad_to = QUESTION_SIZE - SEAL_OVERHEAD;
    if (p->addr_count > 0 && message_may_try(g, p, &p->addrs[0])) {
        message_to(g, fx, p->id.boot, &p->addrs[0], &m);
    }
}

bool message_may_name(struct gossip *g, const struct addr *a)
{
    return bucket_take(sources_bucket(&g->named, a, g->salt), g->now, NAMED_BURST, NAMED_RATE);
}

bool message_may_reach(struct gossip *g, const struct peer *p, size_t at)
{
    return (p->hearsay >> at & 1) == 0 || message_may_name(g, &p->addrs[at]);
}

bool message_may_try(struct gossip *g, const struct peer *p, const struct addr *a)
{
    return peer_is_reached(p, a) || message_may_name(g, a);
}

void message_probe_peer(struct gossip *g, struct effects *fx, const struct peer *p, size_t at)
{
    if (message_may_reach(g, p, at)) {
        message_probe(g, fx, p->id.boot, &p->addrs[at], DATAGRAM_MAX);
    }
}
