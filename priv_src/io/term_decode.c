#include "buf.h"
#include "term_cursor.h"

#include <string.h>

static int decode_leave(struct cursor *c, struct message *out)
{
    out->as.command.type = COMMAND_LEAVE;
    int at = c->at;
    char reason[MAXATOMLEN_UTF8];
    if (cursor_atom(c, reason) != 0) {
        return cursor_refuse(c, at, "the reason of leave", "left or beam_exit");
    }
    out->as.command.as.reason = strcmp(reason, "left") == 0        ? DOWN_LEFT
                                : strcmp(reason, "beam_exit") == 0 ? DOWN_BEAM_EXIT
                                                                   : 0;
    return out->as.command.as.reason != 0 ? 0
                                          : cursor_refuse(c, at, "the reason of leave", "left or beam_exit");
}

static int decode_disconnected(struct cursor *c, struct message *out)
{
    out->as.command.type = COMMAND_DISCONNECTED;
    int at = c->at;
    const uint8_t *boot;
    size_t len;
    if (cursor_bytes(c, &boot, &len) != 0 || len != 8) {
        return cursor_refuse(c, at, "the peer of disconnected", "the 8 bytes of a boot id");
    }
    struct reader r = reader_over(boot, len);
    out->as.command.as.boot = read_u64(&r);
    return 0;
}

static int decode_keys(struct cursor *c, struct message *out)
{
    out->as.command.type = COMMAND_KEYS;
    return term_secrets(c, "keys", &out->secrets);
}

static int decode_stats(struct cursor *c, struct message *out)
{
    out->type = MESSAGE_STATS;
    return cursor_number(c, "the reference of stats", 0, INT32_MAX, "0..2147483647", &out->as.stats_ref);
}

static int decode_measures(struct cursor *c, struct message *out)
{
    out->type = MESSAGE_MEASURES;
    return cursor_number(c, "the first of measures", 0, UINT16_MAX, "0..65535", &out->as.measures_from);
}

static int decode_siblings(struct cursor *c, struct message *out)
{
    out->type = MESSAGE_SIBLINGS;
    int at = c->at;
    int arity = 0;
    if (ei_decode_list_header(cursor_buffer(c), &c->at, &arity) != 0 || arity > SIBLINGS_MAX) {
        return cursor_refuse(c, at, "siblings", "a list of 0..64 UDP ports, 1024..65535");
    }
    struct siblings *siblings = &out->as.siblings;
    for (int i = 0; i < arity; i++) {
        uint32_t port = 0;
        if (cursor_number(c, "each of siblings", 1024, 65535, "1024..65535", &port) != 0) {
            return -1;
        }
        siblings->ports[i] = (uint16_t)port;
    }
    siblings->count = (uint8_t)arity;
    return 0; /* etf_check lets no improper list through */
}

static int decode_tuple(struct cursor *c, struct message *out)
{
    int arity = 0;
    if (ei_decode_tuple_header(cursor_buffer(c), &c->at, &arity) != 0 || arity != 2) {
        return cursor_refuse_secret(c, "a command", "an atom or a pair");
    }
    int at = c->at;
    char tag[MAXATOMLEN_UTF8];
    if (cursor_atom(c, tag) != 0) {
        return cursor_refuse_secret(c, "the tag of a command", "an atom");
    }
    static const struct {
        const char *tag;
        int (*decode)(struct cursor *c, struct message *out);
    } tuples[] = {{"configure", term_configure}, {"compat", term_compat},
                  {"alive", term_alive},         {"leave", decode_leave},
                  {"keys", decode_keys},         {"siblings", decode_siblings},
                  {"seeds", term_seeds},         {"stats", decode_stats},
                  {"measures", decode_measures}, {"disconnected", decode_disconnected}};
    for (size_t i = 0; i < sizeof tuples / sizeof tuples[0]; i++) {
        if (strcmp(tuples[i].tag, tag) == 0) {
            return tuples[i].decode(c, out);
        }
    }
    return cursor_refuse(
        c, at, "the tag of a command",
        "configure, compat, alive, leave, keys, siblings, seeds, stats, measures or disconnected");
}

static int decode_word(struct cursor *c, struct message *out)
{
    int at = c->at;
    char word[MAXATOMLEN_UTF8];
    if (cursor_atom(c, word) != 0) {
        return cursor_refuse_secret(c, "a command", "an atom or a pair");
    }
    out->as.command.type = strcmp(word, "pulse") == 0      ? COMMAND_PULSE
                           : strcmp(word, "snapshot") == 0 ? COMMAND_SNAPSHOT
                           : strcmp(word, "hide") == 0     ? COMMAND_HIDE
                                                           : 0;
    return out->as.command.type != 0 ? 0 : cursor_refuse(c, at, "a command", "pulse, snapshot or hide");
}

int term_init(void)
{
    return ei_init() == 0 ? 0 : -1;
}

int term_decode(const uint8_t *frame, size_t len, struct message *out, struct fault *fault)
{
    memset(out, 0, sizeof *out);
    struct cursor c = {.frame = frame, .len = len, .fault_kind = FAULT_BAD_COMMAND, .fault = fault};
    int version = 0;
    int type = 0;
    int size = 0;
    if (len > INT32_MAX || etf_check(frame, len) != 0 ||
        ei_decode_version(cursor_buffer(&c), &c.at, &version) != 0 ||
        ei_get_type(cursor_buffer(&c), &c.at, &type, &size) != 0) {
        return fault_set(fault, FAULT_BAD_FRAME, "a frame of %lu bytes is not a term that belongs here",
                         (unsigned long)len);
    }
    out->type = MESSAGE_COMMAND;
    return type == ERL_SMALL_TUPLE_EXT ? decode_tuple(&c, out) : decode_word(&c, out);
}
