/* What `gossipd watch` hears, and `gossipd doctor` takes for an answer: datagrams of three holders of the
 * key, one after the other, each with four bytes before it: the way (bit 0 by unicast, bits 1 and 2 from
 * where, bit 7 one byte of the seal is wrong), how many 100 ms pass before, and the message's length.
 * Whatever it is, the table keeps to its bound, and a row says what a row may. */
#include "knock.h"
#include "listener.h"

#include "build.h"
#include "forge.h"
#include "message/wire.h"
#include "prng.h"
#include "require.h"

#define ROWS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct listener *l)
{
    struct listener_summary s = listener_summary(l);
    struct listener_event e;
    size_t rows = listener_count(l), heard = 0, told = 0;
    require(rows <= ROWS && s.agree + s.others <= s.heard);
    for (size_t i = 0; i < rows; i++) {
        struct heard h;
        struct name valid;
        listener_row(l, i, &h);
        require(h.state >= HEARD_ONCE && h.state <= HEARD_TOLD && h.addr_count <= PEER_ADDRS);
        require(name_set(&valid, h.id.name.text, h.id.name.len) == 0);
        require(h.heard_ago >= 0 && h.loss <= 1000);
        heard += h.state <= HEARD_SUSPECT;
        told += h.state == HEARD_TOLD;
    }
    require(s.heard <= heard && s.told <= told);
    while (listener_event(l, &e)) {
        require(e.type >= LISTENER_FOUND && e.type <= LISTENER_PULSES && e.name.len > 0);
    }
}

/* What the doctor has asked, of a boot id and a nonce that can be echoed. */
static void answer(const uint8_t *datagram, size_t len)
{
    static const struct knock asked = {.boot = 7, .nonce = 9, .sequence = 1};
    struct keyring ring = build_ring("k");
    struct knock_answer a;
    struct name valid;
    if (knock_answers(&asked, &ring, datagram, len, &a)) {
        require(a.id.boot != 0 && a.host.len <= HOST_MAX);
        require(a.id.name.len == 0 || name_set(&valid, a.id.name.text, a.id.name.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prng chance = prng_from(5);
    struct listener_options options = {
        .keys = build_ring("k"), .max_rows = ROWS, .random = prng_fill, .random_context = &chance};
    struct forged all[] = {forge(100, "f@h3", 1, 5), forge(101, "g@h4", 1, 6), forge(102, "a@h1", 2, 7)};
    int64_t now = 100 * SECOND_US;
    struct listener *l = listener_new(&options, now);
    struct reader r = reader_over(data, size);
    require(l != NULL);
    while (reader_left(&r) >= 4) {
        uint8_t datagram[DATAGRAM_MAX], way = read_u8(&r);
        now += read_u8(&r) * 100 * MS_US;
        size_t len = read_u16(&r);
        len = len < reader_left(&r) ? len : reader_left(&r);
        len = len < WIRE_MESSAGE_MAX ? len : WIRE_MESSAGE_MAX;
        struct forged *f = &all[way / 2 % 4 % 3];
        const uint8_t *message = read_bytes(&r, len);
        struct reader id = reader_over(message, len);
        (void)read_bytes(&id, 8);
        f->id.boot = read_u64(&id); /* whoever the message says it is has sealed it: else it is malformed */
        size_t sealed = forge_seal_bytes(f, message, len, datagram);
        datagram[sealed - 1] ^= way & 0x80 ? 1 : 0;
        struct path path = {.kind = way & 1 ? PATH_UNICAST : PATH_GROUP, .addr = f->addr};
        listener_receive(l, now, 0, &path, datagram, sealed);
        listener_tick(l, now);
        look(l);
        answer(datagram, sealed);
    }
    listener_free(l);
    return 0;
}
