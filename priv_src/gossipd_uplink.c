#include "gossipd_state.h"

#include "clock.h"
#include "gossipd.h"
#include "wait.h"

#include <stdio.h>
#include <unistd.h>

/* A heartbeat frame is for people who watch; the owner is not to drown in them. */
#define HEARTBEATS_PER_SECOND 100
#define HEARTBEATS_BURST      500

#define PAGE_PEERS 64              /* in one frame of a snapshot */
#define LAST_WORDS (1 * SECOND_US) /* how long a fatal error may wait for the owner to read it */

/* Queues the term just encoded; `encoded` is what the encoder returned. */
static int queue(struct gossipd *d, int encoded, bool beyond)
{
    size_t len;
    const void *frame = term_bytes(d->term, &len);

    if (encoded == 0) {
        return beyond ? outbox_push_beyond(&d->outbox, frame, len) : outbox_push(&d->outbox, frame, len);
    }
    d->owes_snapshot = true; /* memory was short: as if the queue had overflowed */
    return -1;
}

void gossipd_tell_ready(struct gossipd *d)
{
    (void)queue(
        d,
        term_ready(d->term, GOSSIP_VERSION, gossip_boot(d->core), (long)getpid(), d->usable, d->usable_count),
        false);
    d->owes_snapshot = true;
}

void gossipd_tell_event(struct gossipd *d, const struct event *event)
{
    switch (event->type) {
    case EVENT_READY: /* told when it was configured */
        return;
    case EVENT_SNAPSHOT:
        d->owes_snapshot = true;
        return;
    case EVENT_HEARTBEAT:
        if (!bucket_take(&d->heartbeats, d->now, HEARTBEATS_BURST, HEARTBEATS_PER_SECOND)) {
            d->heartbeats_dropped++;
            return;
        }
        break;
    case EVENT_HEALTH:
        d->health = event->health;
        break;
    case EVENT_LEFT:
        d->left = true;
        break;
    default:
        break;
    }
    (void)queue(d, term_event(d->term, event), false);
}

void gossipd_tell_stats(struct gossipd *d, uint32_t ref)
{
    struct stats s = {.core = gossip_stats(d->core),
                      .udp = udp_stats(d->udp),
                      .port = {.frames_dropped = d->outbox.dropped,
                               .heartbeats_dropped = d->heartbeats_dropped,
                               .logs_dropped = d->log.dropped},
                      .interfaces = d->usable,
                      .interface_count = d->usable_count};

    (void)queue(d, term_stats(d->term, ref, &s), false);
}

void gossipd_tell_keys_changed(struct gossipd *d)
{
    (void)queue(d, term_atom(d->term, "keys_changed"), false);
}

void gossipd_tell_interfaces(struct gossipd *d)
{
    (void)queue(d, term_interfaces(d->term, d->usable, d->usable_count), false);
}

void gossipd_tell_log(void *context, uint8_t level, const char *text)
{
    struct gossipd *d = context;

    if (d->core != NULL) {
        (void)queue(d, term_log(d->term, level, text), false);
    } else if (level >= LEVEL_WARNING) {
        (void)fprintf(stderr, "gossipd: %s\n", text);
    }
}

struct page {
    struct gossipd *gossipd;
    size_t peers; /* in the page being built */
    bool first;
};

static int page_send(struct page *p)
{
    p->peers = 0;
    p->first = false;
    return queue(p->gossipd, term_page_end(p->gossipd->term), true);
}

static int page_add(void *context, const struct peer_view *peer)
{
    struct page *p = context;
    struct term *t = p->gossipd->term;

    if ((p->peers == 0 && term_page_begin(t, p->first) != 0) || term_page_peer(t, peer) != 0) {
        return -1;
    }
    p->peers++;
    return p->peers == PAGE_PEERS ? page_send(p) : 0;
}

/* All pages at once, so that the owner has one state of the roster and not parts of two. It is only done when
 * nothing else is queued: that is what bounds the memory, since a snapshot may exceed the queue's limit. */
static int snapshot(struct gossipd *d)
{
    struct page p = {.gossipd = d, .first = true};

    if (gossip_peers(d->core, page_add, &p) != 0) {
        return -1;
    }
    if (p.first && p.peers == 0 && term_page_begin(d->term, true) != 0) {
        return -1;
    }
    if ((p.first || p.peers > 0) && page_send(&p) != 0) {
        return -1;
    }
    return queue(d, term_atom(d->term, "snapshot_end"), true);
}

static void pay_snapshot(struct gossipd *d)
{
    d->owes_snapshot = snapshot(d) != 0; /* memory is short: again at the next wake-up */
    if (d->owes_snapshot || !d->owes_health) {
        return;
    }
    d->owes_health = false;
    (void)queue(d, term_health(d->term, d->health), false);
    gossipd_tell_interfaces(d);
    log_line(&d->log, LEVEL_WARNING,
             "this node did not read its events for a while; a fresh snapshot has replaced them");
}

void gossipd_flush(struct gossipd *d)
{
    if (outbox_write(&d->outbox, d->out) != 0) {
        d->ended = true;
    }
    if (outbox_take_overflow(&d->outbox)) {
        d->owes_snapshot = d->owes_health = true;
    }
    if (!d->owes_snapshot || d->core == NULL || !outbox_empty(&d->outbox) || d->ended) {
        return;
    }
    pay_snapshot(d);
    if (outbox_write(&d->outbox, d->out) != 0) {
        d->ended = true;
    }
}

void gossipd_tell_fault(struct gossipd *d)
{
    int64_t until = clock_now() + LAST_WORDS;
    struct pollfd fd = {.fd = d->out, .events = POLLOUT};

    log_clean(d->fault.text);
    if (queue(d, term_error(d->term, &d->fault), true) == 0) {
        while (outbox_write(&d->outbox, d->out) == 0 && !outbox_empty(&d->outbox) && clock_now() < until) {
            (void)wait_for(&fd, 1, until - clock_now());
        }
    }
    if (!outbox_empty(&d->outbox)) { /* nobody reads it there; else it would be told twice, at every try */
        (void)fprintf(stderr, "gossipd: %s\n", d->fault.text);
    }
}
