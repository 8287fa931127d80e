#include "bpf.h"

#include "effect.h"

#define UDP_HEADER 8

static uint8_t byte_at(const uint8_t *datagram, size_t at)
{
    return at < UDP_HEADER ? 0 : datagram[at - UDP_HEADER];
}

int64_t bpf_run(const struct filter_step *steps, size_t count, const uint8_t *datagram, size_t len,
                uint32_t chance)
{
    uint32_t a = 0;
    for (size_t at = 0; at < count; at++) {
        const struct filter_step *s = &steps[at];
        switch (s->code) {
        case 0x80:
            a = (uint32_t)(UDP_HEADER + len);
            break;
        case 0x20:
            if (s->k == 0xfffff000 + 56) {
                a = chance;
                break;
            }
            if (s->k > UDP_HEADER + len || UDP_HEADER + len - s->k < 4) {
                return 0; /* as the kernel: what reads beyond the packet drops it */
            }
            a = (uint32_t)byte_at(datagram, s->k) << 24 | (uint32_t)byte_at(datagram, s->k + 1) << 16 |
                (uint32_t)byte_at(datagram, s->k + 2) << 8 | byte_at(datagram, s->k + 3);
            break;
        case 0x54:
            a &= s->k;
            break;
        case 0x15:
            at += a == s->k ? s->yes : s->no;
            break;
        case 0x25:
            at += a > s->k ? s->yes : s->no;
            break;
        case 0x35:
            at += a >= s->k ? s->yes : s->no;
            break;
        case 0x06:
            return s->k;
        default:
            return -1;
        }
    }
    return -1;
}

int bpf_judge(const struct keyring *ring, const uint8_t *datagram, size_t len)
{
    struct filter f = {0};
    filter_set(&f, ring);
    /* The core would drop it at once, as foreign; or io, for its length. */
    bool drops = len > DATAGRAM_MAX || seal_match(ring, datagram, len) < 0;
    bool right = filter_refuses(&f, datagram, len) == drops;
    for (f.level = 1; f.level <= FILTER_LEVELS; f.level++) {
        struct filter_step steps[FILTER_STEPS_MAX];
        size_t count = filter_program(&f, steps);
        uint32_t share = UINT32_C(1) << FILTER_SHARE_BITS * f.level;
        const uint32_t chances[] = {1, share / 2, share - 1, UINT32_MAX, share + 1};
        right = right && count >= 1 && count <= FILTER_STEPS_MAX;
        for (size_t i = 0; right && i < sizeof chances / sizeof chances[0]; i++) {
            right = bpf_run(steps, count, datagram, len, chances[i]) == (drops ? 0 : UINT32_MAX);
        }
        right = right && bpf_run(steps, count, datagram, len, 0) == UINT32_MAX &&
                bpf_run(steps, count, datagram, len, share) == UINT32_MAX;
    }
    return right ? drops : -1;
}
