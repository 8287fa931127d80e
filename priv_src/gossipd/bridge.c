#include "bridge.h"

#include "legacy.h"
#include "links.h"
#include "random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DATAGRAMS_A_WAKE_UP 64

_Static_assert(LEGACY_BLOCK == CBC_BLOCK, "an IV is a block");

int bridge_open(struct bridge *b, const struct bridge_options *options, struct log *log, struct fault *fault)
{
    if (b->on) {
        return fault_set(fault, FAULT_BAD_COMMAND, "compat is on already: close the port and open a new one");
    }
    if (options->sealed && !cbc_available()) {
        return fault_set(
            fault, FAULT_BAD_CONFIG,
            "compat has libcluster's secret, but this gossipd was built without libcrypto; install "
            "it where gossipd is built (Debian: libssl-dev) and compile anew, or leave compat out");
    }
    *b = (struct bridge){.on = true, .options = *options, .log = log, .beat_at = NEVER};
    b->options.secret = NULL;
    b->names = calloc(1, sizeof *b->names);
    if (b->names == NULL) {
        return fault_set(fault, FAULT_MEMORY, "memory is short");
    }
    if (options->sealed) {
        b->cbc = cbc_new(options->secret, options->secret_len);
        if (b->cbc == NULL) {
            return fault_set(fault, FAULT_MEMORY, "memory is short");
        }
    }
    return 0;
}

void bridge_close(struct bridge *b)
{
    if (b->open) {
        legacy_udp_close(&b->udp);
    }
    cbc_free(b->cbc);
    free(b->names);
    *b = (struct bridge){0};
}

void bridge_name(struct bridge *b, const struct name *name, int64_t now)
{
    bool same = name != NULL && name_same(name, &b->own);
    b->own = name != NULL ? *name : (struct name){0};
    if (b->on && !same) {
        b->beat_at = name != NULL ? now : NEVER;
    }
}

static void open_socket(struct bridge *b)
{
    unsigned port = b->options.group.port;
    b->open = legacy_udp_open(&b->udp, &b->options.group, b->options.ttl) == 0;
    if (b->open) {
        log_line(b->log, LEVEL_INFO, "nodes with libcluster are found, too (compat), on UDP port %u, %s",
                 port, b->cbc != NULL ? "by its secret" : "in the clear: anybody can name nodes there");
    } else if (!b->complained) {
        log_line(
            b->log, LEVEL_WARNING,
            "nodes with libcluster are not found (compat): UDP port %u cannot be had: %s; it is tried again",
            port, strerror(errno));
        b->complained = true;
    }
}

void bridge_look(struct bridge *b, const struct interface *interfaces, size_t count, int64_t now)
{
    if (!b->on) {
        return;
    }
    if (!b->open) {
        open_socket(b);
    }
    bool renew = now - b->renewed_at >= (b->stale ? BRIDGE_RENEW_GAP : LINKS_REPORT_GAP);
    if (renew) {
        b->renewed_at = now;
        b->stale = false;
    }
    if (b->open) {
        legacy_udp_set(&b->udp, interfaces, count, renew);
    }
}

void bridge_links_changed(struct bridge *b)
{
    b->stale = true;
}

int64_t bridge_deadline(const struct bridge *b)
{
    return b->on ? b->beat_at : NEVER;
}

static size_t beat(const struct bridge *b, uint8_t out[static LEGACY_DATAGRAM_MAX])
{
    if (b->cbc == NULL) {
        return legacy_write(&b->own, out);
    }
    uint8_t plain[LEGACY_BEAT_MAX];
    size_t len = legacy_pad(plain, legacy_write(&b->own, plain));
    random_fill(NULL, out, LEGACY_BLOCK);
    cbc_encrypt(b->cbc, out, plain, len, out + LEGACY_BLOCK);
    return LEGACY_BLOCK + len;
}

/* 1 ms to 5 s. */
static int64_t a_while(void)
{
    uint32_t chance;
    random_fill(NULL, &chance, sizeof chance);
    return MS_US * (1 + chance % (uint32_t)(BRIDGE_BEAT_MAX / MS_US));
}

void bridge_tick(struct bridge *b, int64_t now)
{
    if (now < bridge_deadline(b)) {
        return;
    }
    b->beat_at = now + a_while();
    uint8_t datagram[LEGACY_DATAGRAM_MAX];
    size_t len = beat(b, datagram);
    if (b->open) {
        b->stats.sent += legacy_udp_send(&b->udp, datagram, len);
    }
}

int bridge_descriptor(const struct bridge *b)
{
    return b->open ? b->udp.fd : -1;
}

static int read_beat(const struct bridge *b, const uint8_t *datagram, size_t len, struct name *name)
{
    if (b->cbc == NULL) {
        return legacy_read(datagram, len, name);
    }
    uint8_t plain[LEGACY_DATAGRAM_MAX];
    size_t sealed = len - LEGACY_BLOCK;
    cbc_decrypt(b->cbc, datagram, datagram + LEGACY_BLOCK, sealed, plain);
    return legacy_read(plain, legacy_unpad(plain, sealed), name);
}

/* What cannot be one is passed over: our own group may have the same port. */
static bool likely(const struct bridge *b, const uint8_t *datagram, size_t len)
{
    return b->cbc != NULL ? legacy_sealed_likely(datagram, len) : legacy_plain_likely(datagram, len);
}

static void hear(struct bridge *b, struct uplink *uplink, int64_t now, const uint8_t *datagram, size_t len)
{
    if (b->own.len == 0 || !likely(b, datagram, len)) {
        return;
    }
    struct name name;
    if (!bucket_take(&b->bucket, now, BRIDGE_BURST, BRIDGE_PER_SECOND) ||
        read_beat(b, datagram, len, &name) != 0) {
        b->stats.refused++;
        return;
    }
    if (name_same(&name, &b->own)) {
        return;
    }
    b->stats.heard++;
    enum legacy_verdict verdict = legacy_names_heard(b->names, &name, now);
    if (verdict == LEGACY_TELL) {
        uplink_legacy(uplink, &name);
    }
    b->stats.refused += verdict == LEGACY_REFUSED;
}

void bridge_receive(struct bridge *b, struct uplink *uplink, int64_t now)
{
    uint8_t datagram[LEGACY_DATAGRAM_MAX];
    size_t len;
    int got = b->open ? -1 : 0;
    for (size_t i = 0; i < DATAGRAMS_A_WAKE_UP && got != 0; i++) {
        got = legacy_udp_receive(&b->udp, datagram, sizeof datagram, &len);
        if (got == 1) {
            hear(b, uplink, now, datagram, len);
        }
    }
}
