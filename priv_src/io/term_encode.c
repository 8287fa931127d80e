#include "term.h"

#include "buf.h"
#include "ip.h"
#include "log.h"

#include <ei.h>
#include <stdlib.h>
#include <string.h>

/* More than any term takes: a page of 64 peers with the longest names, four IPv6 addresses and all the tags
 * that there can be has 88 KiB. So ei never grows the buffer, which it would leak where memory is short. */
#define TERM_SIZE ((size_t)128 * 1024)

struct term {
    ei_x_buff x; /* ei's own: x.buff and x.index are the bytes and their number */
};

/* Every ei_x function returns 0, or -1 when memory is short; so do these, and chains of || stop at the first
 * failure. */

static int put(bool failed)
{
    return failed ? -1 : 0;
}

static int begin(struct term *t)
{
    if (t->x.buff == NULL) { /* new, or ei lost it when memory was short */
        t->x = (ei_x_buff){0};
    }
    t->x.index = 0;
    return ei_x_encode_version(&t->x);
}

static int put_binary(ei_x_buff *x, const void *data, size_t len)
{
    return len > INT32_MAX ? -1 : ei_x_encode_binary(x, data, (int)len);
}

static int put_text(ei_x_buff *x, const char *text)
{
    return put_binary(x, text, strlen(text));
}

static int put_boot(ei_x_buff *x, uint64_t boot)
{
    uint8_t bytes[8];
    struct writer w = writer_over(bytes, sizeof bytes);
    write_u64(&w, boot);
    return put_binary(x, bytes, sizeof bytes);
}

static int put_number(ei_x_buff *x, const char *key, uint64_t value)
{
    return put(ei_x_encode_atom(x, key) != 0 || ei_x_encode_ulonglong(x, value) != 0);
}

static int put_bool(ei_x_buff *x, const char *key, bool value)
{
    return put(ei_x_encode_atom(x, key) != 0 || ei_x_encode_boolean(x, value) != 0);
}

static int put_atom(ei_x_buff *x, const char *key, const char *value)
{
    return put(ei_x_encode_atom(x, key) != 0 || ei_x_encode_atom(x, value) != 0);
}

/* The head of a list of `count`; its elements, and unless it is 0 an empty list, are to follow. */
static int put_list(ei_x_buff *x, size_t count)
{
    return count > 0 ? ei_x_encode_list_header(x, (long)count) : ei_x_encode_empty_list(x);
}

/* {A, B, C, D}, or 8 numbers of 16 bits. */
static int put_ip(ei_x_buff *x, const struct addr *a)
{
    bool six = a->family == ADDR_IPV6;
    struct reader r = reader_over(a->ip, addr_ip_len(a->family));
    if (ei_x_encode_tuple_header(x, six ? 8 : (long)reader_left(&r)) != 0) {
        return -1;
    }
    while (reader_left(&r) > 0) {
        if (ei_x_encode_ulong(x, six ? read_u16(&r) : read_u8(&r)) != 0) {
            return -1;
        }
    }
    return 0;
}

/* {Ip, UdpPort, IfIndex} */
static int put_address(ei_x_buff *x, const struct addr *a)
{
    return put(ei_x_encode_tuple_header(x, 3) != 0 || put_ip(x, a) != 0 ||
               ei_x_encode_ulong(x, a->port) != 0 || ei_x_encode_ulong(x, a->ifindex) != 0);
}

/* {Name, Index, Address}, the address as text */
static int put_interface(ei_x_buff *x, const struct interface *i)
{
    char text[IP_TEXT];
    return put(ei_x_encode_tuple_header(x, 3) != 0 || put_text(x, i->name) != 0 ||
               ei_x_encode_ulong(x, i->index) != 0 || put_text(x, ip_text(&i->addr, text)) != 0);
}

/* The key, or tag, and the list. */
static int put_interfaces(ei_x_buff *x, const struct interface *interfaces, size_t count)
{
    if (ei_x_encode_atom(x, "interfaces") != 0 || put_list(x, count) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (put_interface(x, &interfaces[i]) != 0) {
            return -1;
        }
    }
    return count > 0 ? ei_x_encode_empty_list(x) : 0;
}

