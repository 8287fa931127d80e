/* What the decoders of commands share: a place in one frame, and steps from there. Used by term_*.c alone.
 *
 * Every step returns 0, or -1 and has set the fault. etf_check has accepted the frame before, so ei cannot
 * run past its end. */
#ifndef GOSSIP_TERM_CURSOR_H
#define GOSSIP_TERM_CURSOR_H

#include "etf.h"
#include "term.h"

#include <ei.h>

_Static_assert(MAXATOMLEN_UTF8 > ETF_ATOM_MAX, "any atom that etf_check lets through fits");

struct cursor {
    const uint8_t *frame;
    size_t len;
    int at;             /* ei's index; a frame is at most 1 MiB, so an int holds it */
    uint8_t fault_kind; /* what a wrong term is here: a bad configuration, or a bad command */
    struct fault *fault;
};

/* ei's view of the frame. */
const char *cursor_buffer(const struct cursor *c);

/* "NAME is GIVEN, but must be ALLOWED", about the term at `at`. -1. */
int cursor_refuse(const struct cursor *c, int at, const char *name, const char *allowed);

/* The same for what must not be shown. -1. */
int cursor_refuse_secret(const struct cursor *c, const char *name, const char *allowed);

/* These two say -1 and leave the fault to the caller, who knows what is allowed. The bytes point into the
 * frame. */
int cursor_atom(struct cursor *c, char out[static MAXATOMLEN_UTF8]);
int cursor_bytes(struct cursor *c, const uint8_t **out, size_t *len);

/* A number from `least` to `most`; `allowed` says so in words. */
int cursor_number(struct cursor *c, const char *name, uint32_t least, uint32_t most, const char *allowed,
                  uint32_t *out);

int cursor_bool(struct cursor *c, const char *name, bool *out);

/* Decodes the value of one key into `out`. */
typedef int cursor_value(struct cursor *c, const char *name, struct message *out);

struct cursor_key {
    const char *name;
    cursor_value *decode;
};

/* A map that has each of `keys` (32 at most) once and nothing else. `what` names it in faults. */
int cursor_map(struct cursor *c, const char *what, const struct cursor_key *keys, size_t count,
               struct message *out);

/* term_secrets.c: a list of 1..4 {Kind, Secret}, which stay in the frame. */
int term_secrets(struct cursor *c, const char *name, struct secrets *out);

/* term_configure.c: the map of {configure, Map}. */
int term_configure(struct cursor *c, struct message *out);

/* The same file: the map of {compat, Map}. */
int term_compat(struct cursor *c, struct message *out);

/* term_seeds.c: the list of {seeds, List}. */
int term_seeds(struct cursor *c, struct message *out);

/* term_alive.c: the map of {alive, Map}. */
int term_alive(struct cursor *c, struct message *out);

#endif
