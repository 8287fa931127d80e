/* The sliding window of sequence numbers heard from one boot id (the idea of RFC 4303, section 3.4.3): each
 * number is accepted once. It drops replays, and what several interfaces deliver twice. Zeroed memory is an
 * empty window. */
#ifndef GOSSIP_WINDOW_H
#define GOSSIP_WINDOW_H

#include <stdint.h>

/* Wide, since one sequence serves all receivers, and multicast and unicast wait in different socket buffers.
 */
#define WINDOW_BITS 128

struct window {
    uint64_t top;     /* highest number accepted; 0: none yet (senders begin at 1) */
    uint64_t seen[2]; /* bit i of the 128: top - i was accepted */
};

enum window_verdict { WINDOW_REPLAY = 0, WINDOW_OLDER, WINDOW_NEWEST };

/* Starts a window above `sequence`: it and all before it count as heard. */
void window_start(struct window *w, uint64_t sequence);

/* What accepting `sequence` would say; nothing changes. */
enum window_verdict window_look(const struct window *w, uint64_t sequence);

/* Accepts `sequence`, or says that it was heard before or is too old to tell. */
enum window_verdict window_accept(struct window *w, uint64_t sequence);

#endif
