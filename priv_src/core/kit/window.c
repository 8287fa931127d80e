#include "kit/window.h"

#include <stdbool.h>

static void shift(struct window *w, uint64_t by)
{
    if (by >= WINDOW_BITS) {
        w->seen[0] = w->seen[1] = 0;
    } else if (by >= 64) {
        w->seen[1] = w->seen[0] << (by - 64);
        w->seen[0] = 0;
    } else if (by > 0) {
        w->seen[1] = w->seen[1] << by | w->seen[0] >> (64 - by);
        w->seen[0] <<= by;
    }
}

void window_start(struct window *w, uint64_t sequence)
{
    w->top = sequence;
    w->seen[0] = w->seen[1] = UINT64_MAX;
}

enum window_verdict window_accept(struct window *w, uint64_t sequence)
{
    if (sequence == 0) {
        return WINDOW_REPLAY;
    }
    if (sequence > w->top) {
        shift(w, sequence - w->top);
        w->top = sequence;
        w->seen[0] |= 1;
        return WINDOW_NEWEST;
    }
    uint64_t back = w->top - sequence;
    if (back >= WINDOW_BITS) {
        return WINDOW_REPLAY;
    }
    uint64_t bit = UINT64_C(1) << (back % 64);
    bool heard = (w->seen[back / 64] & bit) != 0;
    w->seen[back / 64] |= bit;
    return heard ? WINDOW_REPLAY : WINDOW_OLDER;
}
