#include "message/wire.h"

#include <string.h>

#define ECHO_SIZE    16
#define VERDICT_SIZE 13
#define ENTRY_FIXED  30
/* Beside the identity's flags. */
#define ENTRY_FAR     0x10
#define ENTRY_STALLED 0x20

void wire_clear(struct wire_message *m)
{
    memset(m, 0, offsetof(struct wire_message, echoes));
}

static void write_field(struct writer *w, uint8_t kind, size_t len)
{
    write_u8(w, kind);
    write_u16(w, (uint16_t)len);
}

/* Nowhere is a family alone. */
static size_t addr_size(const struct addr *a)
{
    size_t ip_len = addr_ip_len(a->family);
    return ip_len == 0 ? 1 : 3 + ip_len;
}

static size_t addrs_size(const struct addr *addrs, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += addr_size(&addrs[i]);
    }
    return size;
}

static void write_addrs(struct writer *w, const struct addr *addrs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_u8(w, addrs[i].family);
        if (addr_size(&addrs[i]) > 1) {
            write_u16(w, addrs[i].port);
            write_bytes(w, addrs[i].ip, addr_ip_len(addrs[i].family));
        }
    }
}

static size_t entry_value_size(const struct wire_entry *e)
{
    size_t host = e->host.len > 0 ? 1u + e->host.len : 0;
    return ENTRY_FIXED + e->id.name.len + addrs_size(e->addrs, e->addr_count) + host;
}

static size_t tags_size(const struct tags *t)
{
    return 4u + t->len;
}

bool wire_for_group(const struct wire_message *m)
{
    switch (m->type) {
    case WIRE_PROBE:
    case WIRE_DISCONNECT:
        return (m->has & HAS_TARGET) != 0;
    case WIRE_ACK:
        return m->echo_count > 0;
    case WIRE_PROBE_FOR:
    case WIRE_ROSTER:
        return false;
    default:
        return true;
    }
}

bool wire_echoes(const struct wire_message *m, uint64_t boot, uint64_t nonce)
{
    size_t i = 0;
    while (i < m->echo_count && (m->echoes[i].boot != boot || m->echoes[i].nonce != nonce)) {
        i++;
    }
    return i < m->echo_count;
}

size_t wire_entry_of(const struct wire_message *m, uint64_t boot)
{
    size_t at = 0;
    while (at < m->entry_count && m->entries[at].id.boot != boot) {
        at++;
    }
    return at;
}

size_t wire_entry_size(const struct wire_entry *e)
{
    size_t tags = e->tags.len > 0 ? WIRE_FIELD_HEADER + 8 + tags_size(&e->tags) : 0;
    return WIRE_FIELD_HEADER + entry_value_size(e) + tags;
}

static void write_tags(struct writer *w, const struct tags *t)
{
    write_u32(w, t->number);
    write_bytes(w, t->bytes, t->len);
}

static void write_entry(struct writer *w, const struct wire_entry *e)
{
    write_field(w, FIELD_ENTRY, entry_value_size(e));
    write_u64(w, e->id.boot);
    write_u64(w, e->clock);
    write_u32(w, e->id.creation);
    write_u32(w, e->id.incarnation);
    write_u16(w, e->id.dist_port);
    write_u8(w,
             (uint8_t)(e->id.flags | (e->far != 0 ? ENTRY_FAR : 0) | (e->stalled != 0 ? ENTRY_STALLED : 0)));
    write_u16(w, e->interval_ms);
    write_u8(w, e->id.name.len);
    write_bytes(w, e->id.name.text, e->id.name.len);
    write_addrs(w, e->addrs, e->addr_count);
    if (e->host.len > 0) {
        write_u8(w, ADDR_NONE);
        write_bytes(w, e->host.bytes, e->host.len);
    }
    if (e->tags.len > 0) {
        write_field(w, FIELD_TAGS_OF, 8 + tags_size(&e->tags));
        write_u64(w, e->id.boot);
        write_tags(w, &e->tags);
    }
}

