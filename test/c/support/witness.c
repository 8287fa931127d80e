#include "witness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "kit/intervals.h"

#define NONE SIZE_MAX

static void demand(const struct witness *w, bool kept, const char *format, ...)
{
    if (!kept) {
        va_list args;
        va_start(args, format);
        fprintf(stderr, "witness of %s: ", w->label);
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        va_end(args);
        abort();
    }
}

void witness_start(struct witness *w, const struct gossip *g, const struct gossip_options *options,
                   const char *label)
{
    memset(w, 0, offsetof(struct witness, list));
    memset(w->asked, 0, sizeof w->asked);
    w->claims_next = w->heard_next = 0;
    memset(w->claims, 0, sizeof w->claims); /* the others count by what stands in front */
    memset(w->heard, 0, sizeof w->heard);
    w->g = g;
    w->options = *options;
    w->label = label;
    w->sent_boot = gossip_boot(g);
    life_start(&w->life);
    flags_start(&w->flags);
}

int witness_open(const struct witness *w, const uint8_t *datagram, size_t len, struct wire_message *m)
{
    uint8_t plain[DATAGRAM_MAX];
    int key = len > DATAGRAM_MAX ? -1 : w->options.sealing->match(&w->options.keys, datagram, len);
    int size = key < 0 ? -1 : w->options.sealing->open(&w->options.keys, key, datagram, len, plain);
    return size < 0 ? -1 : wire_decode(m, plain, (size_t)size);
}

static bool trusts(const struct witness *w, uint64_t boot)
{
    size_t i = 0;
    while (i < w->trusted && w->trust[i] != boot) {
        i++;
    }
    return i < w->trusted;
}

static bool may_be_at(const struct witness *w, uint64_t boot, const struct addr *a)
{
    size_t i = 0;
    while (i < w->places && (w->place[i].boot != boot || !addr_same(&w->place[i].addr, a))) {
        i++;
    }
    return i < w->places;
}

static void trust(struct witness *w, uint64_t boot, const struct addr *a)
{
    if (!trusts(w, boot)) {
        demand(w, w->trusted < WITNESS_MAX, "more members than the test expects");
        w->trust[w->trusted++] = boot;
    }
    if (a != NULL && !may_be_at(w, boot, a)) {
        demand(w, w->places < WITNESS_MAX, "more addresses than the test expects");
        w->place[w->places].boot = boot;
        w->place[w->places++].addr = *a;
    }
}

uint64_t witness_nonce(const struct witness *w)
{
    for (size_t back = 1; back <= WITNESS_ASKED && back <= w->asked_next; back++) {
        size_t at = (w->asked_next - back) % WITNESS_ASKED;
        if (w->asked[at].boot == 0 && w->asked[at].addr.family == ADDR_NONE) {
            return w->asked[at].nonce;
        }
    }
    return 0;
}

static bool claims(const struct wire_message *m, const struct addr *a)
{
    size_t i = 0;
    while (i < m->own_count && !addr_same(&m->own[i], a)) {
        i++;
    }
    return i < m->own_count;
}

/* An echo: whom it proves, and where. Whether it answers what was asked lately. */
static bool receive_echo(struct witness *w, int64_t clock, const struct path *from,
                         const struct wire_message *m, uint64_t nonce)
{
    bool answers = false;
    for (size_t i = 0; i < WITNESS_ASKED; i++) {
        if (w->asked[i].nonce != nonce || clock - w->asked[i].at >= 2 * SECOND_US || w->asked[i].page) {
            continue;
        }
        answers = true;
        if (w->asked[i].boot == m->id.boot) {
            trust(w, m->id.boot, &w->asked[i].addr);
        } else if (w->asked[i].boot == 0 && w->asked[i].addr.family != ADDR_NONE) { /* a seed was asked */
            bool there = addr_same(&from->addr, &w->asked[i].addr) || claims(m, &w->asked[i].addr);
            if (there) {
                trust(w, m->id.boot, &w->asked[i].addr);
            }
        } else if (w->asked[i].boot == 0) {
            trust(w, m->id.boot, claims(m, &from->addr) ? &from->addr : NULL);
        }
    }
    return answers;
}

