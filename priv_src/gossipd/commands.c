#include "clock.h"
#include "confine.h"
#include "derived.h"
#include "gossipd.h"
#include "parts.h"
#include "primitives.h"
#include "random.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READS_A_WAKE_UP 16 /* then the network has its turn */

/* Derives the ring. Blocks for some 25 ms a cookie or passphrase: once at the start, when nothing is going
 * on, and when keys are rotated, which is rare. */
static int derive(struct gossipd *d, const struct secrets *secrets, struct keyring *out)
{
    *out = (struct keyring){0};
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret *s = &secrets->items[i];
        if (keyring_add(out, s->kind, s->data, s->len, d->scope, d->scope_len) != 0) {
            keyring_wipe(out);
            return fault_set(&d->fault, FAULT_MEMORY,
                             "a key could not be derived: it takes 19 MiB of memory");
        }
    }
    return 0;
}

/* The sockets are opened before the keys are derived, so that what is said meanwhile waits in their buffers.
 */
static int configure(struct gossipd *d, const struct message *m)
{
    const struct config *c = &m->as.config;
    d->scope_len = keyring_scope(d->scope, &c->group, c->label, c->label_len);
    struct udp_options udp = {.group = c->group,
                              .group6 = c->group6,
                              .ttl = c->ttl,
                              .broadcast = c->broadcast,
                              .unicast_first = c->unicast_first,
                              .unicast_last = c->unicast_last};
    struct gossip_options options = {.interval_ms = c->interval_ms,
                                     .max_peers = c->max_peers,
                                     .heartbeats = c->heartbeats,
                                     .advertise = c->advertise,
                                     .random = random_fill,
                                     .sealing = &gossip_sealed};
    struct interface_filter interfaces = c->interfaces;
    interfaces.ipv6 = c->group6.family != ADDR_NONE;
    if (links_open(&d->links, &udp, &interfaces, &d->uplink.log, &d->fault) != 0 ||
        derive(d, &m->secrets, &options.keys) != 0) {
        return -1;
    }
    d->now = clock_now();
    udp_set_ring(d->links.udp, &options.keys);
    int started = engine_start(&d->engine, &options, d->now, &d->links, &d->uplink);
    derived_tell(d->uplink.out, &m->secrets, &options.keys); /* the port's first frame */
    keyring_wipe(&options.keys);
    if (started != 0) {
        return fault_set(&d->fault, FAULT_MEMORY, "memory is short");
    }
    uplink_configured(&d->uplink);
    engine_look(&d->engine, d->now);
    uplink_ready(&d->uplink, GOSSIP_VERSION, gossip_boot(d->engine.core), (long)getpid(),
                 udp_port(d->links.udp));
    if (d->sandbox) {
        confine(&d->uplink, d->in, c->max_peers); /* before the first datagram is read */
    }
    return 0;
}

/* libcluster's wire is on from now on. */
static int compat(struct gossipd *d, const struct message *m)
{
    const struct secret *secret = m->secrets.count > 0 ? &m->secrets.items[0] : NULL;
    struct bridge_options options = {.group = m->as.config.group,
                                     .ttl = m->as.config.ttl,
                                     .sealed = secret != NULL,
                                     .secret = secret != NULL ? secret->data : NULL,
                                     .secret_len = secret != NULL ? secret->len : 0};
    if (bridge_open(&d->bridge, &options, &d->uplink.log, &d->fault) != 0) {
        return -1;
    }
    size_t count;
    const struct interface *interfaces = udp_interfaces(d->links.udp, &count);
    bridge_look(&d->bridge, interfaces, count, d->now);
    return 0;
}

/* Said there is who may be dialled: once its distribution listens. */
static void say_on_bridge(struct gossipd *d, const struct command *c)
{
    if (c->type == COMMAND_ALIVE) {
        bool listens = c->as.alive.self.dist_port != 0;
        bridge_name(&d->bridge, listens ? &c->as.alive.self.name : NULL, d->now);
    } else if (c->type == COMMAND_HIDE || c->type == COMMAND_LEAVE) {
        bridge_name(&d->bridge, NULL, d->now);
    }
}

