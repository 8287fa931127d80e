#include "term_cursor.h"

#include <stdio.h>
#include <string.h>

const char *cursor_buffer(const struct cursor *c)
{
    return (const char *)c->frame;
}

int cursor_refuse(const struct cursor *c, int at, const char *name, const char *allowed)
{
    char given[ETF_TEXT];
    return fault_set(c->fault, c->fault_kind, "%s is %s, but must be %s", name,
                     etf_text(c->frame, c->len, (size_t)at, given), allowed);
}

int cursor_refuse_secret(const struct cursor *c, const char *name, const char *allowed)
{
    return fault_set(c->fault, c->fault_kind, "%s must be %s", name, allowed);
}

int cursor_atom(struct cursor *c, char out[static MAXATOMLEN_UTF8])
{
    return ei_decode_atom_as(cursor_buffer(c), &c->at, out, MAXATOMLEN_UTF8, ERLANG_UTF8, NULL, NULL) == 0
               ? 0
               : -1;
}

int cursor_bytes(struct cursor *c, const uint8_t **out, size_t *len)
{
    int type = 0;
    int size = 0;
    if (ei_get_type(cursor_buffer(c), &c->at, &type, &size) != 0 || type != ERL_BINARY_EXT || size < 0) {
        return -1;
    }
    if (ei_skip_term(cursor_buffer(c), &c->at) != 0) {
        return -1;
    }
    *len = (size_t)size;
    *out = c->frame + (size_t)c->at - *len;
    return 0;
}

int cursor_number(struct cursor *c, const char *name, uint32_t least, uint32_t most, const char *allowed,
                  uint32_t *out)
{
    int at = c->at;
    EI_LONGLONG value = 0;
    if (ei_decode_longlong(cursor_buffer(c), &c->at, &value) != 0 || value < (EI_LONGLONG)least ||
        value > (EI_LONGLONG)most) {
        return cursor_refuse(c, at, name, allowed);
    }
    *out = (uint32_t)value;
    return 0;
}

int cursor_bool(struct cursor *c, const char *name, bool *out)
{
    int at = c->at;
    int value = 0;
    if (ei_decode_boolean(cursor_buffer(c), &c->at, &value) != 0) {
        return cursor_refuse(c, at, name, "true or false");
    }
    *out = value != 0;
    return 0;
}

static size_t key_index(const struct cursor_key *keys, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(keys[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int refuse_unknown(const struct cursor *c, const char *what, const struct cursor_key *keys,
                          size_t count, const char *name)
{
    char known[FAULT_TEXT / 2] = "";
    size_t used = 0;
    for (size_t k = 0; k < count && used < sizeof known; k++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", k == 0 ? "" : ", ", keys[k].name);
    }
    return fault_set(c->fault, c->fault_kind, "%s has the unknown key %.60s; known are %s", what, name,
                     known);
}

/* The name of the next key, which must be of `keys` and new in `seen`; its index, or -1. */
static int decode_key(struct cursor *c, const char *what, const struct cursor_key *keys, size_t count,
                      uint32_t *seen)
{
    char name[MAXATOMLEN_UTF8];
    if (cursor_atom(c, name) != 0) {
        return cursor_refuse_secret(c, "every key of a map", "an atom");
    }
    size_t k = key_index(keys, count, name);
    if (k == count) {
        return refuse_unknown(c, what, keys, count, name);
    }
    if ((*seen & UINT32_C(1) << k) != 0) {
        return fault_set(c->fault, c->fault_kind, "%s has the key %s twice", what, name);
    }
    *seen |= UINT32_C(1) << k;
    return (int)k;
}

int cursor_map(struct cursor *c, const char *what, const struct cursor_key *keys, size_t count,
               struct message *out)
{
    int arity = 0;
    if (ei_decode_map_header(cursor_buffer(c), &c->at, &arity) != 0) {
        return cursor_refuse_secret(c, what, "a map");
    }
    uint32_t seen = 0;
    for (int i = 0; i < arity; i++) {
        int k = decode_key(c, what, keys, count, &seen);
        if (k < 0 || keys[k].decode(c, keys[k].name, out) != 0) {
            return -1;
        }
    }
    for (size_t k = 0; k < count; k++) {
        if ((seen & UINT32_C(1) << k) == 0) {
            return fault_set(c->fault, c->fault_kind, "%s lacks the key %s", what, keys[k].name);
        }
    }
    return 0;
}
