#include "kit/intervals.h"

int64_t interval_for(int64_t shortest, size_t members)
{
    return interval_longer(shortest, members, 0);
}

int64_t interval_longer(int64_t shortest, size_t members, size_t bytes)
{
    int64_t bits = BEAT_BITS + (int64_t)bytes * 64 / 7; /* over 0.875 T */
    int64_t share = (int64_t)members * bits * SECOND_US / GROUP_BITS_PER_SECOND;
    int64_t interval = share > shortest ? share : shortest;
    return interval < INTERVAL_MAX ? interval : INTERVAL_MAX;
}

int64_t interval_jittered(int64_t interval, uint32_t random)
{
    return interval - interval / JITTER_PART * (random >> 16) / 65536;
}

int64_t question_gap(uint8_t k, int64_t interval)
{
    if (k <= QUESTIONS_QUICK) {
        return QUESTION_GAP < interval ? QUESTION_GAP : interval;
    }
    if (k > QUESTIONS_QUICK + 20) {
        return interval;
    }
    int64_t gap = QUESTION_GAP << (k - QUESTIONS_QUICK);
    return gap < interval ? gap : interval;
}

int64_t page_retry(int64_t patience, unsigned before)
{
    int64_t wait = patience > 0 ? patience : PAGE_RETRY << (before < PAGE_TRIES ? before : PAGE_TRIES);
    wait = wait > PAGE_RETRY ? wait : PAGE_RETRY;
    return wait < PAGE_RETRY_MOST ? wait : PAGE_RETRY_MOST;
}

int64_t promised_interval(uint16_t ms)
{
    int64_t interval = ms * MS_US;
    return interval > PROMISE_INTERVAL_MIN ? interval : PROMISE_INTERVAL_MIN;
}

uint8_t promised_miss(uint8_t miss)
{
    return miss < PROMISE_MISS_MIN ? PROMISE_MISS_MIN : miss > PROMISE_MISS_MAX ? PROMISE_MISS_MAX : miss;
}

int64_t silence_to_probe(int64_t interval)
{
    return interval + interval / 4;
}

int64_t fresh_within(int64_t interval)
{
    return 2 * interval > FRESH ? 2 * interval : FRESH;
}

uint32_t crowd_rate(uint32_t max_peers)
{
    return max_peers / CROWD_PART + CROWD_LEAST;
}

int64_t look_gap(int64_t interval)
{
    return interval / LOOK_PART > LOOK_GAP ? interval / LOOK_PART : LOOK_GAP;
}

int64_t pulse_stalled(int64_t interval)
{
    return 2 * interval > STALL_MIN ? 2 * interval : STALL_MIN;
}