/* Where it was heard, which it said itself to be an address of its own: a vouch makes that count, until it
 * has said so elsewhere. What it says from another address, and does not call its own, takes nothing back. */
static void note_claim(struct witness *w, const struct wire_message *m, const struct addr *from)
{
    size_t i = 0;
    if (!claims(m, from)) {
        return;
    }
    while (i < WITNESS_CLAIMS && w->claims[i].boot != m->id.boot) {
        i++;
    }
    i = i < WITNESS_CLAIMS ? i : w->claims_next++ % WITNESS_CLAIMS;
    w->claims[i].boot = m->id.boot;
    w->claims[i].addr = *from;
}

static bool heard_at(const struct witness *w, uint64_t boot, const struct addr *a)
{
    size_t i = 0;
    while (i < WITNESS_CLAIMS && !(w->heard[i].boot == boot && addr_same(&w->heard[i].addr, a))) {
        i++;
    }
    return i < WITNESS_CLAIMS;
}

/* A copy came from there, perhaps, by another of its sender's links. */
static void note_heard(struct witness *w, uint64_t boot, const struct addr *from)
{
    if (!heard_at(w, boot, from)) {
        size_t i = w->heard_next++ % WITNESS_CLAIMS;
        w->heard[i].boot = boot;
        w->heard[i].addr = *from;
    }
}

/* Who is told of at a link-local IPv6 address may be where its host is, at the same port. */
static void trust_host(struct witness *w, const struct wire_entry *e, uint16_t port)
{
    struct addr all[HOST_ADDRS];
    size_t count = host_addresses(&e->host, port, all);
    for (size_t i = 0; i < count; i++) {
        if (all[i].family == ADDR_IPV6 && !addr_is_link_local(&all[i])) {
            trust(w, e->id.boot, &all[i]);
        }
    }
}

/* A trusted member tells of another. */
static void receive_entry(struct witness *w, const struct wire_entry *e)
{
    trust(w, e->id.boot, NULL);
    for (size_t k = 0; k < e->addr_count; k++) {
        trust(w, e->id.boot, &e->addrs[k]);
        if (e->addrs[k].family == ADDR_IPV6 && addr_is_link_local(&e->addrs[k])) {
            trust_host(w, e, e->addrs[k].port);
        }
    }
    for (size_t i = 0; i < WITNESS_CLAIMS; i++) {
        if (w->claims[i].boot == e->id.boot) {
            trust(w, e->id.boot, &w->claims[i].addr);
        }
    }
}

/* Whether entries count, from a sender that is trusted. */
static bool may_vouch(struct witness *w, const struct wire_message *m)
{
    bool asked_for = false;
    for (size_t i = 0; i < m->echo_count && m->type == WIRE_ROSTER && (m->has & HAS_TOTAL); i++) {
        for (size_t k = 0; k < WITNESS_ASKED; k++) {
            if (w->asked[k].page && m->echoes[i].boot == gossip_boot(w->g) &&
                w->asked[k].nonce == m->echoes[i].nonce && w->asked[k].boot == m->id.boot) {
                asked_for = true;
            }
        }
    }
    bool rides = (m->has & HAS_TO) != 0 && (m->type == WIRE_PROBE || m->type == WIRE_ACK);
    return asked_for || rides || m->type == WIRE_NEWS;
}

static bool is_for(const struct witness *w, const struct path *from, const struct wire_message *m)
{
    bool to_one = (m->has & HAS_TO) != 0;
    bool anybody = m->to_boot == 0 && m->type == WIRE_HELLO && (m->has & HAS_QUESTION);
    if (from->kind == PATH_GROUP) {
        return !to_one && m->type != WIRE_ROSTER && m->type != WIRE_PROBE_FOR &&
               (m->type != WIRE_DISCONNECT || (m->has & HAS_TARGET) != 0);
    }
    return to_one && (m->to_boot == gossip_boot(w->g) || anybody) && addr_same(&m->to, &from->local);
}

void witness_clock(struct witness *w, int64_t now, int64_t clock)
{
    life_clock(&w->life, now, clock);
    w->flags.now = now;
}

