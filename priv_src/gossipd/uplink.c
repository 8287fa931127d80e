#include "uplink.h"

#include "clock.h"
#include "wait.h"

#include <stdio.h>
#include <string.h>

#define LAST_WORDS (1 * SECOND_US) /* how long a fatal error may wait for the owner to read it */
#define PARTING    (200 * MS_US)   /* and for how long it has the time to, once the pipe has taken it */

/* A log_sink. */
static void log_up(void *context, uint8_t level, const char *text);

int uplink_init(struct uplink *u, int out)
{
    *u = (struct uplink){.out = out, .outbox = outbox_new(OUTBOX_LIMIT), .term = term_new()};
    u->log = log_new(log_up, u);
    return u->term != NULL ? 0 : -1;
}

void uplink_free(struct uplink *u)
{
    outbox_free(&u->outbox);
    term_free(u->term);
    u->term = NULL;
}

void uplink_time(struct uplink *u, int64_t now)
{
    u->now = now;
    log_time(&u->log, now);
}

void uplink_configured(struct uplink *u)
{
    u->configured = true;
}

/* Queues the term just put; `put` is what the encoder returned. An overflow of the queue is seen at the next
 * flush. */
static int queue(struct uplink *u, int put)
{
    if (put != 0) { /* memory was short */
        u->outbox.dropped++;
        u->owed |= OWED_SNAPSHOT | OWED_STATE;
        return -1;
    }
    size_t len;
    const void *frame = term_bytes(u->term, &len);
    return outbox_push(&u->outbox, frame, len);
}

/* The same for what has a bound of its own. */
static int queue_beyond(struct uplink *u, int put)
{
    if (put != 0) {
        return -1;
    }
    size_t len;
    const void *frame = term_bytes(u->term, &len);
    return outbox_push_beyond(&u->outbox, frame, len);
}

static void log_up(void *context, uint8_t level, const char *text)
{
    struct uplink *u = context;
    if (u->configured) {
        (void)queue(u, term_log(u->term, level, text));
    } else if (level >= LEVEL_WARNING) {
        (void)fprintf(stderr, "gossipd: %s\n", text);
    }
}

static int put_ready(struct uplink *u)
{
    return term_ready(u->term, u->version, u->boot, u->pid, u->unicast_port, &u->network);
}

void uplink_ready(struct uplink *u, const char *version, uint64_t boot, long pid, uint16_t unicast_port)
{
    u->ready = u->greeting = true;
    u->version = version;
    u->boot = boot;
    u->pid = pid;
    u->unicast_port = unicast_port;
    if (queue(u, put_ready(u)) != 0) {
        u->owed |= OWED_READY;
    }
    u->owed |= OWED_SNAPSHOT;
}

void uplink_event(struct uplink *u, const struct event *event)
{
    switch (event->type) {
    case EVENT_SNAPSHOT:
        u->owed |= OWED_SNAPSHOT;
        return;
    case EVENT_HEARTBEAT:
        if (!bucket_take(&u->heartbeats, u->now, UPLINK_HEARTBEATS_BURST, UPLINK_HEARTBEATS_PER_SECOND)) {
            u->heartbeats_dropped++;
            return;
        }
        break;
    case EVENT_HEALTH:
        u->health = event->health;
        break;
    default:
        break;
    }
    (void)queue(u, term_event(u->term, event));
}

void uplink_stats(struct uplink *u, uint32_t ref, const struct gossip_stats *core,
                  const struct udp_stats *udp, const struct legacy_stats *legacy)
{
    struct stats s = {.core = *core,
                      .udp = *udp,
                      .legacy = *legacy,
                      .port = {.frames_dropped = u->outbox.dropped,
                               .heartbeats_dropped = u->heartbeats_dropped,
                               .logs_dropped = u->log.dropped},
                      .interfaces = u->network.items,
                      .interface_count = u->network.count};
    (void)queue(u, term_stats(u->term, ref, &s));
}

void uplink_measures(struct uplink *u, uint32_t from, const struct measure *items, size_t count)
{
    (void)queue(u, term_measures(u->term, from, items, count));
}

void uplink_legacy(struct uplink *u, const struct name *name)
{
    (void)queue(u, term_legacy(u->term, name));
}

void uplink_keys_changed(struct uplink *u)
{
    (void)queue(u, term_atom(u->term, "keys_changed"));
}

void uplink_pulse(struct uplink *u)
{
    if (!uplink_waits(u)) {
        (void)queue(u, term_atom(u->term, "pulse"));
    }
}

static void tell_network(struct uplink *u)
{
    (void)queue(u, term_interfaces(u->term, &u->network));
}

