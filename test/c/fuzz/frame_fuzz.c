/* Any stream of bytes, cut anywhere, gives the same frames as when it comes at once; and each frame is a term
 * or refused. */
#include "frame.h"

#include <string.h>

#include "require.h"
#include "term.h"

#define LIMIT  ((size_t)300) /* small, so that the fuzzer meets it */
#define FRAMES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the stream holds, by the plain meaning of {packet, 4}: the frames' places, and whether it ends in an
 * error. */
struct plan {
    size_t count;
    size_t at[FRAMES], len[FRAMES];
    bool error;
};

static void make_plan(struct plan *plan, const uint8_t *data, size_t size)
{
    size_t at = 0;
    *plan = (struct plan){0};
    while (size - at >= FRAME_HEADER && plan->count < FRAMES) {
        size_t len =
            (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | data[at + 3];
        plan->error = len > LIMIT;
        if (plan->error || size - at - FRAME_HEADER < len) {
            return;
        }
        plan->at[plan->count] = at + FRAME_HEADER;
        plan->len[plan->count++] = len;
        at += FRAME_HEADER + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static struct message m;
    struct frame_parser p = frame_parser_new(LIMIT);
    size_t next = 0, at = 0;
    int got = 0;

    if (size < 1) {
        return 0;
    }
    size_t chunk = 1 + data[0];
    data++;
    size--;
    make_plan(&plan, data, size);
    while (at < size && got == 0) {
        struct fault fault;
        size_t room, len, n = size - at < chunk ? size - at : chunk;
        uint8_t *frame, *to = frame_room(&p, &room);
        require(to != NULL && room > 0 && p.size <= LIMIT + FRAME_HEADER);
        n = n < room ? n : room;
        memcpy(to, data + at, n);
        frame_filled(&p, n);
        at += n;
        while ((got = frame_next(&p, &frame, &len)) == 1 && next < plan.count) {
            require(len == plan.len[next] && memcmp(frame, data + plan.at[next], len) == 0);
            (void)term_decode(frame, len, &m, &fault);
            next++;
        }
    }
    require(next == plan.count);
    require((got == -1) == plan.error || plan.count == FRAMES);
    frame_parser_free(&p);
    return 0;
}