void witness_receive(struct witness *w, int64_t clock, const struct path *from, const struct origin *origin,
                     const uint8_t *datagram, size_t len)
{
    static struct wire_message m;
    w->loud = w->announced;
    if (!w->announced || witness_open(w, datagram, len, &m) != 0) {
        return;
    }
    bool answers = false, own = m.id.boot == gossip_boot(w->g);
    w->misplaced = !own && !is_for(w, from, &m);
    for (size_t i = 0; !w->misplaced && i < m.echo_count; i++) {
        if (m.echoes[i].boot == gossip_boot(w->g) && m.echoes[i].nonce != 0) {
            answers = receive_echo(w, clock, from, &m, m.echoes[i].nonce) || answers;
        }
    }
    if (!own) {
        life_receive(&w->life, w->g, m.id.boot, m.interval_ms * MS_US, answers, from, origin,
                     &w->options.advertise);
        flags_receive(&w->flags, w->g, m.id.boot, from->kind == PATH_GROUP);
    }
    if (w->misplaced) {
        return;
    }
    w->stranger = !trusts(w, m.id.boot);
    note_claim(w, &m, &from->addr);
    note_heard(w, m.id.boot, &from->addr);
    w->unheard = (m.flags & WIRE_FAR) != 0;
    bool all_heard = from->kind == PATH_GROUP && m.type == WIRE_HELLO;
    w->limit = !all_heard ? 3 * len : (m.has & HAS_QUESTION) != 0 ? len : 3 * len / 2;
    for (size_t i = 0; i < m.own_count && trusts(w, m.id.boot); i++) {
        if (heard_at(w, m.id.boot, &m.own[i])) {
            trust(w, m.id.boot, &m.own[i]);
        }
    }
    for (size_t i = 0; !w->stranger && may_vouch(w, &m) && i < m.entry_count; i++) {
        receive_entry(w, &m.entries[i]);
    }
}

void witness_command(struct witness *w, const struct command *c)
{
    w->loud = w->announced;
    flags_command(&w->flags, c);
    if (c->type == COMMAND_ALIVE) {
        w->self = c->as.alive.self;
        w->announced = w->loud = true;
    } else if (c->type == COMMAND_KEYS) {
        w->options.keys = c->as.keys;
    }
}

static void check_send(struct witness *w, int64_t clock, const struct path *path, const uint8_t *data,
                       size_t len)
{
    struct wire_message m;
    demand(w, ++w->sent <= 1 || !w->stranger, "a stranger makes it send more than once");
    demand(w, len <= w->limit || !w->stranger, "a stranger makes it send %zu bytes, %zu are allowed", len,
           w->limit);
    demand(w, !w->misplaced, "what is not for it makes it send");
    demand(w, w->loud, "sends, though it is not announced");
    demand(w, len <= DATAGRAM_MAX && witness_open(w, data, len, &m) == 0,
           "sends what does not open and decode");
    demand(w, path->kind == PATH_GROUP || (path->kind == PATH_UNICAST && addr_ip_len(path->addr.family) > 0),
           "sends to nowhere");
    uint64_t sequence = seal_sequence(data);
    bool new_life = m.id.boot != w->sent_boot;
    demand(w, sequence == (new_life ? 1 : w->sent_sequence + 1), "sends number %" PRIu64 " after %" PRIu64,
           sequence, w->sent_sequence);
    demand(w, m.type >= WIRE_HELLO && m.type <= WIRE_DISCONNECT, "sends a message of type %u", m.type);
    bool asks = (m.flags & WIRE_ASK) != 0; /* it was too long; or it goes to who knows it */
    bool brief = (m.type == WIRE_PROBE && asks) || (m.type == WIRE_ACK && (asks || w->unheard));
    demand(w, m.nonce != 0 && (m.id.name.len > 0 || brief), "sends without a nonce or a name");
    w->sent_boot = m.id.boot;
    w->sent_sequence = sequence;
    demand(w, (path->kind == PATH_UNICAST) == ((m.has & HAS_TO) != 0), "does not say whether it is for one");
    demand(w, path->kind == PATH_GROUP || addr_same(&path->addr, &m.to), "does not say where it sends it");
    const char *wrong = flags_send(&w->flags, w->g, path->kind == PATH_GROUP, &m);
    demand(w, wrong == NULL, "%s", wrong);
    bool page = m.type == WIRE_ROSTER && (m.has & HAS_TOTAL) == 0;
    size_t at = w->asked_next++ % WITNESS_ASKED;
    w->asked[at].nonce = m.nonce;
    w->asked[at].boot = path->kind == PATH_GROUP ? 0 : m.to_boot;
    w->asked[at].addr = path->kind == PATH_GROUP ? (struct addr){0} : path->addr;
    w->asked[at].at = clock;
    w->asked[at].page = page;
}

