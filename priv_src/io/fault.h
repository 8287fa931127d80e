/* Why something that cannot go on has failed: it travels up to main by return values, and to the owner as an
 * {error, Kind, Text} frame. A plain value. */
#ifndef GOSSIP_FAULT_H
#define GOSSIP_FAULT_H

#include <stdint.h>

#define FAULT_TEXT 400 /* bytes of the text, its NUL included */

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_BAD_CONFIG,  /* an option: the text names the key, what was given, what is allowed */
    FAULT_BAD_FRAME,   /* not a frame, or not a term */
    FAULT_BAD_COMMAND, /* a term, but not one of the contract */
    FAULT_PORT_TAKEN,  /* the group's UDP port cannot be shared with who holds it */
    FAULT_NETWORK,     /* any other socket trouble that nothing can be done without */
    FAULT_MEMORY,
};

struct fault {
    uint8_t kind; /* enum fault_kind */
    char text[FAULT_TEXT];
};

/* The atom that the owner knows the kind by: "bad_config", ... */
const char *fault_name(uint8_t kind);

/* Sets the fault, cut at FAULT_TEXT; returns -1, so that a failing function ends with `return
 * fault_set(...)`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int fault_set(struct fault *fault, uint8_t kind, const char *format, ...);

#endif
