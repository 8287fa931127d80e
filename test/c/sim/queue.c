#include "queue.h"

#include <stdlib.h>

#include "memory.h"

#define NONE       UINT32_MAX
#define WORDS      (QUEUE_SLOTS / 64)
#define PEEK_SLOTS 8 /* microseconds that queue_peek looks ahead */

struct queue_item {
    struct queue_event event;
    uint32_t next; /* in its slot, or in the free list */
};

struct queue_far {
    int64_t due;
    uint64_t order;
    struct queue_event event;
};

void queue_init(struct queue *q)
{
    *q = (struct queue){.free_item = NONE};
    q->first = memory_new(QUEUE_SLOTS, sizeof *q->first);
    q->last = memory_new(QUEUE_SLOTS, sizeof *q->last);
    q->busy = memory_new(WORDS, sizeof *q->busy);
}

void queue_free(struct queue *q)
{
    free(q->items);
    free(q->first);
    free(q->last);
    free(q->busy);
    free(q->heap);
    *q = (struct queue){0};
}

static uint32_t new_item(struct queue *q)
{
    if (q->free_item == NONE) {
        uint32_t more = q->item_count == 0 ? 1024 : q->item_count;
        q->items = memory_grow(q->items, (size_t)q->item_count + more, sizeof *q->items);
        for (uint32_t i = q->item_count + more; i-- > q->item_count;) {
            q->items[i].next = q->free_item;
            q->free_item = i;
        }
        q->item_count += more;
    }
    uint32_t i = q->free_item;
    q->free_item = q->items[i].next;
    return i;
}

static void add_near(struct queue *q, int64_t due, struct queue_event event)
{
    uint32_t slot = (uint32_t)((uint64_t)due % QUEUE_SLOTS);
    uint32_t i = new_item(q);
    q->items[i] = (struct queue_item){.event = event, .next = NONE};
    uint64_t bit = UINT64_C(1) << (slot % 64);
    if ((q->busy[slot / 64] & bit) == 0) {
        q->busy[slot / 64] |= bit;
        q->first[slot] = i;
    } else {
        q->items[q->last[slot]].next = i;
    }
    q->last[slot] = i;
}

static bool earlier(const struct queue_far *a, const struct queue_far *b)
{
    return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void add_far(struct queue *q, int64_t due, struct queue_event event)
{
    if (q->heap_count == q->heap_size) {
        q->heap_size = q->heap_size == 0 ? 256 : 2 * q->heap_size;
        q->heap = memory_grow(q->heap, q->heap_size, sizeof *q->heap);
    }
    struct queue_far far = {.due = due, .order = q->order++, .event = event};
    size_t i = q->heap_count++;
    while (i > 0 && earlier(&far, &q->heap[(i - 1) / 2])) {
        q->heap[i] = q->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->heap[i] = far;
}

static struct queue_event take_far(struct queue *q)
{
    struct queue_event event = q->heap[0].event;
    struct queue_far last = q->heap[--q->heap_count];
    size_t i = 0;
    for (size_t child = 1; child < q->heap_count; child = 2 * i + 1) {
        if (child + 1 < q->heap_count && earlier(&q->heap[child + 1], &q->heap[child])) {
            child++;
        }
        if (!earlier(&q->heap[child], &last)) {
            break;
        }
        q->heap[i] = q->heap[child];
        i = child;
    }
    q->heap[i] = last;
    return event;
}

void queue_add(struct queue *q, int64_t due, struct queue_event event)
{
    if (due < q->now) {
        due = q->now;
    }
    if (due - q->now < QUEUE_SLOTS) {
        add_near(q, due, event);
    } else {
        add_far(q, due, event);
    }
    q->count++;
}

static unsigned lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/* When the wheel's next event is due, INT64_MAX when it is empty. Slot s is due at the first time from `now`
 * on that is s modulo the size of the wheel. */
static int64_t next_near(const struct queue *q)
{
    uint32_t at = (uint32_t)((uint64_t)q->now % QUEUE_SLOTS);
    uint32_t first = at / 64;
    uint64_t word = q->busy[first] & UINT64_MAX << (at % 64);
    for (uint32_t step = 0;; step++) {
        uint32_t w = (first + step) % WORDS;
        if (word != 0) {
            uint32_t slot = w * 64 + lowest_bit(word);
            return q->now + (slot + QUEUE_SLOTS - at) % QUEUE_SLOTS;
        }
        if (step == WORDS) {
            return INT64_MAX;
        }
        /* The last word looked at is the first one again, with the bits before `now`. */
        word = q->busy[(w + 1) % WORDS];
        if (step + 1 == WORDS) {
            word &= ~(UINT64_MAX << (at % 64));
        }
    }
}

static struct queue_event take_near(struct queue *q)
{
    uint32_t slot = (uint32_t)((uint64_t)q->now % QUEUE_SLOTS);
    uint32_t i = q->first[slot];
    struct queue_event event = q->items[i].event;
    q->first[slot] = q->items[i].next;
    if (q->first[slot] == NONE) {
        q->busy[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    }
    q->items[i].next = q->free_item;
    q->free_item = i;
    return event;
}

bool queue_take(struct queue *q, int64_t until, struct queue_event *out)
{
    int64_t near = next_near(q);
    int64_t far = q->heap_count == 0 ? INT64_MAX : q->heap[0].due;
    int64_t due = far <= near ? far : near;
    if (due > until || q->count == 0) {
        q->now = until > q->now ? until : q->now;
        return false;
    }
    q->now = due;
    q->count--;
    /* Of the same microsecond, what was added from afar was added earlier. */
    *out = far <= near ? take_far(q) : take_near(q);
    return true;
}

size_t queue_peek(const struct queue *q, size_t max, struct queue_event out[])
{
    size_t n = 0;
    uint32_t at = (uint32_t)((uint64_t)q->now % QUEUE_SLOTS);
    for (uint32_t step = 0; step < PEEK_SLOTS && n < max; step++) {
        uint32_t slot = (at + step) % QUEUE_SLOTS;
        if ((q->busy[slot / 64] >> (slot % 64) & 1) == 0) {
            continue;
        }
        for (uint32_t i = q->first[slot]; i != NONE && n < max; i = q->items[i].next) {
            out[n++] = q->items[i].event;
        }
    }
    return n;
}