static const char *reach_name(uint8_t reach)
{
    return reach == REACH_LAN        ? "lan"
           : reach == REACH_VIRTUAL  ? "virtual"
           : reach == REACH_LOOPBACK ? "loopback"
                                     : "none";
}

/* A list of {Name, Peers} for each trouble of this kind. */
static int put_troubles(ei_x_buff *x, const struct network *n, bool mute)
{
    size_t count = 0;
    for (size_t i = 0; i < n->trouble_count; i++) {
        const struct link_trouble *t = &n->troubles[i];
        count += mute ? t->mute > 0 : t->deaf > 0 || t->closed;
    }
    if (ei_x_encode_atom(x, mute ? "mute" : "deaf") != 0 || put_list(x, count) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n->trouble_count; i++) {
        const struct link_trouble *t = &n->troubles[i];
        unsigned long peers = mute ? t->mute : t->closed ? 0 : t->deaf;
        bool is = mute ? t->mute > 0 : t->deaf > 0 || t->closed;
        if (is && (ei_x_encode_tuple_header(x, 2) != 0 || put_text(x, t->name) != 0 ||
                   ei_x_encode_ulong(x, peers) != 0)) {
            return -1;
        }
    }
    return count > 0 ? ei_x_encode_empty_list(x) : 0;
}

/* #{reach => Reach, missing => [Name], deaf => [{Name, Peers}], mute => [{Name, Peers}]} */
static int put_network(ei_x_buff *x, const struct network *n)
{
    if (ei_x_encode_map_header(x, 4) != 0 || put_atom(x, "reach", reach_name(n->reach)) != 0 ||
        ei_x_encode_atom(x, "missing") != 0 || put_list(x, n->missing_count) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n->missing_count; i++) {
        if (put_text(x, n->missing[i]) != 0) {
            return -1;
        }
    }
    return put((n->missing_count > 0 && ei_x_encode_empty_list(x) != 0) || put_troubles(x, n, false) != 0 ||
               put_troubles(x, n, true) != 0);
}

static const char *status_name(uint8_t status)
{
    return status == STATUS_SUSPECT ? "suspect" : status == STATUS_STALLED ? "stalled" : "alive";
}

static const char *cookie_name(uint8_t cookie)
{
    return cookie == COOKIE_SAME ? "same" : cookie == COOKIE_DIFFERS ? "differs" : "unknown";
}

static const char *reason_name(uint8_t reason)
{
    return reason == DOWN_LEFT ? "left" : reason == DOWN_BEAM_EXIT ? "beam_exit" : "silent";
}

static const char *level_name(uint8_t level)
{
    return level == LEVEL_DEBUG     ? "debug"
           : level == LEVEL_INFO    ? "info"
           : level == LEVEL_WARNING ? "warning"
                                    : "error";
}

static int put_addresses(ei_x_buff *x, const struct peer_view *p)
{
    size_t count = p->addr_count < PEER_ADDRS ? p->addr_count : PEER_ADDRS;
    if (ei_x_encode_atom(x, "addresses") != 0 || put_list(x, count) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (put_address(x, &p->addrs[i]) != 0) {
            return -1;
        }
    }
    return count > 0 ? ei_x_encode_empty_list(x) : 0;
}

/* {Bound, [Ip]}, or the atom `unknown`. */
static int put_host(ei_x_buff *x, const struct host *host)
{
    size_t count = 0;

    if (host->len == 0) {
        return put_atom(x, "host", "unknown");
    }
    for (size_t at = 1; at < host->len; at += 1 + addr_ip_len(host->bytes[at])) {
        count++;
    }
    if (ei_x_encode_atom(x, "host") != 0 || ei_x_encode_tuple_header(x, 2) != 0 ||
        ei_x_encode_boolean(x, host->bytes[0]) != 0 || put_list(x, count) != 0) {
        return -1;
    }
    for (size_t at = 1; at < host->len; at += 1 + addr_ip_len(host->bytes[at])) {
        const uint8_t *ip = host->bytes + at + 1;
        struct addr a = host->bytes[at] == ADDR_IPV4 ? addr_ipv4(ip, 0, 0) : addr_ipv6(ip, 0, 0);

        if (put_ip(x, &a) != 0) {
            return -1;
        }
    }
    return count > 0 ? ei_x_encode_empty_list(x) : 0;
}

