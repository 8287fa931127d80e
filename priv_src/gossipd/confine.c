#include "confine.h"

#include "buf.h"
#include "etf.h"
#include "frame.h"
#include "sandbox.h"
#include "udp.h"

#include <string.h>
#include <unistd.h>

/* Address space: what the keys' derivation, the queues and the program take, and a peer with its tags, with
 * the old and the new of every table while it grows. */
#define MEMORY_BASE ((uint64_t)256 * 1024 * 1024)
#define MEMORY_PEER ((uint64_t)16 * 1024)

/* Sockets, and what else is open: the port, netlink, a few for a moment, some that the VM may have left. */
#define DESCRIPTORS (UDP_SOCKETS_MAX + 64)

#define WORDS 160 /* bytes of what is said of a breach, at most */

/* For the signal's handler, which can be given nothing: set once, before a breach can be. */
static const struct uplink *uplink;
static int input;

static void write_text(struct writer *w, const char *text)
{
    write_bytes(w, text, strlen(text));
}

static void write_number(struct writer *w, int number)
{
    char digits[12];
    size_t at = sizeof digits;
    unsigned rest = number < 0 ? 0 : (unsigned)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    write_bytes(w, digits + at, sizeof digits - at);
}

static void write_atom(struct writer *w, const char *name)
{
    write_u8(w, ETF_SMALL_ATOM_UTF8);
    write_u8(w, (uint8_t)strlen(name));
    write_text(w, name);
}

/* {error, sandbox, Text}. */
static void write_frame(struct writer *w, const struct writer *words)
{
    uint8_t term[WORDS + 32];
    struct writer t = writer_over(term, sizeof term);
    write_u8(&t, ETF_VERSION);
    write_u8(&t, ETF_SMALL_TUPLE);
    write_u8(&t, 3);
    write_atom(&t, "error");
    write_atom(&t, "sandbox");
    write_u8(&t, ETF_BINARY);
    write_u32(&t, (uint32_t)words->len);
    write_bytes(&t, words->data, words->len);
    write_u32(w, (uint32_t)t.len);
    write_bytes(w, term, t.len);
}

/* In a signal's handler. What was queued is lost, and may be: the next sidecar tells all anew. In the middle
 * of a frame there is no room for another. */
static void say_breach(int number, const char *name)
{
    uint8_t words[WORDS], frame[WORDS + 40];
    struct writer w = writer_over(words, sizeof words), f = writer_over(frame, sizeof frame);
    write_text(&w, "gossipd asked for a system call that its sandbox does not allow, ");
    write_number(&w, number);
    if (name[0] != '\0') {
        write_text(&w, " (");
        write_text(&w, name);
        write_text(&w, ")");
    }
    write_text(&w, ", and has ended");
    write_frame(&f, &w);
    if (uplink->outbox.partial == 0 && write(uplink->out, frame, f.len) == (ssize_t)f.len) {
        uplink_part(input);
        return;
    }
    write_text(&w, "\n");
    (void)!write(STDERR_FILENO, words, w.len);
}

void confine(struct uplink *u, int in, uint32_t max_peers)
{
    char missing[SANDBOX_TEXT];
    struct sandbox_options options = {.walls = SANDBOX_ALL,
                                      .memory = MEMORY_BASE + max_peers * MEMORY_PEER,
                                      .descriptors = DESCRIPTORS,
                                      .breach = say_breach};
    uplink = u;
    input = in;
    unsigned walls = sandbox_raise(&options, missing);
    if (missing[0] != '\0') {
        log_line(&u->log, LEVEL_INFO, "the sandbox is not whole: %s", missing);
    }
    log_line(&u->log, LEVEL_DEBUG, "sandbox:%s%s%s%s%s%s", (walls & SANDBOX_LIMITS) != 0 ? " limits" : "",
             (walls & SANDBOX_PRIVILEGES) != 0 ? " no_new_privs" : "",
             (walls & SANDBOX_CAPABILITIES) != 0 ? " capabilities" : "",
             (walls & SANDBOX_FILES) != 0 ? " Landlock" : "", (walls & SANDBOX_CALLS) != 0 ? " seccomp" : "",
             walls == 0 ? " none" : "");
}
