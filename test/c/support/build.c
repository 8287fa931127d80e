#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name build_name(const char *text)
{
    struct name name;
    if (name_set(&name, text, strlen(text)) != 0) {
        fprintf(stderr, "build_name: \"%s\" is no name\n", text);
        abort();
    }
    return name;
}

struct identity build_identity(uint64_t boot, const char *name, uint32_t creation)
{
    return (struct identity){.boot = boot, .creation = creation, .dist_port = 9100, .name = build_name(name)};
}

struct addr build_addr(uint8_t host, uint16_t port)
{
    return addr_ipv4((const uint8_t[4]){10, 0, 0, host}, port, 2);
}

struct keyring build_ring(const char *bytes)
{
    struct keyring ring = {0};
    for (; *bytes != '\0'; bytes++) {
        uint8_t key[KEY_BYTES];
        memset(key, *bytes, sizeof key);
        if (seal_init() != 0 || keyring_add(&ring, SECRET_KEY, key, sizeof key, "test", 4) != 0) {
            abort();
        }
    }
    return ring;
}

/* One character that a name may have, of one to four bytes. */
static const char *random_character(struct prng *p)
{
    static const char *const some[] = {"a",
                                       "Z",
                                       "0",
                                       "_",
                                       "-",
                                       ".",
                                       "~",
                                       "\xc3\xa9",
                                       "\xd0\xb6",
                                       "\xdf\xbf",
                                       "\xc2\xa1",
                                       "\xe2\x82\xac",
                                       "\xed\x9f\xbf",
                                       "\xef\xbf\xbd",
                                       "\xf0\x9f\x90\x9d"};
    return some[prng_below(p, sizeof some / sizeof some[0])];
}

static size_t random_part(struct prng *p, char *out, size_t len, size_t most)
{
    size_t goal = len + 1 + prng_below(p, (uint32_t)(most - len));
    while (len < goal) {
        const char *c = random_character(p);
        size_t size = strlen(c);
        if (len + size > goal) {
            c = "x";
            size = 1;
        }
        memcpy(out + len, c, size);
        len += size;
    }
    return len;
}

struct name build_random_name(struct prng *p)
{
    char text[NAME_MAX_LEN];
    size_t most = prng_chance(p, 10) ? NAME_MAX_LEN : 30;
    size_t len = random_part(p, text, 0, most - 2);
    text[len++] = '@';
    len = random_part(p, text, len, most);
    struct name name;
    if (name_set(&name, text, len) != 0) {
        abort();
    }
    return name;
}