static void write_u64_field(struct writer *w, uint8_t kind, uint64_t value)
{
    write_field(w, kind, 8);
    write_u64(w, value);
}

static void write_u8_field(struct writer *w, uint8_t kind, uint8_t value)
{
    write_field(w, kind, 1);
    write_u8(w, value);
}

static void write_optional(struct writer *w, const struct wire_message *m)
{
    if (m->has & HAS_TO) {
        write_field(w, FIELD_TO, 8 + addrs_size(&m->to, 1));
        write_u64(w, m->to_boot);
        write_addrs(w, &m->to, 1);
    }
    if (m->own_count > 0) {
        write_field(w, FIELD_ADDRESSES, addrs_size(m->own, m->own_count));
        write_addrs(w, m->own, m->own_count);
    }
    if (m->host.len > 0) {
        write_field(w, FIELD_HOST, m->host.len);
        write_bytes(w, m->host.bytes, m->host.len);
    }
    if (m->tags.len > 0) {
        write_field(w, FIELD_TAGS, tags_size(&m->tags));
        write_tags(w, &m->tags);
    }
    if (m->has & HAS_QUESTION) {
        write_u8_field(w, FIELD_QUESTION, m->question);
    }
    if (m->has & HAS_CURSOR) {
        write_u64_field(w, FIELD_CURSOR, m->cursor);
    }
    if (m->has & HAS_TOTAL) {
        write_field(w, FIELD_TOTAL, 4);
        write_u32(w, m->total);
    }
    if (m->has & HAS_TARGET) {
        write_u64_field(w, FIELD_TARGET, m->target);
    }
    if (m->has & HAS_FINGERPRINT) {
        write_field(w, FIELD_FINGERPRINT, FINGERPRINT_BYTES);
        write_bytes(w, m->fingerprint, FINGERPRINT_BYTES);
    }
    if (m->has & HAS_RELAY) {
        write_u64_field(w, FIELD_RELAY, m->relay);
    }
    if (m->has & HAS_HEARD) {
        write_field(w, FIELD_HEARD, 2);
        write_u16(w, m->heard_ms);
    }
    if (m->has & HAS_REASON) {
        write_u8_field(w, FIELD_REASON, m->reason);
    }
    if (m->has & HAS_DISCONNECT) {
        write_u64_field(w, FIELD_DISCONNECT, m->ended);
    }
}

static void pad(struct writer *w, size_t to)
{
    static const uint8_t nothing[WIRE_MESSAGE_MAX];
    if (!w->failed && w->len + WIRE_FIELD_HEADER < to && to <= w->size) {
        size_t len = to - w->len - WIRE_FIELD_HEADER;
        write_field(w, FIELD_PADDING, len);
        write_bytes(w, nothing, len);
    }
}

size_t wire_encode(const struct wire_message *m, uint8_t *out, size_t size)
{
    struct writer w = writer_over(out, size);
    write_u8(&w, m->type);
    write_u8(&w, (uint8_t)((m->flags & ((1u << WIRE_IDENTITY_SHIFT) - 1)) | (unsigned)m->id.flags
                                                                                << WIRE_IDENTITY_SHIFT));
    write_u16(&w, m->interval_ms);
    write_u8(&w, m->miss);
    write_u8(&w, m->health);
    write_u16(&w, m->beam_age_ms);
    write_u64(&w, m->id.boot);
    write_u64(&w, m->nonce);
    write_u32(&w, m->id.incarnation);
    write_u32(&w, m->id.creation);
    write_u16(&w, m->id.dist_port);
    write_u16(&w, m->group_size);
    write_u64(&w, m->sent_at);
    write_u64(&w, m->digest);
    if (m->id.name.len > 0) {
        write_field(&w, FIELD_NAME, m->id.name.len);
        write_bytes(&w, m->id.name.text, m->id.name.len);
    }
    write_optional(&w, m);
    for (size_t i = 0; i < m->echo_count; i++) {
        write_field(&w, FIELD_ECHO, ECHO_SIZE);
        write_u64(&w, m->echoes[i].boot);
        write_u64(&w, m->echoes[i].nonce);
    }
    for (size_t i = 0; i < m->verdict_count; i++) {
        write_field(&w, FIELD_VERDICT, VERDICT_SIZE);
        write_u8(&w, m->verdicts[i].verdict);
        write_u64(&w, m->verdicts[i].boot);
        write_u32(&w, m->verdicts[i].incarnation);
    }
    for (size_t i = 0; i < m->entry_count; i++) {
        write_entry(&w, &m->entries[i]);
    }
    pad(&w, m->pad_to);
    return w.failed ? 0 : w.len;
}

