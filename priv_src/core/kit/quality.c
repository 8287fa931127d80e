#include "kit/quality.h"

#define GAIN 8 /* of a new measurement: an eighth (RFC 6298, section 2.3) */

/* A beat comes every T less a random part up to a quarter: 7/8 of T in the mean. */
#define BEAT_EIGHTHS 7

void quality_answered(struct quality *q, int64_t took)
{
    took = took > 0 ? took : 1; /* both at one reading of the clock */
    q->round_trip = q->round_trip == 0 ? took : q->round_trip + (took - q->round_trip) / GAIN;
}

static void expect(struct quality *q, bool lost)
{
    q->lost = q->lost << 1 | lost;
    q->count = q->count < QUALITY_WINDOW ? (uint8_t)(q->count + 1) : QUALITY_WINDOW;
}

/* How many beats were due in a gap of so long, that behind it included. */
static uint64_t due_in(uint64_t gap, int64_t interval)
{
    uint64_t t = interval > 0 ? (uint64_t)interval : 1;
    uint64_t most = QUALITY_WINDOW + 1;
    if (gap / t > most) {
        return most;
    }
    if (2 * gap < 3 * t) { /* two are 3/2 T apart at least; one may be put off, and its sender be busy */
        return 1;
    }
    return (8 * gap + BEAT_EIGHTHS * t / 2) / (BEAT_EIGHTHS * t);
}

/* The latest gap is the one whose bits are the lowest that are set. */
static void overtaken(struct quality *q, uint64_t sequence)
{
    if (q->missing > 0 && sequence > q->before && sequence < q->behind) {
        q->missing--;
        q->lost &= q->lost - 1;
    }
}

void quality_beat(struct quality *q, uint64_t sequence, uint64_t sent_at, int64_t interval, bool newest)
{
    if (!newest) {
        overtaken(q, sequence);
        return;
    }
    if (q->begun && sequence > q->sequence && sent_at > q->sent_at) {
        uint64_t between = sequence - q->sequence - 1, due = due_in(sent_at - q->sent_at, interval);
        uint64_t lost = due > 0 ? due - 1 : 0;
        lost = lost < between ? lost : between;
        lost = lost < QUALITY_WINDOW ? lost : QUALITY_WINDOW;
        for (uint64_t i = 0; i < lost; i++) {
            expect(q, true);
        }
        if (lost > 0) {
            q->before = q->sequence;
            q->behind = sequence;
            q->missing = (uint8_t)lost;
        }
    }
    expect(q, false);
    q->begun = true;
    q->sequence = sequence;
    q->sent_at = sent_at;
}

void quality_probe(struct quality *q)
{
    if (q->asking) {
        expect(q, true);
        q->missing = 0; /* its bits are not those of beats any more */
    }
    q->asking = true;
}

void quality_life(struct quality *q)
{
    if (q->asking) {
        expect(q, false);
        q->asking = false;
    }
}

void quality_rest(struct quality *q)
{
    q->asking = false;
}

int quality_loss(const struct quality *q)
{
    if (q->count < QUALITY_LEAST) {
        return -1;
    }
    int lost = 0;
    for (unsigned i = 0; i < q->count; i++) {
        lost += (int)(q->lost >> i & 1);
    }
    return lost * 1000 / q->count;
}