void uplink_network(struct uplink *u, const struct network *network)
{
    u->network = *network;
    if (u->ready) {
        tell_network(u);
    }
}

void uplink_reaches_more(struct uplink *u)
{
    if (u->ready && bucket_take(&u->reaches, u->now, UPLINK_REACHES_BURST, UPLINK_REACHES_PER_SECOND)) {
        (void)queue(u, term_atom(u->term, "reaches_more"));
    }
}

bool uplink_waits(const struct uplink *u)
{
    return !outbox_empty(&u->outbox);
}

struct page {
    struct uplink *uplink;
    size_t peers; /* in the page being built */
    bool first;
};

static int page_send(struct page *p)
{
    p->peers = 0;
    p->first = false;
    return queue_beyond(p->uplink, term_page_end(p->uplink->term));
}

static int page_add(void *context, const struct peer_view *peer)
{
    struct page *p = context;
    struct term *t = p->uplink->term;
    if ((p->peers == 0 && term_page_begin(t, p->first) != 0) || term_page_peer(t, peer) != 0) {
        return -1;
    }
    p->peers++;
    return p->peers == UPLINK_PAGE_PEERS ? page_send(p) : 0;
}

static int conflict_add(void *context, const struct peer_view *peer, const struct peer_view *other)
{
    struct uplink *u = context;
    const struct event e = {.type = EVENT_CONFLICT, .peer = *peer, .other = *other};
    return queue_beyond(u, term_event(u->term, &e));
}

/* All pages at once, so that the owner has one state of the roster and not parts of two. It is only done when
 * nothing else is queued: that is what bounds the memory, since a snapshot may exceed the queue's limit. */
static int snapshot(struct uplink *u, const struct gossip *core)
{
    struct page p = {.uplink = u, .first = true};
    if (gossip_peers(core, page_add, &p) != 0) {
        return -1;
    }
    if (p.first && p.peers == 0 && term_page_begin(u->term, true) != 0) {
        return -1;
    }
    if ((p.first || p.peers > 0) && page_send(&p) != 0) {
        return -1;
    }
    if (gossip_conflicts(core, conflict_add, u) != 0) {
        return -1;
    }
    return queue_beyond(u, term_atom(u->term, "snapshot_end"));
}

static void pay(struct uplink *u, const struct gossip *core)
{
    if ((u->owed & OWED_READY) != 0) {
        if (queue_beyond(u, put_ready(u)) != 0) {
            return; /* memory is short: again at the next wake-up */
        }
        u->owed &= (uint8_t)~OWED_READY;
    }
    if (snapshot(u, core) != 0) {
        return; /* the same */
    }
    uint8_t owed = u->owed;
    u->owed = 0;
    if ((owed & OWED_STATE) != 0) {
        (void)queue(u, term_health(u->term, u->health));
        tell_network(u);
    }
    if ((owed & OWED_WORD) != 0) {
        log_line(&u->log, LEVEL_WARNING,
                 "this node did not read its events for a while; a fresh snapshot has replaced them");
    }
}

static void write_out(struct uplink *u)
{
    if (outbox_write(&u->outbox, u->out) != 0) {
        u->broken = true;
    }
}

void uplink_flush(struct uplink *u, const struct gossip *core)
{
    write_out(u);
    if (outbox_take_overflow(&u->outbox)) {
        u->owed |= OWED_SNAPSHOT | OWED_STATE | OWED_WORD | (u->greeting ? OWED_READY : 0);
    }
    u->greeting = u->greeting && (uplink_waits(u) || (u->owed & OWED_READY) != 0);
    if (u->owed != 0 && core != NULL && !uplink_waits(u) && !u->broken) {
        pay(u, core);
        write_out(u);
    }
}

void uplink_fault(struct uplink *u, struct fault *fault)
{
    log_clean(fault->text);
    bool read = false;
    if (u->term != NULL && queue_beyond(u, term_error(u->term, fault)) == 0) {
        int64_t until = clock_now() + LAST_WORDS;
        struct pollfd fd = {.fd = u->out, .events = POLLOUT};
        while (outbox_write(&u->outbox, u->out) == 0 && uplink_waits(u) && clock_now() < until) {
            (void)wait_for(&fd, 1, until - clock_now());
        }
        read = !uplink_waits(u);
    }
    if (!read) { /* else it would be told twice, at every try */
        (void)fprintf(stderr, "gossipd: %s\n", fault->text);
    }
}

void uplink_part(int in)
{
    struct pollfd end = {.fd = in}; /* POLLHUP is told without being asked for */
    (void)wait_for(&end, 1, PARTING);
}