static size_t listed_boot(const struct witness *w, uint64_t boot)
{
    size_t i = 0;
    while (i < w->listed && w->list[i].boot != boot) {
        i++;
    }
    return i < w->listed ? i : NONE;
}

static size_t listed_name(const struct witness *w, const struct name *name)
{
    size_t i = 0;
    while (i < w->listed && !name_same(&w->list[i].name, name)) {
        i++;
    }
    return i < w->listed ? i : NONE;
}

static void check_up(struct witness *w, const struct identity *id)
{
    demand(w, trusts(w, id->boot), "up of %016" PRIx64 ", who proved nothing", id->boot);
    demand(w, listed_boot(w, id->boot) == NONE && listed_name(w, &id->name) == NONE, "up of the listed %.*s",
           (int)id->name.len, id->name.text);
    demand(w, !name_same(&id->name, &w->self.name), "up of its own name");
    demand(w, w->listed < w->options.max_peers, "up of one too many");
    w->list[w->listed].boot = id->boot;
    w->list[w->listed].creation = id->creation;
    w->list[w->listed++].name = id->name;
}

/* Of a listed peer; or a new sidecar of the same BEAM has taken over. */
static void check_update(struct witness *w, const struct identity *id)
{
    size_t at = listed_boot(w, id->boot);
    if (at != NONE) {
        demand(w, name_same(&w->list[at].name, &id->name), "update changes a name");
        return;
    }
    at = listed_name(w, &id->name);
    demand(w, at != NONE, "update of the unlisted %.*s", (int)id->name.len, id->name.text);
    demand(w, trusts(w, id->boot), "update by %016" PRIx64 ", who proved nothing", id->boot);
    demand(w, w->list[at].creation == id->creation, "update changes a creation");
    w->list[at].boot = id->boot;
}

static void check_event(struct witness *w, const struct event *e)
{
    const struct identity *id = &e->peer.id;
    size_t at = listed_boot(w, id->boot);
    struct tags tags;
    demand(w, tags_set(&tags, 1, e->peer.tags.bytes, e->peer.tags.len) == 0, "tells tags that are none");
    if (e->type == EVENT_UP || e->type == EVENT_DOWN || at == NONE) {
        flags_event(&w->flags, id->boot);
    }
    switch (e->type) {
    case EVENT_UP:
        check_up(w, id);
        break;
    case EVENT_UPDATE:
        check_update(w, id);
        break;
    case EVENT_DOWN:
        demand(w, at != NONE && name_same(&w->list[at].name, &id->name), "down of the unlisted %.*s",
               (int)id->name.len, id->name.text);
        demand(w, e->reason >= DOWN_LEFT && e->reason <= DOWN_SILENT, "down for no reason");
        w->list[at] = w->list[--w->listed];
        break;
    case EVENT_CONFLICT:
        demand(w, trusts(w, id->boot) && at == NONE, "conflict with who is listed, or proved nothing");
        demand(w, name_same(&id->name, &e->other.id.name) && id->boot != e->other.id.boot, "no conflict");
        demand(w, e->other.id.boot == gossip_boot(w->g) || listed_boot(w, e->other.id.boot) != NONE,
               "conflict with nobody");
        break;
    case EVENT_SETTLED:
        demand(w, at == NONE, "the listed is settled");
        break;
    case EVENT_HEALTH:
        demand(w, e->health != w->health && e->health <= HEALTH_ISOLATED, "health unchanged");
        w->health = e->health;
        break;
    case EVENT_HEARTBEAT:
        demand(w, w->options.heartbeats == 1 && at != NONE, "heartbeat unasked for, or of the unlisted");
        break;
    case EVENT_DISCONNECTED:
        demand(w, at != NONE, "a word of the unlisted");
        break;
    case EVENT_HEARD:
        demand(w, at != NONE && e->peer.heard && trusts(w, id->boot),
               "heard of the unlisted, or of who was not");
        break;
    case EVENT_LINK:
        demand(w, e->link.ifindex != 0 || e->link.deaf != w->deaf || e->link.mute != w->mute,
               "a link unchanged");
        w->deaf = e->link.ifindex == 0 ? e->link.deaf : w->deaf;
        w->mute = e->link.ifindex == 0 ? e->link.mute : w->mute;
        break;
    case EVENT_RELAYED:
        demand(w, w->misplaced, "tells of a relay that there is not");
        break;
    case EVENT_LEFT:
        w->listed = w->trusted = w->places = 0; /* a new life, in which everything is to be proven anew */
        w->deaf = w->mute = 0;
        w->announced = false;
        break;
    default:
        demand(w, e->type == EVENT_SNAPSHOT, "event of type %u", e->type);
        break;
    }
}

