#include "term_cursor.h"

#include <string.h>

static int check_secret(const struct cursor *c, const struct secret *s)
{
    switch (s->kind) {
    case SECRET_KEY:
    case SECRET_DERIVED:
        return s->len == KEY_BYTES
                   ? 0
                   : fault_set(c->fault, c->fault_kind, "keys: a key has %lu bytes, but must have %d",
                               (unsigned long)s->len, KEY_BYTES);
    case SECRET_COOKIE:
        return s->len >= 1 && s->len <= COOKIE_MAX
                   ? 0
                   : cursor_refuse_secret(c, "keys: a cookie", "of 1..255 bytes");
    default:
        return s->len >= 1 && s->len <= PASSPHRASE_MAX
                   ? 0
                   : cursor_refuse_secret(c, "keys: a passphrase", "of 1..1024 bytes");
    }
}

static int refuse_shape(const struct cursor *c)
{
    return cursor_refuse_secret(c, "keys: each", "{cookie | passphrase | key | derived, Binary}");
}

static int decode_secret(struct cursor *c, struct secret *out)
{
    int arity = 0;
    char kind[MAXATOMLEN_UTF8];
    if (ei_decode_tuple_header(cursor_buffer(c), &c->at, &arity) != 0 || arity != 2 ||
        cursor_atom(c, kind) != 0 || cursor_bytes(c, &out->data, &out->len) != 0) {
        return refuse_shape(c);
    }
    out->kind = strcmp(kind, "derived") == 0 ? SECRET_DERIVED : secret_kind_named(kind, strlen(kind));
    if (out->kind == 0) {
        return refuse_shape(c);
    }
    return check_secret(c, out);
}

int term_secrets(struct cursor *c, const char *name, struct secrets *out)
{
    int arity = 0;
    if (ei_decode_list_header(cursor_buffer(c), &c->at, &arity) != 0 || arity < 1 || arity > KEYRING_MAX) {
        return cursor_refuse_secret(c, name, "a list of 1..4 secrets");
    }
    for (int i = 0; i < arity; i++) {
        if (decode_secret(c, &out->items[i]) != 0) {
            return -1;
        }
    }
    out->count = (uint8_t)arity;
    return ei_skip_term(cursor_buffer(c), &c->at) == 0
               ? 0
               : cursor_refuse_secret(c, name, "a proper list"); /* the list's end */
}
