#include "term_decoder.h"

#include <stdio.h>
#include <string.h>

const char *decoder_buffer(const struct decoder *d)
{
    return (const char *)d->frame;
}

int decoder_refuse(const struct decoder *d, int at, const char *name, const char *allowed)
{
    char given[ETF_TEXT];

    return fault_set(d->fault, d->fault_kind, "%s is %s, but must be %s", name,
                     etf_text(d->frame, d->len, (size_t)at, given), allowed);
}

int decoder_refuse_secret(const struct decoder *d, const char *name, const char *allowed)
{
    return fault_set(d->fault, d->fault_kind, "%s must be %s", name, allowed);
}

int decoder_atom(struct decoder *d, char out[static MAXATOMLEN_UTF8])
{
    return ei_decode_atom_as(decoder_buffer(d), &d->at, out, MAXATOMLEN_UTF8, ERLANG_UTF8, NULL, NULL) == 0
               ? 0
               : -1;
}

int decoder_bytes(struct decoder *d, const uint8_t **out, size_t *len)
{
    int type = 0;
    int size = 0;

    if (ei_get_type(decoder_buffer(d), &d->at, &type, &size) != 0 || type != ERL_BINARY_EXT || size < 0) {
        return -1;
    }
    if (ei_skip_term(decoder_buffer(d), &d->at) != 0) {
        return -1;
    }
    *len = (size_t)size;
    *out = d->frame + (size_t)d->at - *len;
    return 0;
}

int decoder_number(struct decoder *d, const char *name, uint32_t least, uint32_t most, const char *allowed,
                   uint32_t *out)
{
    int at = d->at;
    EI_LONGLONG value = 0;

    if (ei_decode_longlong(decoder_buffer(d), &d->at, &value) != 0 || value < (EI_LONGLONG)least ||
        value > (EI_LONGLONG)most) {
        return decoder_refuse(d, at, name, allowed);
    }
    *out = (uint32_t)value;
    return 0;
}

int decoder_bool(struct decoder *d, const char *name, bool *out)
{
    int at = d->at;
    int value = 0;

    if (ei_decode_boolean(decoder_buffer(d), &d->at, &value) != 0) {
        return decoder_refuse(d, at, name, "true or false");
    }
    *out = value != 0;
    return 0;
}

static size_t key_index(const struct decoder_key *keys, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(keys[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int refuse_unknown(const struct decoder *d, const char *what, const struct decoder_key *keys,
                          size_t count, const char *name)
{
    char known[FAULT_TEXT / 2] = "";
    size_t used = 0;

    for (size_t k = 0; k < count && used < sizeof known; k++) {
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", k == 0 ? "" : ", ", keys[k].name);
    }
    return fault_set(d->fault, d->fault_kind, "%s has the unknown key %.60s; known are %s", what, name,
                     known);
}

/* The name of the next key, which must be of `keys` and new in `seen`; its index, or -1. */
static int decode_key(struct decoder *d, const char *what, const struct decoder_key *keys, size_t count,
                      uint32_t *seen)
{
    char name[MAXATOMLEN_UTF8];
    size_t k;

    if (decoder_atom(d, name) != 0) {
        return decoder_refuse_secret(d, "every key of a map", "an atom");
    }
    k = key_index(keys, count, name);
    if (k == count) {
        return refuse_unknown(d, what, keys, count, name);
    }
    if ((*seen & UINT32_C(1) << k) != 0) {
        return fault_set(d->fault, d->fault_kind, "%s has the key %s twice", what, name);
    }
    *seen |= UINT32_C(1) << k;
    return (int)k;
}

int decoder_map(struct decoder *d, const char *what, const struct decoder_key *keys, size_t count,
                struct message *out)
{
    int arity = 0;
    uint32_t seen = 0;

    if (ei_decode_map_header(decoder_buffer(d), &d->at, &arity) != 0) {
        return decoder_refuse_secret(d, what, "a map");
    }
    for (int i = 0; i < arity; i++) {
        int k = decode_key(d, what, keys, count, &seen);

        if (k < 0 || keys[k].decode(d, keys[k].name, out) != 0) {
            return -1;
        }
    }
    for (size_t k = 0; k < count; k++) {
        if ((seen & UINT32_C(1) << k) == 0) {
            return fault_set(d->fault, d->fault_kind, "%s lacks the key %s", what, keys[k].name);
        }
    }
    return 0;
}

static int secret_kind(const char *name)
{
    return strcmp(name, "cookie") == 0       ? SECRET_COOKIE
           : strcmp(name, "passphrase") == 0 ? SECRET_PASSPHRASE
           : strcmp(name, "key") == 0        ? SECRET_KEY
                                             : -1;
}

static int check_secret(const struct decoder *d, const struct secret *s)
{
    switch (s->kind) {
    case SECRET_KEY:
        return s->len == KEY_BYTES
                   ? 0
                   : fault_set(d->fault, d->fault_kind, "keys: a key has %lu bytes, but must have %d",
                               (unsigned long)s->len, KEY_BYTES);
    case SECRET_COOKIE:
        return s->len >= 1 && s->len <= COOKIE_MAX
                   ? 0
                   : decoder_refuse_secret(d, "keys: a cookie", "of 1..255 bytes");
    default:
        return s->len >= 1 && s->len <= PASSPHRASE_MAX
                   ? 0
                   : decoder_refuse_secret(d, "keys: a passphrase", "of 1..1024 bytes");
    }
}

static int decode_secret(struct decoder *d, struct secret *out)
{
    char kind[MAXATOMLEN_UTF8];
    int arity = 0;
    int k;

    if (ei_decode_tuple_header(decoder_buffer(d), &d->at, &arity) != 0 || arity != 2 ||
        decoder_atom(d, kind) != 0 || (k = secret_kind(kind)) < 0 ||
        decoder_bytes(d, &out->data, &out->len) != 0) {
        return decoder_refuse_secret(d, "keys: each", "{cookie | passphrase | key, Binary}");
    }
    out->kind = (uint8_t)k;
    return check_secret(d, out);
}

int decoder_secrets(struct decoder *d, const char *name, struct secrets *out)
{
    int arity = 0;

    if (ei_decode_list_header(decoder_buffer(d), &d->at, &arity) != 0 || arity < 1 || arity > KEYRING_MAX) {
        return decoder_refuse_secret(d, name, "a list of 1..4 secrets");
    }
    for (int i = 0; i < arity; i++) {
        if (decode_secret(d, &out->items[i]) != 0) {
            return -1;
        }
    }
    out->count = (uint8_t)arity;
    return ei_skip_term(decoder_buffer(d), &d->at) == 0
               ? 0
               : decoder_refuse_secret(d, name, "a proper list"); /* the list's end */
}
