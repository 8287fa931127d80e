/* What the next beats carry along. A verdict goes to the group at once, in a datagram that some will lose;
 * instead of acknowledgements from a thousand it rides on the next beats, which come anyway. Bounded: when
 * there is more than a beat holds, the oldest gives way. */
#include "protocol/tales.h"

#include "protocol/send.h"

/* The next beats carry it along; when there is more than they hold, the oldest gives way. */
void tales_add(struct gossip *g, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    if (g->tale_count == WIRE_VERDICTS) {
        for (size_t i = 1; i < g->tale_count; i++) {
            g->tales[i - 1] = g->tales[i];
        }
        g->tale_count--;
    }
    g->tales[g->tale_count++] = (struct tale){
        .verdict = {.verdict = verdict, .boot = boot, .incarnation = incarnation}, .beats = CARRY_BEATS};
}

void tales_carry(struct gossip *g, struct wire_message *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->tale_count; i++) {
        struct tale t = g->tales[i];
        message_verdict(m, t.verdict.verdict, t.verdict.boot, t.verdict.incarnation);
        if (--t.beats > 0) {
            g->tales[kept++] = t;
        }
    }
    g->tale_count = kept;
}