static int command(struct gossipd *d, struct message *m)
{
    struct command *c = &m->as.command;
    if (c->type == COMMAND_KEYS) {
        if (derive(d, &m->secrets, &c->as.keys) != 0) {
            return -1;
        }
        d->now = clock_now();
        /* Under the old ring, and before any timer that is late by now. */
        engine_drain(&d->engine, d->now);
        udp_set_ring(d->links.udp, &c->as.keys);
    }
    engine_command(&d->engine, d->now, c);
    say_on_bridge(d, c);
    if (c->type == COMMAND_KEYS) {
        uplink_keys_changed(&d->uplink);
    } else if (c->type == COMMAND_PULSE) {
        uplink_pulse(&d->uplink);
    }
    return 0;
}

static void answer_stats(struct gossipd *d, uint32_t ref)
{
    struct gossip_stats core = engine_stats(&d->engine);
    struct udp_stats udp = udp_stats(d->links.udp);
    uplink_stats(&d->uplink, ref, &core, &udp, &d->bridge.stats);
}

static void answer_measures(struct gossipd *d, uint32_t from)
{
    struct measure items[MEASURES_MAX];
    size_t count = gossip_measures(d->engine.core, d->now, from, items, MEASURES_MAX);
    uplink_measures(&d->uplink, from, items, count);
}

static int obey(struct gossipd *d, struct message *m)
{
    if (d->engine.core == NULL && m->type != MESSAGE_CONFIGURE) {
        return fault_set(&d->fault, FAULT_BAD_COMMAND, "the first frame must be the configuration");
    }
    if (d->engine.core != NULL && m->type == MESSAGE_CONFIGURE) {
        return fault_set(&d->fault, FAULT_BAD_COMMAND,
                         "it is configured already: close the port and open a new one");
    }
    if (m->type == MESSAGE_CONFIGURE) {
        return configure(d, m);
    }
    if (m->type == MESSAGE_COMMAND) {
        return command(d, m);
    }
    if (m->type == MESSAGE_COMPAT) {
        return compat(d, m);
    }
    if (m->type == MESSAGE_SIBLINGS) {
        d->engine.siblings = m->as.siblings;
    } else if (m->type == MESSAGE_SEEDS) {
        gossip_seeds(d->engine.core, d->now, m->as.seeds.items, m->as.seeds.count);
        links_seeds(&d->links, m->as.seeds.count > 0);
    } else if (m->type == MESSAGE_MEASURES) {
        answer_measures(d, m->as.measures_from);
    } else {
        answer_stats(d, m->as.stats_ref);
    }
    return 0;
}

/* Obeys all whole frames. */
static int frames(struct gossipd *d)
{
    uint8_t *frame;
    size_t len;
    int got;
    while ((got = frame_next(&d->parser, &frame, &len)) == 1) {
        struct message m;
        int result = term_decode(frame, len, &m, &d->fault);
        if (result == 0) {
            result = obey(d, &m);
        }
        primitives_wipe(&m, sizeof m); /* the frame itself is wiped by the parser */
        if (result != 0) {
            return -1;
        }
    }
    if (got < 0) {
        return fault_set(&d->fault, FAULT_BAD_FRAME, "a frame is longer than 1 MiB");
    }
    return 0;
}

int commands_read(struct gossipd *d)
{
    for (int i = 0; i < READS_A_WAKE_UP; i++) {
        size_t room;
        uint8_t *at = frame_room(&d->parser, &room);
        if (at == NULL) {
            return fault_set(&d->fault, FAULT_MEMORY, "memory is short");
        }
        ssize_t n = read(d->in, at, room);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return 0;
        }
        if (n <= 0) {
            d->ended = true; /* a broken pipe is as much an end as a closed one */
            return 0;
        }
        frame_filled(&d->parser, (size_t)n);
        if (frames(d) != 0) {
            return -1;
        }
        if ((size_t)n < room) {
            return 0; /* that was all, for now */
        }
    }
    return 0;
}