void witness_effect(struct witness *w, int64_t clock, const struct effect *e)
{
    bool announced = w->announced;
    if (e->type == EFFECT_SEND) {
        check_send(w, clock, &e->as.send.path, e->as.send.data, e->as.send.len);
    } else if (e->type == EFFECT_EVENT) {
        demand(w, !w->stranger && (!w->misplaced || e->as.event.type == EVENT_RELAYED),
               "a stranger makes it tell something");
        check_event(w, &e->as.event);
        /* A change of name is a leave and a new life in one step. */
        w->announced = w->announced || (announced && inside_announced(w->g));
    } else {
        demand(w, false, "no effect");
    }
}

struct walk {
    const struct witness *w;
    size_t count;
};

static int check_peer(void *context, const struct peer_view *v)
{
    struct walk *walk = context;
    const struct witness *w = walk->w;
    size_t at = listed_boot(w, v->id.boot);
    demand(w, at != NONE && name_same(&w->list[at].name, &v->id.name), "lists %.*s, and told nobody",
           (int)v->id.name.len, v->id.name.text);
    demand(w, v->status >= STATUS_ALIVE && v->status <= STATUS_STALLED && v->addr_count <= PEER_ADDRS,
           "no status");
    for (size_t i = 0; i < v->addr_count; i++) {
        demand(w, may_be_at(w, v->id.boot, &v->addrs[i]), "believes an address that proved nothing");
    }
    walk->count++;
    return 0;
}

void witness_after(struct witness *w, const struct effects *fx, int64_t now, bool ticked)
{
    struct walk walk = {.w = w};
    struct gossip_stats s = gossip_stats(w->g);
    (void)gossip_peers(w->g, check_peer, &walk);
    demand(w, walk.count == w->listed && s.listed == w->listed, "told of %zu, lists %zu", w->listed,
           walk.count);
    demand(w, s.health == w->health, "health untold");
    demand(w,
           s.pending <= PENDING_MAX && inside_members(w->g) <= 2 * (size_t)w->options.max_peers &&
               inside_timers(w->g) <= inside_timers_limit(w->g),
           "a table has grown beyond its bound");
    demand(w, fx->refused == 0, "effects were lost");
    uint64_t judged = s.foreign + s.forged + s.malformed + s.copies;
    for (size_t i = 0; i < KEYRING_MAX; i++) {
        judged += s.opened[i];
    }
    /* The rest is its own, which it knows without opening; a clone's is own, too, and is opened. */
    demand(w, s.received >= judged && s.received - judged <= s.own,
           "a datagram was counted twice, or not at all");
    demand(w, w->announced == inside_announced(w->g), "announced, or not, and told nobody");
    flags_after(&w->flags, w->g);
    const char *life = life_after(&w->life, w->g);
    demand(w, life == NULL, "takes for a sign of life %s", life);
    int64_t deadline = gossip_deadline(w->g);
    int64_t longest = interval_longer(w->options.interval_ms * MS_US, 2 * (size_t)w->options.max_peers + 1,
                                      WIRE_FIELD_HEADER + 4 + TAGS_MAX);
    demand(w, !ticked || deadline > now, "ticked, and wants to be ticked at once");
    demand(w, !w->announced || deadline <= now + longest, "announced, and wants to sleep for too long");
    w->loud = w->announced;
    w->stranger = w->misplaced = false;
    w->sent = 0;
}
