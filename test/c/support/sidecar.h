/* gossipd as its owner has it: started, spoken to over pipes, ended. A failure fails the test that calls.
 *
 * Nothing here waits for time to pass: each wait is for something to happen, and SIDECAR_PATIENCE says when
 * it is taken for never. Interfaces and TTL are chosen so that nothing leaves the machine (see port_terms.h).
 */
#ifndef TEST_SUPPORT_SIDECAR_H
#define TEST_SUPPORT_SIDECAR_H

#include <sys/types.h>

#include "frame.h"
#include "port_terms.h"
#include "test.h"

#define SIDECAR_PATIENCE INT64_C(20000000) /* microseconds */

struct sidecar {
    pid_t pid;
    int to, from, errors; /* its stdin, stdout and stderr; -1 once closed */
    struct frame_parser parser;
    const uint8_t *frame; /* the last frame read, valid until the next is */
    size_t len;
    bool alive; /* it was told who it is */
    char tag[MAXATOMLEN_UTF8];
    char kind[MAXATOMLEN_UTF8]; /* the second element, where that is an atom */
};

/* Finds the executable: what $GOSSIPD names, or the one beside this test. Makes libei ready. 0, or -1 and a
 * line on stderr. */
int sidecar_find(int argc, char **argv);

/* A teardown for each test: none of its sidecars outlives it, even if it failed. */
int sidecar_kill_all(void **state);

/* Starts it with one argument or NULL, on a pipe or, if `terminal` is not -1, with that as its stdin. */
struct sidecar sidecar_spawn(const char *argument, int terminal);

/* As a port program; or as one of this user, which only root may say: 0 is oneself. */
struct sidecar sidecar_start(void);
struct sidecar sidecar_start_as(uid_t user);

/* Closes one of its ends. */
void sidecar_close(int *fd);

/* Waits for its end and frees what belongs to it: the status as waitpid gives it. */
int sidecar_ended(struct sidecar *s);

/* The same, and it must have exited with this code. */
void sidecar_ends_with(struct sidecar *s, int code);

/* The polite end: goodbye, end of file on its stdin, and exit 0. */
void sidecar_finish(struct sidecar *s);

void sidecar_put_bytes(struct sidecar *s, const void *data, size_t len);

/* Writes a term as a frame. */
void sidecar_put(struct sidecar *s, const ei_x_buff *x);

/* Reads the next frame: true; the end of its stdout: false. */
bool sidecar_next(struct sidecar *s);

/* Reads until a frame with this tag. Others are passed over; an unexpected error fails. */
void sidecar_await(struct sidecar *s, const char *tag);

/* Does the last frame hold this text? */
bool sidecar_mentions(const struct sidecar *s, const char *text);

/* A group port of this process: see ports.h. */
uint16_t sidecar_port(void);

/* Sends the configuration; the port and the key have defaults. */
void sidecar_configure(struct sidecar *s, struct port_config c);

/* Started and configured, its first snapshot read. */
struct sidecar sidecar_started(struct port_config c);

void sidecar_alive(struct sidecar *s, const char *name);
void sidecar_word(struct sidecar *s, const char *word);

/* Asks for the counters, and pulses, as a living BEAM does all the time. */
void sidecar_ask_stats(struct sidecar *s, long ref);

/* A counter of the {stats, Ref, Map} just read. */
uint64_t sidecar_counter(const struct sidecar *s, const char *name);

/* Asks, waits for the answer, and takes this counter from it. */
uint64_t sidecar_stat(struct sidecar *s, const char *name);

/* A moment between two looks at a counter that time moves. */
void sidecar_breathe(void);

/* Two, a@host and b@host, that have each other listed. */
void sidecar_pair(struct sidecar *a, struct sidecar *b, struct port_config c);

#endif
