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

enum window_verdict window_look(const struct window *w, uint64_t sequence)
{
    if (sequence == 0) {
        return WINDOW_REPLAY;
    }
    if (sequence > w->top) {
        return WINDOW_NEWEST;
    }
    uint64_t back = w->top - sequence;
    bool heard = back >= WINDOW_BITS || (w->seen[back / 64] & UINT64_C(1) << (back % 64)) != 0;
    return heard ? WINDOW_REPLAY : WINDOW_OLDER;
}

enum window_verdict window_accept(struct window *w, uint64_t sequence)
{
    enum window_verdict verdict = window_look(w, sequence);
    if (verdict == WINDOW_NEWEST) {
        shift(w, sequence - w->top);
        w->top = sequence;
        w->seen[0] |= 1;
    } else if (verdict == WINDOW_OLDER) {
        uint64_t back = w->top - sequence;
        w->seen[back / 64] |= UINT64_C(1) << (back % 64);
    }
    return verdict;
}