static int read_name(struct reader *r, size_t len, struct name *name)
{
    const uint8_t *text = read_bytes(r, len);
    return text == NULL ? -1 : name_set(name, text, len);
}

/* False when it is of a family that this version does not know: nor does it know how long that is. One that
 * is cut off fails the reader. */
static bool read_addr(struct reader *r, struct addr *a)
{
    uint8_t family = read_u8(r);
    size_t ip_len = addr_ip_len(family);
    *a = (struct addr){0};
    if (ip_len == 0) {
        return false;
    }
    uint16_t port = read_u16(r);
    const uint8_t *ip = read_bytes(r, ip_len);
    if (ip != NULL) {
        *a = ip_len == 4 ? addr_ipv4(ip, port, 0) : addr_ipv6(ip, port, 0);
    }
    return ip != NULL;
}

/* One of a family that this version does not know ends the list. `host`: its family was none, and the host
 * follows. */
static uint8_t read_addrs(struct reader *r, struct addr *addrs, size_t most, bool *host)
{
    uint8_t count = 0;
    bool more = true;
    *host = false;
    while (more && reader_left(r) > 0) {
        struct addr a;
        *host = r->data[r->pos] == ADDR_NONE;
        more = read_addr(r, &a);
        if (more && count < most) {
            addrs[count++] = a;
        }
    }
    return count;
}

static int read_host(struct reader *r, struct host *host)
{
    size_t len = reader_left(r);
    const uint8_t *bytes = read_bytes(r, len);
    return bytes == NULL ? -1 : host_set(host, bytes, len);
}

static int read_tags(struct reader *r, struct tags *tags)
{
    uint32_t number = read_u32(r);
    size_t len = reader_left(r);
    const uint8_t *bytes = read_bytes(r, len);
    return bytes == NULL || number == 0 ? -1 : tags_set(tags, number, bytes, len);
}

/* Of an entry that is skipped, or comes later, they are skipped, too. */
static int read_tags_of(struct reader *r, struct wire_message *m)
{
    struct tags tags;
    uint64_t boot = read_u64(r);
    if (read_tags(r, &tags) != 0) {
        return -1;
    }
    size_t at = wire_entry_of(m, boot);
    if (at < m->entry_count) {
        m->entries[at].tags = tags;
    }
    return 0;
}

static int read_entry(struct reader *r, struct wire_entry *e)
{
    e->id.boot = read_u64(r);
    e->clock = read_u64(r);
    e->id.creation = read_u32(r);
    e->id.incarnation = read_u32(r);
    e->id.dist_port = read_u16(r);
    uint8_t flags = read_u8(r);
    e->id.flags = (uint8_t)(flags & ~(ENTRY_FAR | ENTRY_STALLED));
    e->far = (flags & ENTRY_FAR) != 0;
    e->stalled = (flags & ENTRY_STALLED) != 0;
    e->interval_ms = read_u16(r);
    uint8_t name_len = read_u8(r);
    if (read_name(r, name_len, &e->id.name) != 0 || e->id.boot == 0) {
        return -1;
    }
    bool host;
    e->addr_count = read_addrs(r, e->addrs, PEER_ADDRS, &host);
    e->host.len = 0;
    e->tags.number = 0;
    e->tags.len = 0;
    return r->failed ? -1 : host ? read_host(r, &e->host) : 0;
}

