#include "etf.h"

#include "buf.h"

#include <stdio.h>
#include <string.h>

static int walk(struct reader *r, int depth);

static int walk_many(struct reader *r, uint64_t count, int depth)
{
    /* Every term takes a byte at least, so a count beyond what is left is a lie that need not be walked. */
    if (r->failed || count > reader_left(r)) {
        return -1;
    }
    while (count-- > 0) {
        if (walk(r, depth) != 0) {
            return -1;
        }
    }
    return 0;
}

static int skip(struct reader *r, size_t len)
{
    (void)read_bytes(r, len);
    return r->failed ? -1 : 0;
}

static int walk_atom(struct reader *r, size_t len)
{
    return len > ETF_ATOM_MAX ? -1 : skip(r, len);
}

static int walk_big(struct reader *r)
{
    uint8_t digits = read_u8(r);
    uint8_t sign = read_u8(r);
    return digits > ETF_BIG_BYTES || sign > 1 ? -1 : skip(r, digits);
}

/* Recursion is bounded by ETF_DEPTH. */
static int walk(struct reader *r, int depth)
{
    uint8_t tag = read_u8(r);
    if (r->failed || depth == 0) {
        return -1;
    }
    switch (tag) {
    case ETF_NIL:
        return 0;
    case ETF_SMALL_INTEGER:
        return skip(r, 1);
    case ETF_INTEGER:
        return skip(r, 4);
    case ETF_FLOAT: /* no value is one, but a person may have written one */
        return skip(r, 8);
    case ETF_SMALL_BIG:
        return walk_big(r);
    case ETF_ATOM:
    case ETF_ATOM_UTF8:
        return walk_atom(r, read_u16(r));
    case ETF_SMALL_ATOM:
    case ETF_SMALL_ATOM_UTF8:
        return walk_atom(r, read_u8(r));
    case ETF_BINARY:
        return skip(r, read_u32(r));
    case ETF_STRING:
        return skip(r, read_u16(r));
    case ETF_SMALL_TUPLE:
        return walk_many(r, read_u8(r), depth - 1);
    case ETF_MAP:
        return walk_many(r, (uint64_t)read_u32(r) * 2, depth - 1);
    case ETF_LIST:
        if (walk_many(r, read_u32(r), depth - 1) != 0) {
            return -1;
        }
        return read_u8(r) == ETF_NIL && !r->failed ? 0 : -1; /* an improper list ends in something else */
    default:
        return -1;
    }
}

int etf_check(const uint8_t *data, size_t len)
{
    struct reader r = reader_over(data, len);
    if (read_u8(&r) != ETF_VERSION || r.failed || walk(&r, ETF_DEPTH) != 0) {
        return -1;
    }
    return reader_left(&r) == 0 ? 0 : -1;
}

/* Printable ASCII as it is, the rest as dots; cut, with a mark that it was. */
static void text_bytes(char out[static ETF_TEXT], const char *quote, const uint8_t *bytes, size_t len)
{
    char plain[49];
    size_t n = len < sizeof plain - 1 ? len : sizeof plain - 1;
    for (size_t i = 0; i < n; i++) {
        plain[i] = (char)(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
    }
    plain[n] = '\0';
    (void)snprintf(out, ETF_TEXT, "%s%s%s%s", quote, plain, len > n ? "..." : "", quote);
}

static void text_big(char out[static ETF_TEXT], struct reader *r)
{
    uint8_t digits = read_u8(r);
    uint8_t sign = read_u8(r);
    uint64_t value = 0;
    for (unsigned i = 0; i < digits && i < ETF_BIG_BYTES; i++) {
        value |= (uint64_t)read_u8(r) << (8 * i);
    }
    (void)snprintf(out, ETF_TEXT, "%s%llu", sign != 0 ? "-" : "", (unsigned long long)value);
}

const char *etf_text(const uint8_t *data, size_t len, size_t at, char out[static ETF_TEXT])
{
    struct reader r = reader_over(data, len);
    uint32_t n = 0;
    (void)read_bytes(&r, at);
    switch (read_u8(&r)) {
    case ETF_SMALL_INTEGER:
        (void)snprintf(out, ETF_TEXT, "%u", (unsigned)read_u8(&r));
        break;
    case ETF_INTEGER:
        (void)snprintf(out, ETF_TEXT, "%ld", (long)(int32_t)read_u32(&r));
        break;
    case ETF_SMALL_BIG:
        text_big(out, &r);
        break;
    case ETF_ATOM:
    case ETF_ATOM_UTF8:
        n = read_u16(&r);
        text_bytes(out, "", read_bytes(&r, n), n);
        break;
    case ETF_SMALL_ATOM:
    case ETF_SMALL_ATOM_UTF8:
        n = read_u8(&r);
        text_bytes(out, "", read_bytes(&r, n), n);
        break;
    case ETF_BINARY:
        n = read_u32(&r);
        text_bytes(out, "\"", read_bytes(&r, n), n);
        break;
    case ETF_STRING:
        n = read_u16(&r);
        text_bytes(out, "'", read_bytes(&r, n), n);
        break;
    case ETF_FLOAT:
        (void)snprintf(out, ETF_TEXT, "a float");
        (void)read_bytes(&r, 8);
        break;
    case ETF_NIL:
        (void)snprintf(out, ETF_TEXT, "[]");
        break;
    case ETF_LIST:
        (void)snprintf(out, ETF_TEXT, "a list of %lu", (unsigned long)read_u32(&r));
        break;
    case ETF_SMALL_TUPLE:
        (void)snprintf(out, ETF_TEXT, "a tuple of %u", (unsigned)read_u8(&r));
        break;
    case ETF_MAP:
        (void)snprintf(out, ETF_TEXT, "a map of %lu", (unsigned long)read_u32(&r));
        break;
    default:
        (void)snprintf(out, ETF_TEXT, "something else");
        break;
    }
    if (r.failed) {
        (void)snprintf(out, ETF_TEXT, "something cut short");
    }
    return out;
}
