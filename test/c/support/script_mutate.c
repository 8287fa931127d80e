/* Stories by their steps. A byte that is changed, added or lost anywhere makes all the steps behind it
 * others; a step that is leaves them as they are. */
#include <string.h>

#include "buf.h"
#include "message/wire.h"
#include "prng.h"
#include "script.h"
#include "splice.h"

#define STEPS_MOST 512
#define STEP_MOST  64 /* bytes of a step that is made up */

static uint8_t at(const uint8_t *step, size_t size, size_t i)
{
    return i < size ? step[i] : 0;
}

static size_t said_size(const uint8_t *step, size_t size)
{
    uint8_t type = at(step, size, 4), has = at(step, size, 5);
    size_t n = 9;
    n += (has & HAS_QUESTION) != 0;
    n += (has & HAS_REASON) != 0;
    n += (has & HAS_CURSOR) != 0;
    n += (has & HAS_TARGET) != 0;
    n += (has & HAS_RELAY) != 0;
    n += type % 16 == WIRE_DISCONNECT;
    return n + at(step, size, 6) % 4 * 2u + at(step, size, 7) % 8 * 2u + at(step, size, 8) % 16 * 3u;
}

size_t script_step_size(const uint8_t *step, size_t size)
{
    size_t n = 1;
    switch (at(step, size, 0) % SCRIPT_OPS) {
    case SCRIPT_RUN_MS:
    case SCRIPT_RUN:
    case SCRIPT_STOP:
    case SCRIPT_PAUSE:
    case SCRIPT_RESTART:
    case SCRIPT_FILTER:
        n = 2;
        break;
    case SCRIPT_ALIVE:
    case SCRIPT_COMMAND:
    case SCRIPT_PROVE:
        n = 3;
        break;
    case SCRIPT_REPLAY:
        n = 4;
        break;
    case SCRIPT_KNOW:
        n = 5;
        break;
    case SCRIPT_BECOME:
        n = 6;
        break;
    case SCRIPT_BYTES:
        n = 5 + at(step, size, 4) % 250 * 4u;
        break;
    case SCRIPT_RAW:
        n = 4 + at(step, size, 3) * 5u;
        break;
    case SCRIPT_SAY:
        n = said_size(step, size);
        break;
    default:
        break;
    }
    return n < size ? n : size;
}

/* Where the steps begin; behind the last one it is where the story ends. Returns how many there are. */
static size_t steps_of(const uint8_t *story, size_t size, size_t begins[static STEPS_MOST + 1])
{
    size_t n = 0, i = 1;
    while (i < size && n < STEPS_MOST) {
        begins[n++] = i;
        i += script_step_size(story + i, size - i);
    }
    begins[n] = i < size ? i : size;
    return n;
}

/* Something that happens, to anybody: mostly time passes, or somebody says something. */
static size_t make_up(struct prng *p, uint8_t step[static STEP_MOST])
{
    static const uint8_t OFTEN[] = {SCRIPT_RUN_MS, SCRIPT_RUN,   SCRIPT_SAY,
                                    SCRIPT_SAY,    SCRIPT_PROVE, SCRIPT_KNOW};
    static const uint8_t FLAGS[] = {0, 0, WIRE_ASK, WIRE_FAR, WIRE_ASK | WIRE_FAR, WIRE_FAR | WIRE_WHOLE};
    prng_fill(p, step, STEP_MOST);
    step[0] = prng_chance(p, 60) ? OFTEN[prng_below(p, sizeof OFTEN)] : (uint8_t)prng_below(p, SCRIPT_OPS);
    if (step[0] == SCRIPT_SAY) {
        step[3] = (uint8_t)(prng_chance(p, 70) ? step[3] & 1 : step[3]); /* from where it is */
        step[4] = (uint8_t)((1 + prng_below(p, WIRE_DISCONNECT)) | FLAGS[prng_below(p, sizeof FLAGS)] * 16u);
        step[5] = (uint8_t)(prng_chance(p, 50) ? 0 : 1u << prng_below(p, 8));
        step[6] = (uint8_t)(prng_chance(p, 60) ? 0 : step[6]);
        step[7] = (uint8_t)(prng_chance(p, 70) ? 0 : step[7] % 3);
        step[8] = (uint8_t)(prng_chance(p, 60) ? 0 : (step[8] & 0xf0) | (1 + step[8] % 3));
    } else if (step[0] == SCRIPT_BYTES) {
        step[4] %= 12;
    } else if (step[0] == SCRIPT_RAW) {
        step[3] %= 10;
    }
    return script_step_size(step, STEP_MOST);
}

static void change(struct prng *p, uint8_t *step, size_t len)
{
    uint8_t *byte = &step[len > 1 ? 1 + prng_below(p, (uint32_t)len - 1) : 0];
    *byte = prng_chance(p, 50) ? (uint8_t)prng_u64(p) : (uint8_t)(*byte + (prng_chance(p, 50) ? 1 : -1));
}

static size_t mutate_once(struct prng *p, uint8_t *story, size_t size, size_t most)
{
    size_t begins[STEPS_MOST + 1];
    uint8_t made[STEP_MOST];
    size_t n = steps_of(story, size, begins);
    size_t one = prng_below(p, (uint32_t)n), other = prng_below(p, (uint32_t)n + 1), len = 0;
    uint32_t what = n == 0 ? 0 : prng_below(p, 8);
    uint8_t *step = n == 0 ? story : story + begins[one];
    size_t step_len = n == 0 ? 0 : begins[one + 1] - begins[one];
    switch (what) {
    case 0:
    case 1:
    case 2: /* one more */
        len = make_up(p, made);
        (void)splice(story, &size, most, begins[other], begins[other], made, len);
        break;
    case 3: /* the same once more, elsewhere */
        if (step_len <= sizeof made) {
            memcpy(made, step, step_len);
            (void)splice(story, &size, most, begins[other], begins[other], made, step_len);
        }
        break;
    case 4: /* one less */
        (void)splice(story, &size, most, begins[one], begins[one + 1], NULL, 0);
        break;
    case 5: /* it ends here */
        size = prng_chance(p, 20) ? begins[one] : size;
        break;
    case 6: /* other members, other bounds; a long story takes as long as ten others */
        story[0] = (uint8_t)(prng_u64(p) & (prng_chance(p, 10) ? 0xff : 0xff & ~SCRIPT_LONG));
        break;
    default:
        change(p, step, step_len);
        break;
    }
    return size;
}

size_t script_mutate(uint8_t *story, size_t size, size_t most, uint32_t seed)
{
    struct prng p = prng_from(seed);
    if (most == 0) {
        return 0;
    }
    if (size == 0) {
        story[0] = (uint8_t)prng_u64(&p);
        size = 1;
    }
    for (uint32_t times = 1 + prng_below(&p, 4); times > 0; times--) {
        size = mutate_once(&p, story, size, most);
    }
    return size;
}
