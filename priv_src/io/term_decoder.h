/* What the decoders of commands share: a place in one frame, and steps from there. Used by term_*.c alone.
 *
 * Every step returns 0, or -1 and has set the fault. etf_check has accepted the frame before, so ei cannot
 * run past its end. */
#ifndef GOSSIP_TERM_DECODER_H
#define GOSSIP_TERM_DECODER_H

#include "etf.h"
#include "term.h"

_Static_assert(MAXATOMLEN_UTF8 > ETF_ATOM_MAX, "any atom that etf_check lets through fits");

struct decoder {
    const uint8_t *frame;
    size_t len;
    int at;             /* ei's index; a frame is at most 1 MiB, so an int holds it */
    uint8_t fault_kind; /* what a wrong term is here: a bad configuration, or a bad command */
    struct fault *fault;
};

/* ei's view of the frame. */
const char *decoder_buffer(const struct decoder *d);

/* "NAME is GIVEN, but must be ALLOWED", about the term at `at`. -1. */
int decoder_refuse(const struct decoder *d, int at, const char *name, const char *allowed);

/* The same for what must not be shown. -1. */
int decoder_refuse_secret(const struct decoder *d, const char *name, const char *allowed);

/* These two say -1 and leave the fault to the caller, who knows what is allowed. The bytes point into the
 * frame. */
int decoder_atom(struct decoder *d, char out[static MAXATOMLEN_UTF8]);
int decoder_bytes(struct decoder *d, const uint8_t **out, size_t *len);

/* A number from `least` to `most`; `allowed` says so in words. */
int decoder_number(struct decoder *d, const char *name, uint32_t least, uint32_t most, const char *allowed,
                   uint32_t *out);

int decoder_bool(struct decoder *d, const char *name, bool *out);

/* Decodes the value of one key into `out`. */
typedef int decoder_value(struct decoder *d, const char *name, struct message *out);

struct decoder_key {
    const char *name;
    decoder_value *decode;
};

/* A map that has each of `keys` (32 at most) once and nothing else. `what` names it in faults. */
int decoder_map(struct decoder *d, const char *what, const struct decoder_key *keys, size_t count,
                struct message *out);

/* A list of 1..4 {Kind, Secret}, which stay in the frame. */
int decoder_secrets(struct decoder *d, const char *name, struct secrets *out);

/* term_configure.c: the map of {configure, Map}. */
int term_configure(struct decoder *d, struct message *out);

/* term_alive.c: the map of {alive, Map}. */
int term_alive(struct decoder *d, struct message *out);

#endif