/* #{Key => Value}, binaries */
static int put_tags(ei_x_buff *x, const struct tags *tags)
{
    long texts = 0;
    size_t len, next;
    for (size_t at = 0; at < tags->len; at = next) {
        (void)tags_text(tags, at, &len, &next);
        texts++;
    }
    if (ei_x_encode_atom(x, "tags") != 0 || ei_x_encode_map_header(x, texts / 2) != 0) {
        return -1;
    }
    for (size_t at = 0; at < tags->len; at = next) {
        const uint8_t *text = tags_text(tags, at, &len, &next);
        if (put_binary(x, text, len) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_peer(ei_x_buff *x, const struct peer_view *p)
{
    const struct identity *id = &p->id;
    return put(ei_x_encode_map_header(x, 15) != 0 || ei_x_encode_atom(x, "name") != 0 ||
               put_binary(x, id->name.text, id->name.len) != 0 || ei_x_encode_atom(x, "boot") != 0 ||
               put_boot(x, id->boot) != 0 || put_number(x, "creation", id->creation) != 0 ||
               put_number(x, "incarnation", id->incarnation) != 0 ||
               put_number(x, "port", id->dist_port) != 0 ||
               put_bool(x, "long_names", (id->flags & IDENTITY_LONG_NAMES) != 0) != 0 ||
               put_bool(x, "tls", (id->flags & IDENTITY_TLS) != 0) != 0 ||
               put_bool(x, "ipv6", (id->flags & IDENTITY_IPV6_DIST) != 0) != 0 ||
               put_bool(x, "hidden", (id->flags & IDENTITY_HIDDEN) != 0) != 0 ||
               put_atom(x, "status", status_name(p->status)) != 0 ||
               put_atom(x, "cookie", cookie_name(p->cookie)) != 0 || put_bool(x, "heard", p->heard) != 0 ||
               put_host(x, &p->host) != 0 || put_tags(x, &p->tags) != 0 || put_addresses(x, p) != 0);
}

static int put_tagged(struct term *t, long arity, const char *tag)
{
    return put(begin(t) != 0 || ei_x_encode_tuple_header(&t->x, arity) != 0 ||
               ei_x_encode_atom(&t->x, tag) != 0);
}

struct term *term_new(void)
{
    struct term *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->x.buff = malloc(TERM_SIZE);
    if (t->x.buff == NULL) {
        free(t);
        return NULL;
    }
    t->x.buffsz = (int)TERM_SIZE;
    return t;
}

void term_free(struct term *t)
{
    if (t != NULL && t->x.buff != NULL) {
        (void)ei_x_free(&t->x);
    }
    free(t);
}

const void *term_bytes(const struct term *t, size_t *len)
{
    *len = (size_t)t->x.index;
    return t->x.buff;
}

int term_atom(struct term *t, const char *atom)
{
    return put(begin(t) != 0 || ei_x_encode_atom(&t->x, atom) != 0);
}

int term_ready(struct term *t, const char *version, uint64_t boot, long pid, uint16_t unicast_port,
               const struct network *network)
{
    ei_x_buff *x = &t->x;
    return put(put_tagged(t, 2, "ready") != 0 || ei_x_encode_map_header(x, 6) != 0 ||
               ei_x_encode_atom(x, "version") != 0 || put_text(x, version) != 0 ||
               ei_x_encode_atom(x, "boot") != 0 || put_boot(x, boot) != 0 ||
               ei_x_encode_atom(x, "pid") != 0 || ei_x_encode_long(x, pid) != 0 ||
               put_number(x, "unicast_port", unicast_port) != 0 ||
               put_interfaces(x, network->items, network->count) != 0 ||
               ei_x_encode_atom(x, "network") != 0 || put_network(x, network) != 0);
}

static int put_about(struct term *t, long arity, const char *tag, const struct peer_view *peer)
{
    return put(put_tagged(t, arity, tag) != 0 || put_peer(&t->x, peer) != 0);
}

int term_event(struct term *t, const struct event *e)
{
    switch (e->type) {
    case EVENT_UP:
        return put_about(t, 2, "up", &e->peer);
    case EVENT_UPDATE:
        return put_about(t, 2, "update", &e->peer);
    case EVENT_DOWN:
        return put(put_about(t, 3, "down", &e->peer) != 0 ||
                   ei_x_encode_atom(&t->x, reason_name(e->reason)) != 0);
    case EVENT_CONFLICT:
        return put(put_about(t, 3, "conflict", &e->peer) != 0 || put_peer(&t->x, &e->other) != 0);
    case EVENT_SETTLED:
        return put_about(t, 2, "settled", &e->peer);
    case EVENT_HEARD:
        return put_about(t, 2, "heard", &e->peer);
    case EVENT_HEALTH:
        return term_health(t, e->health);
    case EVENT_HEARTBEAT:
        return put(put_tagged(t, 2, "heartbeat") != 0 ||
                   put_binary(&t->x, e->peer.id.name.text, e->peer.id.name.len) != 0);
    case EVENT_DISCONNECTED:
        return put(put_about(t, 3, "disconnected", &e->peer) != 0 ||
                   ei_x_encode_ulong(&t->x, e->ago_ms) != 0);
    case EVENT_LEFT:
        return term_atom(t, "left");
    default:
        return -1;
    }
}

int term_health(struct term *t, uint8_t health)
{
    return put(put_tagged(t, 2, "health") != 0 ||
               ei_x_encode_atom(&t->x, health == HEALTH_ISOLATED ? "isolated" : "ok") != 0);
}

int term_legacy(struct term *t, const struct name *name)
{
    return put(put_tagged(t, 2, "legacy") != 0 || put_binary(&t->x, name->text, name->len) != 0);
}

int term_interfaces(struct term *t, const struct network *network)
{
    return put(begin(t) != 0 || ei_x_encode_tuple_header(&t->x, 3) != 0 ||
               put_interfaces(&t->x, network->items, network->count) != 0 ||
               put_network(&t->x, network) != 0);
}

int term_log(struct term *t, uint8_t level, const char *text)
{
    return put(put_tagged(t, 3, "log") != 0 || ei_x_encode_atom(&t->x, level_name(level)) != 0 ||
               put_text(&t->x, text) != 0);
}

int term_error(struct term *t, const struct fault *fault)
{
    return put(put_tagged(t, 3, "error") != 0 || ei_x_encode_atom(&t->x, fault_name(fault->kind)) != 0 ||
               put_text(&t->x, fault->text) != 0);
}

int term_page_begin(struct term *t, bool first)
{
    return put(put_tagged(t, 3, "snapshot") != 0 || ei_x_encode_atom(&t->x, first ? "first" : "more") != 0);
}

/* A cell of the list: its number of elements need not be known beforehand. */
int term_page_peer(struct term *t, const struct peer_view *peer)
{
    return put(ei_x_encode_list_header(&t->x, 1) != 0 || put_peer(&t->x, peer) != 0);
}

int term_page_end(struct term *t)
{
    return put(ei_x_encode_empty_list(&t->x) != 0);
}

/* The counters as the owner knows them; the Elixir side's Codec has the same list. */
static int put_counters(ei_x_buff *x, const struct stats *s)
{
    const struct gossip_stats *g = &s->core;
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"received", g->received}, /* datagrams from the network, and their bytes */
        {"bytes_received", g->bytes_received},
        {"sent", g->sent}, /* datagrams that the protocol sent */
        {"bytes_sent", g->bytes_sent},
        {"foreign", g->foreign},                 /* another cluster, or junk */
        {"forged", g->forged},                   /* our key tag, but the seal does not open */
        {"malformed", g->malformed},             /* sealed by a holder of the key, yet not decodable */
        {"copies", g->copies},                   /* of what came just before: by a second link, or repeated */
        {"replayed", g->replayed},               /* seen before */
        {"stale", g->stale},                     /* later than what else is heard of its sender */
        {"misdirected", g->misdirected},         /* for another member, or not said the way it came */
        {"relayed", g->relayed},                 /* for this one, but sent to another address */
        {"own", g->own},                         /* our own, heard back */
        {"unproven", g->unproven},               /* from senders that are not proven yet */
        {"refused_full", g->refused_full},       /* newcomers: the table was full */
        {"refused_rate", g->refused_rate},       /* newcomers: too many in a second */
        {"refused_memory", g->refused_memory},   /* newcomers: memory was short */
        {"timers_refused", g->timers_refused},   /* repetitions not said, probes done without a timer */
        {"answers_limited", g->answers_limited}, /* answers not given: too many to one source */
        {"opened_1", g->opened[0]},              /* opened by the first key of the ring, the second, ... */
        {"opened_2", g->opened[1]},
        {"opened_3", g->opened[2]},
        {"opened_4", g->opened[3]},
        {"listed", g->listed},                      /* peers listed now */
        {"pending", g->pending},                    /* peers heard, but not proven, now */
        {"interval_ms", g->interval_ms},            /* between our beats, now */
        {"key_tag", g->key_tag},                    /* of the key that seals, as each datagram shows it */
        {"isolated", g->health == HEALTH_ISOLATED}, /* 1: nobody answers this node */
        {"send_errors", s->udp.send_errors},        /* datagrams that the system did not take */
        {"receive_errors", s->udp.receive_errors},
        {"oversized", s->udp.oversized},           /* datagrams longer than any of ours */
        {"receive_buffer", s->udp.receive_buffer}, /* bytes that the kernel granted */
        {"overflowed", s->udp.overflowed},         /* datagrams that the kernel had no room for */
        {"filtered", s->udp.filtered}, /* that it dropped of a flood under other keys, or had no room for */
        {"frames_dropped", s->port.frames_dropped}, /* what the owner was too slow for; a snapshot followed */
        {"heartbeats_dropped", s->port.heartbeats_dropped}, /* heartbeat frames over the rate */
        {"logs_dropped", s->port.logs_dropped},             /* log lines over the rate */
        {"legacy_heard", s->legacy.heard}, /* beats of libcluster's; datagrams sent; and what was none */
        {"legacy_sent", s->legacy.sent},
        {"legacy_refused", s->legacy.refused},
    };
    size_t count = sizeof counters / sizeof counters[0];
    if (ei_x_encode_map_header(x, (long)count + 1) != 0) { /* and the interfaces */
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (put_number(x, counters[i].name, counters[i].value) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A number, or the atom unknown for what is negative. */
static int put_known(ei_x_buff *x, int64_t value)
{
    return value < 0 ? ei_x_encode_atom(x, "unknown") : ei_x_encode_ulonglong(x, (uint64_t)value);
}

/* {Boot, RoundTrip, Loss, Heard} */
static int put_measure(ei_x_buff *x, const struct measure *m)
{
    return put(ei_x_encode_tuple_header(x, 4) != 0 || put_boot(x, m->boot) != 0 ||
               put_known(x, m->round_trip) != 0 || put_known(x, m->loss) != 0 ||
               put_known(x, m->heard < 0 ? -1 : m->heard / MS_US) != 0);
}

int term_measures(struct term *t, uint32_t from, const struct measure *items, size_t count)
{
    if (put_tagged(t, 3, "measures") != 0 || ei_x_encode_ulong(&t->x, from) != 0 ||
        put_list(&t->x, count) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (put_measure(&t->x, &items[i]) != 0) {
            return -1;
        }
    }
    return put(count > 0 && ei_x_encode_empty_list(&t->x) != 0);
}

int term_stats(struct term *t, uint32_t ref, const struct stats *stats)
{
    return put(put_tagged(t, 3, "stats") != 0 || ei_x_encode_ulong(&t->x, ref) != 0 ||
               put_counters(&t->x, stats) != 0 ||
               put_interfaces(&t->x, stats->interfaces, stats->interface_count) != 0);
}
