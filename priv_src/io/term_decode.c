#include "term_decoder.h"

#include <string.h>

static int decode_leave(struct decoder *d, struct message *out)
{
    char reason[MAXATOMLEN_UTF8];
    int at = d->at;

    out->as.command.type = COMMAND_LEAVE;
    if (decoder_atom(d, reason) != 0) {
        return decoder_refuse(d, at, "the reason of leave", "left or beam_exit");
    }
    out->as.command.as.reason = strcmp(reason, "left") == 0        ? DOWN_LEFT
                                : strcmp(reason, "beam_exit") == 0 ? DOWN_BEAM_EXIT
                                                                   : 0;
    return out->as.command.as.reason != 0 ? 0
                                          : decoder_refuse(d, at, "the reason of leave", "left or beam_exit");
}

static int decode_keys(struct decoder *d, struct message *out)
{
    out->as.command.type = COMMAND_KEYS;
    return decoder_secrets(d, "keys", &out->secrets);
}

static int decode_stats(struct decoder *d, struct message *out)
{
    out->type = MESSAGE_STATS;
    return decoder_number(d, "the reference of stats", 0, INT32_MAX, "0..2147483647", &out->as.stats_ref);
}

static int decode_tuple(struct decoder *d, struct message *out)
{
    static const struct {
        const char *tag;
        int (*decode)(struct decoder *d, struct message *out);
    } tuples[] = {{"configure", term_configure},
                  {"alive", term_alive},
                  {"leave", decode_leave},
                  {"keys", decode_keys},
                  {"stats", decode_stats}};
    char tag[MAXATOMLEN_UTF8];
    int at;
    int arity = 0;

    if (ei_decode_tuple_header(decoder_buffer(d), &d->at, &arity) != 0 || arity != 2) {
        return decoder_refuse_secret(d, "a command", "an atom or a pair");
    }
    at = d->at;
    if (decoder_atom(d, tag) != 0) {
        return decoder_refuse_secret(d, "the tag of a command", "an atom");
    }
    for (size_t i = 0; i < sizeof tuples / sizeof tuples[0]; i++) {
        if (strcmp(tuples[i].tag, tag) == 0) {
            return tuples[i].decode(d, out);
        }
    }
    return decoder_refuse(d, at, "the tag of a command", "configure, alive, leave, keys or stats");
}

static int decode_word(struct decoder *d, struct message *out)
{
    char word[MAXATOMLEN_UTF8];
    int at = d->at;

    if (decoder_atom(d, word) != 0) {
        return decoder_refuse_secret(d, "a command", "an atom or a pair");
    }
    out->as.command.type = strcmp(word, "pulse") == 0      ? COMMAND_PULSE
                           : strcmp(word, "snapshot") == 0 ? COMMAND_SNAPSHOT
                           : strcmp(word, "hide") == 0     ? COMMAND_HIDE
                                                           : 0;
    return out->as.command.type != 0 ? 0 : decoder_refuse(d, at, "a command", "pulse, snapshot or hide");
}

int term_init(void)
{
    return ei_init() == 0 ? 0 : -1;
}

int term_decode(const uint8_t *frame, size_t len, struct message *out, struct fault *fault)
{
    struct decoder d = {.frame = frame, .len = len, .fault_kind = FAULT_BAD_COMMAND, .fault = fault};
    int version = 0;
    int type = 0;
    int size = 0;

    memset(out, 0, sizeof *out);
    if (len > INT32_MAX || etf_check(frame, len) != 0 ||
        ei_decode_version(decoder_buffer(&d), &d.at, &version) != 0 ||
        ei_get_type(decoder_buffer(&d), &d.at, &type, &size) != 0) {
        return fault_set(fault, FAULT_BAD_FRAME, "a frame of %lu bytes is not a term that belongs here",
                         (unsigned long)len);
    }
    out->type = MESSAGE_COMMAND;
    return type == ERL_SMALL_TUPLE_EXT ? decode_tuple(&d, out) : decode_word(&d, out);
}