static int read_field(struct wire_message *m, uint8_t kind, struct reader *r)
{
    switch (kind) {
    case FIELD_NAME:
        return read_name(r, reader_left(r), &m->id.name);
    case FIELD_QUESTION:
        m->question = read_u8(r);
        m->has |= HAS_QUESTION;
        break;
    case FIELD_ECHO:
        if (m->echo_count < WIRE_ECHOES) {
            struct wire_echo *e = &m->echoes[m->echo_count++];
            e->boot = read_u64(r);
            e->nonce = read_u64(r);
        }
        break;
    case FIELD_VERDICT:
        if (m->verdict_count < WIRE_VERDICTS) {
            struct wire_verdict *v = &m->verdicts[m->verdict_count++];
            v->verdict = read_u8(r);
            v->boot = read_u64(r);
            v->incarnation = read_u32(r);
        }
        break;
    case FIELD_ENTRY:
        if (m->entry_count < WIRE_ENTRIES) {
            return read_entry(r, &m->entries[m->entry_count++]);
        }
        break;
    case FIELD_CURSOR:
        m->cursor = read_u64(r);
        m->has |= HAS_CURSOR;
        break;
    case FIELD_TOTAL:
        m->total = read_u32(r);
        m->has |= HAS_TOTAL;
        break;
    case FIELD_TARGET:
        m->target = read_u64(r);
        m->has |= HAS_TARGET;
        break;
    case FIELD_FINGERPRINT: {
        const uint8_t *print = read_bytes(r, FINGERPRINT_BYTES);
        if (print != NULL) {
            memcpy(m->fingerprint, print, FINGERPRINT_BYTES);
            m->has |= HAS_FINGERPRINT;
        }
        break;
    }
    case FIELD_RELAY:
        m->relay = read_u64(r);
        m->has |= HAS_RELAY;
        break;
    case FIELD_HEARD:
        m->heard_ms = read_u16(r);
        m->has |= HAS_HEARD;
        break;
    case FIELD_TO:
        m->to_boot = read_u64(r);
        m->has |= HAS_TO;
        (void)read_addr(r, &m->to); /* of a later version's family: nowhere */
        break;
    case FIELD_ADDRESSES: {
        bool host;
        m->own_count = read_addrs(r, m->own, PEER_ADDRS, &host);
        break;
    }
    case FIELD_HOST:
        return read_host(r, &m->host);
    case FIELD_TAGS:
        return read_tags(r, &m->tags);
    case FIELD_TAGS_OF:
        return read_tags_of(r, m);
    case FIELD_REASON:
        m->reason = read_u8(r);
        m->has |= HAS_REASON;
        break;
    case FIELD_DISCONNECT:
        m->ended = read_u64(r);
        m->has |= HAS_DISCONNECT;
        break;
    default:
        break; /* a later version's field */
    }
    return r->failed ? -1 : 0;
}

int wire_decode(struct wire_message *m, const uint8_t *data, size_t len)
{
    wire_clear(m);
    struct reader r = reader_over(data, len);
    m->type = read_u8(&r);
    uint8_t flags = read_u8(&r);
    m->flags = flags & ((1u << WIRE_IDENTITY_SHIFT) - 1);
    m->id.flags = flags >> WIRE_IDENTITY_SHIFT;
    m->interval_ms = read_u16(&r);
    m->miss = read_u8(&r);
    m->health = read_u8(&r);
    m->beam_age_ms = read_u16(&r);
    m->id.boot = read_u64(&r);
    m->nonce = read_u64(&r);
    m->id.incarnation = read_u32(&r);
    m->id.creation = read_u32(&r);
    m->id.dist_port = read_u16(&r);
    m->group_size = read_u16(&r);
    m->sent_at = read_u64(&r);
    m->digest = read_u64(&r);
    if (r.failed || m->id.boot == 0) {
        return -1;
    }
    while (reader_left(&r) > 0) {
        uint8_t kind = read_u8(&r);
        uint16_t size = read_u16(&r);
        struct reader value = read_part(&r, size);
        if (r.failed || read_field(m, kind, &value) != 0) {
            return -1;
        }
    }
    return 0;
}
