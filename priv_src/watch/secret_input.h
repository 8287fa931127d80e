/* The secrets, from a file, from stdin, or as a person types them; never from an argument or the environment.
 *
 * With --pipe they come by stdin as lines, so that the rest of it can be keys:
 *
 *     KIND HEX         cookie, passphrase or key, and its bytes; up to KEYRING_MAX times, the first seals
 *     size COLUMNS ROWS    of the terminal at the other end; 0 0: there is none
 *     (empty)          the end
 *
 * What is read is wiped once the keys are made of it. */
#ifndef GOSSIP_WATCH_SECRET_INPUT_H
#define GOSSIP_WATCH_SECRET_INPUT_H

#include "arguments.h"
#include "seal.h"
#include "tty.h"

struct piped_size {
    size_t columns, rows; /* 0: no terminal */
};

/* Makes the ring, which stays empty where the secret is optional and none is given. `size` is set with
 * --pipe. 0; or -1 and a fault; or a signal that came while a person was asked. */
int secret_input(const struct arguments *a, struct keyring *out, struct piped_size *size,
                 struct fault *fault);

/* One secret as it stands in a file: without the line's end behind it, and a key also as hexadecimal digits
 * or Base64. Appends it to the ring. 0, or -1 and a fault. */
int secret_add(struct keyring *ring, const struct arguments *a, uint8_t kind, const uint8_t *text, size_t len,
               struct fault *fault);

/* One line of the pipe, without its end: 1 where it was the last, 0, or -1 and a fault. */
int secret_line(struct keyring *ring, const struct arguments *a, struct piped_size *size, const char *line,
                size_t len, struct fault *fault);

#endif