struct tags build_random_tags(struct prng *p)
{
    struct tags tags;
    uint8_t bytes[TAGS_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    uint32_t pairs = prng_below(p, 4);
    for (uint32_t i = 0; i < pairs; i++) {
        char text[40];
        size_t key = random_part(p, text, 0, 20), value = random_part(p, text, key, sizeof text) - key;
        write_u8(&w, (uint8_t)(key + 1));
        write_u8(&w, (uint8_t)('a' + i)); /* so that they are in order */
        write_bytes(&w, text, key);
        write_u8(&w, (uint8_t)value);
        write_bytes(&w, text + key, value);
    }
    if (tags_set(&tags, (uint32_t)prng_u64(p) | 1, bytes, w.len) != 0) {
        abort();
    }
    return tags;
}

struct tags build_tags(uint32_t number, const char *pairs)
{
    struct tags tags;
    uint8_t bytes[TAGS_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    while (*pairs != '\0') {
        size_t pair = strcspn(pairs, " "), key = strcspn(pairs, "=");
        write_u8(&w, (uint8_t)key);
        write_bytes(&w, pairs, key);
        write_u8(&w, (uint8_t)(pair - key - 1));
        write_bytes(&w, pairs + key + 1, pair - key - 1);
        pairs += pair + (pairs[pair] != '\0');
    }
    if (w.failed || tags_set(&tags, number, bytes, w.len) != 0) {
        abort();
    }
    return tags;
}

struct addr build_random_addr(struct prng *p)
{
    uint8_t ip[16];
    prng_fill(p, ip, sizeof ip);
    uint16_t port = (uint16_t)prng_u64(p);
    return prng_chance(p, 50) ? addr_ipv4(ip, port, 0) : addr_ipv6(ip, port, 0);
}

/* A statement each: the order in which initializers are evaluated is the compiler's. */
static struct identity random_identity(struct prng *p)
{
    struct identity id = {.boot = prng_u64(p) | 1};
    id.creation = (uint32_t)prng_u64(p);
    id.incarnation = (uint32_t)prng_u64(p);
    id.dist_port = (uint16_t)prng_u64(p);
    id.flags = (uint8_t)prng_below(p, 16);
    return id;
}

struct wire_entry build_random_entry(struct prng *p)
{
    struct wire_entry e = {.id = random_identity(p)};
    e.id.flags = (uint8_t)(prng_u64(p) & ~UINT64_C(0x30)); /* not what is said of it beside */
    e.far = prng_below(p, 2) == 1;
    e.stalled = prng_below(p, 2) == 1;
    e.id.name = build_random_name(p);
    e.clock = prng_u64(p);
    e.interval_ms = (uint16_t)prng_u64(p);
    e.addr_count = (uint8_t)prng_below(p, PEER_ADDRS + 1);
    for (size_t i = 0; i < e.addr_count; i++) {
        e.addrs[i] = build_random_addr(p);
    }
    e.tags = build_random_tags(p);
    return e;
}

static bool fits(const struct wire_message *m)
{
    uint8_t out[WIRE_MESSAGE_MAX];
    return wire_encode(m, out, sizeof out) != 0;
}

void build_random_message(struct prng *p, struct wire_message *m, uint8_t type)
{
    wire_clear(m);
    m->type = type;
    m->flags = (uint8_t)prng_below(p, 16);
    m->interval_ms = (uint16_t)prng_u64(p);
    m->miss = (uint8_t)prng_u64(p);
    m->health = (uint8_t)prng_u64(p);
    m->beam_age_ms = (uint16_t)prng_u64(p);
    m->nonce = prng_u64(p);
    m->group_size = (uint16_t)prng_u64(p);
    m->sent_at = prng_u64(p);
    m->digest = prng_u64(p);
    m->id = random_identity(p);
    if (prng_chance(p, 80)) {
        m->id.name = build_random_name(p);
    }
    m->has = (uint16_t)prng_below(p, HAS_DISCONNECT * 2);
    if (m->has & HAS_TO) {
        m->to_boot = prng_u64(p);
        m->to = build_random_addr(p);
    }
    for (uint32_t n = prng_below(p, PEER_ADDRS + 1); n > 0; n--) {
        m->own[m->own_count++] = build_random_addr(p);
    }
    m->question = m->has & HAS_QUESTION ? (uint8_t)prng_u64(p) : 0;
    m->reason = m->has & HAS_REASON ? (uint8_t)prng_u64(p) : 0;
    m->cursor = m->has & HAS_CURSOR ? prng_u64(p) : 0;
    m->target = m->has & HAS_TARGET ? prng_u64(p) : 0;
    m->relay = m->has & HAS_RELAY ? prng_u64(p) : 0;
    m->heard_ms = m->has & HAS_HEARD ? (uint16_t)prng_u64(p) : 0;
    m->ended = m->has & HAS_DISCONNECT ? prng_u64(p) : 0;
    m->total = m->has & HAS_TOTAL ? (uint32_t)prng_u64(p) : 0;
    if (m->has & HAS_FINGERPRINT) {
        prng_fill(p, m->fingerprint, sizeof m->fingerprint);
    }
    m->tags = build_random_tags(p);
    for (uint32_t n = prng_below(p, WIRE_ECHOES + 1); n > 0; n--) {
        m->echoes[m->echo_count++] = (struct wire_echo){.boot = prng_u64(p), .nonce = prng_u64(p)};
    }
    for (uint32_t n = prng_below(p, WIRE_VERDICTS + 1); n > 0; n--) {
        m->verdicts[m->verdict_count++] = (struct wire_verdict){
            .verdict = (uint8_t)prng_u64(p), .boot = prng_u64(p), .incarnation = (uint32_t)prng_u64(p)};
    }
    for (uint32_t n = prng_below(p, WIRE_ENTRIES + 1); n > 0; n--) {
        m->entries[m->entry_count++] = build_random_entry(p);
        if (!fits(m)) {
            m->entry_count--;
            break;
        }
    }
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    return a->boot == b->boot && a->creation == b->creation && a->incarnation == b->incarnation &&
           a->dist_port == b->dist_port && a->flags == b->flags && name_same(&a->name, &b->name);
}

static bool same_tags(const struct tags *a, const struct tags *b)
{
    return tags_same(a, b) && (a->len == 0 || a->number == b->number);
}

bool build_same_entry(const struct wire_entry *a, const struct wire_entry *b)
{
    bool same = same_tags(&a->tags, &b->tags) && same_identity(&a->id, &b->id) && a->clock == b->clock &&
                (a->far != 0) == (b->far != 0) && (a->stalled != 0) == (b->stalled != 0) &&
                a->interval_ms == b->interval_ms && a->addr_count == b->addr_count;
    for (size_t i = 0; same && i < a->addr_count; i++) {
        same = addr_same(&a->addrs[i], &b->addrs[i]);
    }
    return same;
}

bool build_same_message(const struct wire_message *a, const struct wire_message *b)
{
    bool same = same_identity(&a->id, &b->id) && a->type == b->type && a->flags == b->flags &&
                a->interval_ms == b->interval_ms && a->miss == b->miss && a->health == b->health &&
                a->beam_age_ms == b->beam_age_ms && a->nonce == b->nonce && a->group_size == b->group_size &&
                a->has == b->has && a->question == b->question && a->reason == b->reason &&
                memcmp(a->fingerprint, b->fingerprint, sizeof a->fingerprint) == 0 &&
                a->cursor == b->cursor && a->target == b->target && a->relay == b->relay &&
                a->heard_ms == b->heard_ms && a->total == b->total && a->ended == b->ended &&
                a->sent_at == b->sent_at && a->digest == b->digest && a->to_boot == b->to_boot &&
                addr_same(&a->to, &b->to) && same_tags(&a->tags, &b->tags) && a->own_count == b->own_count &&
                a->echo_count == b->echo_count && a->verdict_count == b->verdict_count &&
                a->entry_count == b->entry_count;
    for (size_t i = 0; same && i < a->own_count; i++) {
        same = addr_same(&a->own[i], &b->own[i]);
    }
    for (size_t i = 0; same && i < a->echo_count; i++) {
        same = a->echoes[i].boot == b->echoes[i].boot && a->echoes[i].nonce == b->echoes[i].nonce;
    }
    for (size_t i = 0; same && i < a->verdict_count; i++) {
        const struct wire_verdict *v = &a->verdicts[i];
        const struct wire_verdict *w = &b->verdicts[i];
        same = v->verdict == w->verdict && v->boot == w->boot && v->incarnation == w->incarnation;
    }
    for (size_t i = 0; same && i < a->entry_count; i++) {
        same = build_same_entry(&a->entries[i], &b->entries[i]);
    }
    return same;
}
