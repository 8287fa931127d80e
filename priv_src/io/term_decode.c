#include "term.h"

#include "etf.h"

#include <ei.h>
#include <string.h>

_Static_assert(MAXATOMLEN_UTF8 > ETF_ATOM_MAX, "any atom that etf_check lets through fits");

/* Where we are in one frame. etf_check has accepted it, so ei cannot run past its end. */
struct decoder {
    const uint8_t *frame;
    size_t len;
    int at;             /* ei's index; a frame is at most 1 MiB, so an int holds it */
    uint8_t fault_kind; /* what a wrong term is here: a bad configuration, or a bad command */
    struct fault *fault;
};

static const char *buffer(const struct decoder *d)
{
    return (const char *)d->frame;
}

/* "NAME is GIVEN, but must be ALLOWED", about the term at `at`. */
static int refuse(const struct decoder *d, int at, const char *name, const char *allowed)
{
    char given[ETF_TEXT];

    return fault_set(d->fault, d->fault_kind, "%s is %s, but must be %s", name,
                     etf_text(d->frame, d->len, (size_t)at, given), allowed);
}

/* The same for what must not be shown. */
static int refuse_secret(const struct decoder *d, const char *name, const char *allowed)
{
    return fault_set(d->fault, d->fault_kind, "%s must be %s", name, allowed);
}

static int decode_atom(struct decoder *d, char out[static MAXATOMLEN_UTF8])
{
    return ei_decode_atom_as(buffer(d), &d->at, out, MAXATOMLEN_UTF8, ERLANG_UTF8, NULL, NULL) == 0 ? 0 : -1;
}

/* A binary, as a pointer into the frame. */
static int decode_bytes(struct decoder *d, const uint8_t **out, size_t *len)
{
    int type = 0;
    int size = 0;

    if (ei_get_type(buffer(d), &d->at, &type, &size) != 0 || type != ERL_BINARY_EXT || size < 0)
        return -1;
    if (ei_skip_term(buffer(d), &d->at) != 0)
        return -1;
    *len = (size_t)size;
    *out = d->frame + (size_t)d->at - *len;
    return 0;
}

static int decode_number(struct decoder *d, const char *name, uint32_t least, uint32_t most,
                         const char *allowed, uint32_t *out)
{
    int at = d->at;
    EI_LONGLONG value = 0;

    if (ei_decode_longlong(buffer(d), &d->at, &value) != 0 || value < (EI_LONGLONG)least ||
        value > (EI_LONGLONG)most)
        return refuse(d, at, name, allowed);
    *out = (uint32_t)value;
    return 0;
}

static int decode_bool(struct decoder *d, const char *name, bool *out)
{
    int at = d->at;
    int value = 0;

    if (ei_decode_boolean(buffer(d), &d->at, &value) != 0)
        return refuse(d, at, name, "true or false");
    *out = value != 0;
    return 0;
}

/* ---- maps ---- */

typedef int decode_value(struct decoder *d, const char *name, void *out);

struct key_of_map {
    const char *name;
    decode_value *decode;
};

static size_t key_index(const struct key_of_map *keys, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(keys[i].name, name) != 0)
        i++;
    return i;
}

/* A map with each of `keys` once and nothing else. */
static int decode_map(struct decoder *d, const char *what, const struct key_of_map *keys, size_t count,
                      void *out)
{
    char name[MAXATOMLEN_UTF8];
    int at = d->at;
    int arity = 0;
    uint32_t seen = 0;

    if (ei_decode_map_header(buffer(d), &d->at, &arity) != 0)
        return refuse(d, at, what, "a map");
    for (int i = 0; i < arity; i++) {
        size_t k;

        at = d->at;
        if (decode_atom(d, name) != 0)
            return refuse(d, at, "a key", "an atom");
        k = key_index(keys, count, name);
        if (k == count || (seen & UINT32_C(1) << k) != 0)
            return fault_set(d->fault, d->fault_kind, "%s has the key %.60s, which is unknown or there twice",
                             what, name);
        seen |= UINT32_C(1) << k;
        if (keys[k].decode(d, keys[k].name, out) != 0)
            return -1;
    }
    for (size_t k = 0; k < count; k++) {
        if ((seen & UINT32_C(1) << k) == 0)
            return fault_set(d->fault, d->fault_kind, "%s lacks the key %s", what, keys[k].name);
    }
    return 0;
}

/* ---- secrets ---- */

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
        return s->len >= 1 && s->len <= COOKIE_MAX ? 0
                                                   : refuse_secret(d, "keys: a cookie", "of 1..255 bytes");
    default:
        return s->len >= 1 && s->len <= PASSPHRASE_MAX
                   ? 0
                   : refuse_secret(d, "keys: a passphrase", "of 1..1024 bytes");
    }
}

static int decode_secret(struct decoder *d, struct secret *out)
{
    char kind[MAXATOMLEN_UTF8];
    int arity = 0;
    int k;

    if (ei_decode_tuple_header(buffer(d), &d->at, &arity) != 0 || arity != 2 || decode_atom(d, kind) != 0 ||
        (k = secret_kind(kind)) < 0 || decode_bytes(d, &out->data, &out->len) != 0)
        return refuse_secret(d, "keys: each", "{cookie | passphrase | key, Binary}");
    out->kind = (uint8_t)k;
    return check_secret(d, out);
}

static int decode_secrets(struct decoder *d, const char *name, struct secrets *out)
{
    int arity = 0;

    if (ei_decode_list_header(buffer(d), &d->at, &arity) != 0 || arity < 1 || arity > KEYRING_MAX)
        return refuse_secret(d, name, "a list of 1..4 secrets");
    for (int i = 0; i < arity; i++) {
        if (decode_secret(d, &out->items[i]) != 0)
            return -1;
    }
    out->count = (uint8_t)arity;
    return ei_skip_term(buffer(d), &d->at) == 0
               ? 0
               : refuse_secret(d, name, "a proper list"); /* the list's end */
}

/* ---- configure ---- */

static int config_version(struct decoder *d, const char *name, void *out)
{
    uint32_t version = 0;

    (void)out;
    return decode_number(d, name, PORT_VERSION, PORT_VERSION,
                         "1: this gossipd is of another release than the Elixir side; compile both together",
                         &version);
}

static int config_cluster(struct decoder *d, const char *name, void *out)
{
    struct config *c = &((struct message *)out)->as.config;
    const uint8_t *label;
    size_t len;
    int at = d->at;

    if (decode_bytes(d, &label, &len) != 0 || len > LABEL_MAX)
        return refuse(d, at, name, "a binary of 0..255 bytes");
    c->label_len = (uint8_t)len;
    memcpy(c->label, label, len);
    return 0;
}

static int config_keys(struct decoder *d, const char *name, void *out)
{
    return decode_secrets(d, name, &((struct message *)out)->secrets);
}

/* "233.252.1.33", nothing shorter and nothing after it. */
static int parse_ipv4(const uint8_t *text, size_t len, uint8_t ip[static 4])
{
    size_t i = 0;

    for (unsigned part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t digits = 0;

        if (part > 0 && (i == len || text[i++] != '.'))
            return -1;
        for (; i < len && text[i] >= '0' && text[i] <= '9' && digits < 3; digits++)
            value = value * 10 + (unsigned)(text[i++] - '0');
        if (digits == 0 || value > 255)
            return -1;
        ip[part] = (uint8_t)value;
    }
    return i == len ? 0 : -1;
}

static int config_group(struct decoder *d, const char *name, void *out)
{
    struct config *c = &((struct message *)out)->as.config;
    uint8_t ip[4] = {0};
    const uint8_t *text;
    size_t len;
    int at = d->at;

    if (decode_bytes(d, &text, &len) != 0 || parse_ipv4(text, len, ip) != 0 || ip[0] < 224 || ip[0] > 239)
        return refuse(d, at, name, "an IPv4 multicast address, 224.0.0.0..239.255.255.255");
    c->group = addr_ipv4(ip, c->group.port, 0); /* the port may have come first */
    return 0;
}

static int config_port(struct decoder *d, const char *name, void *out)
{
    struct config *c = &((struct message *)out)->as.config;
    uint32_t port = 0;

    if (decode_number(d, name, 1, 65535, "1..65535", &port) != 0)
        return -1;
    c->group.port = (uint16_t)port;
    return 0;
}

static int config_ttl(struct decoder *d, const char *name, void *out)
{
    struct config *c = &((struct message *)out)->as.config;
    uint32_t ttl = 0;

    if (decode_number(d, name, 0, 255, "0..255", &ttl) != 0)
        return -1;
    c->ttl = (uint8_t)ttl;
    return 0;
}

static int config_interval(struct decoder *d, const char *name, void *out)
{
    return decode_number(d, name, 100, 60000, "100..60000 (milliseconds)",
                         &((struct message *)out)->as.config.interval_ms);
}

static int config_max_peers(struct decoder *d, const char *name, void *out)
{
    return decode_number(d, name, 1, 65535, "1..65535", &((struct message *)out)->as.config.max_peers);
}

static int config_heartbeats(struct decoder *d, const char *name, void *out)
{
    return decode_bool(d, name, &((struct message *)out)->as.config.heartbeats);
}

static int decode_filter_item(struct decoder *d, const char *name, char out[static FILTER_TEXT])
{
    const uint8_t *text;
    size_t len;
    int at = d->at;

    if (decode_bytes(d, &text, &len) != 0 || len == 0 || len >= FILTER_TEXT ||
        memchr(text, '\0', len) != NULL)
        return refuse(d, at, name, "a list of interface names or IPv4 addresses, binaries of 1..45 bytes");
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

static int decode_filter_items(struct decoder *d, const char *name, struct interface_filter *filter)
{
    int at = d->at;
    int arity = 0;

    if (ei_decode_list_header(buffer(d), &d->at, &arity) != 0 || arity < 1 || arity > FILTER_ITEMS)
        return refuse(d, at, name, "a list of 1..32 interface names or IPv4 addresses");
    for (int i = 0; i < arity; i++) {
        if (decode_filter_item(d, name, filter->items[i]) != 0)
            return -1;
    }
    filter->count = (uint8_t)arity;
    return ei_skip_term(buffer(d), &d->at) == 0 ? 0 : refuse(d, at, name, "a proper list");
}

static int config_interfaces(struct decoder *d, const char *name, void *out)
{
    static const char allowed[] = "all, {only, List} or {except, List}";
    struct interface_filter *filter = &((struct message *)out)->as.config.interfaces;
    char atom[MAXATOMLEN_UTF8];
    int at = d->at;
    int arity = 0;

    if (decode_atom(d, atom) == 0) {
        filter->mode = FILTER_ALL;
        return strcmp(atom, "all") == 0 ? 0 : refuse(d, at, name, allowed);
    }
    d->at = at;
    if (ei_decode_tuple_header(buffer(d), &d->at, &arity) != 0 || arity != 2 || decode_atom(d, atom) != 0)
        return refuse(d, at, name, allowed);
    filter->mode = strcmp(atom, "only") == 0 ? FILTER_ONLY : strcmp(atom, "except") == 0 ? FILTER_EXCEPT : 0;
    if (filter->mode == 0)
        return refuse(d, at, name, allowed);
    return decode_filter_items(d, name, filter);
}

static int decode_configure(struct decoder *d, struct message *out)
{
    static const struct key_of_map keys[] = {
        {"version", config_version},       {"cluster", config_cluster},     {"keys", config_keys},
        {"group", config_group},           {"port", config_port},           {"ttl", config_ttl},
        {"interval", config_interval},     {"max_peers", config_max_peers}, {"heartbeats", config_heartbeats},
        {"interfaces", config_interfaces},
    };

    d->fault_kind = FAULT_BAD_CONFIG;
    out->type = MESSAGE_CONFIGURE;
    return decode_map(d, "the configuration", keys, sizeof keys / sizeof keys[0], out);
}

/* ---- alive ---- */

static int alive_name(struct decoder *d, const char *name, void *out)
{
    struct command *c = &((struct message *)out)->as.command;
    const uint8_t *text;
    size_t len;
    int at = d->at;

    if (decode_bytes(d, &text, &len) != 0 || name_set(&c->as.alive.self.name, text, len) != 0)
        return refuse(d, at, name, "a node name such as \"a@host\"");
    return 0;
}

static int alive_creation(struct decoder *d, const char *name, void *out)
{
    return decode_number(d, name, 0, UINT32_MAX, "0..4294967295",
                         &((struct message *)out)->as.command.as.alive.self.creation);
}

static int alive_port(struct decoder *d, const char *name, void *out)
{
    struct command *c = &((struct message *)out)->as.command;
    uint32_t port = 0;

    if (decode_number(d, name, 0, 65535, "0..65535", &port) != 0)
        return -1;
    c->as.alive.self.dist_port = (uint16_t)port;
    return 0;
}

static int alive_flag(struct decoder *d, const char *name, void *out, unsigned flag)
{
    struct identity *self = &((struct message *)out)->as.command.as.alive.self;
    bool on = false;

    if (decode_bool(d, name, &on) != 0)
        return -1;
    self->flags = (uint8_t)(self->flags | (on ? flag : 0u));
    return 0;
}

static int alive_long_names(struct decoder *d, const char *name, void *out)
{
    return alive_flag(d, name, out, IDENTITY_LONG_NAMES);
}

static int alive_tls(struct decoder *d, const char *name, void *out)
{
    return alive_flag(d, name, out, IDENTITY_TLS);
}

static int alive_ipv6(struct decoder *d, const char *name, void *out)
{
    return alive_flag(d, name, out, IDENTITY_IPV6_DIST);
}

static int alive_hidden(struct decoder *d, const char *name, void *out)
{
    return alive_flag(d, name, out, IDENTITY_HIDDEN);
}

static int alive_cookie(struct decoder *d, const char *name, void *out)
{
    struct command *c = &((struct message *)out)->as.command;
    const uint8_t *cookie;
    size_t len;

    if (decode_bytes(d, &cookie, &len) != 0 || len > COOKIE_MAX)
        return refuse_secret(d, name, "a binary of 0..255 bytes");
    c->as.alive.cookie_len = (uint8_t)len;
    memcpy(c->as.alive.cookie, cookie, len);
    return 0;
}

static int decode_alive(struct decoder *d, struct message *out)
{
    static const struct key_of_map keys[] = {
        {"name", alive_name},     {"creation", alive_creation},
        {"port", alive_port},     {"long_names", alive_long_names},
        {"tls", alive_tls},       {"ipv6", alive_ipv6},
        {"hidden", alive_hidden}, {"cookie", alive_cookie},
    };

    out->as.command.type = COMMAND_ALIVE;
    return decode_map(d, "alive", keys, sizeof keys / sizeof keys[0], out);
}

/* ---- the rest ---- */

static int decode_leave(struct decoder *d, struct message *out)
{
    char reason[MAXATOMLEN_UTF8];
    int at = d->at;

    out->as.command.type = COMMAND_LEAVE;
    if (decode_atom(d, reason) != 0)
        return refuse(d, at, "the reason of leave", "left or beam_exit");
    out->as.command.as.reason = strcmp(reason, "left") == 0        ? DOWN_LEFT
                                : strcmp(reason, "beam_exit") == 0 ? DOWN_BEAM_EXIT
                                                                   : 0;
    return out->as.command.as.reason != 0 ? 0 : refuse(d, at, "the reason of leave", "left or beam_exit");
}

static int decode_keys(struct decoder *d, struct message *out)
{
    out->as.command.type = COMMAND_KEYS;
    return decode_secrets(d, "keys", &out->secrets);
}

static int decode_stats(struct decoder *d, struct message *out)
{
    out->type = MESSAGE_STATS;
    return decode_number(d, "the reference of stats", 0, INT32_MAX, "0..2147483647", &out->as.stats_ref);
}

static int decode_tuple(struct decoder *d, struct message *out)
{
    static const struct {
        const char *tag;
        int (*decode)(struct decoder *d, struct message *out);
    } tuples[] = {{"configure", decode_configure},
                  {"alive", decode_alive},
                  {"leave", decode_leave},
                  {"keys", decode_keys},
                  {"stats", decode_stats}};
    char tag[MAXATOMLEN_UTF8];
    int at = d->at;
    int arity = 0;

    if (ei_decode_tuple_header(buffer(d), &d->at, &arity) != 0 || arity != 2)
        return refuse(d, at, "a command", "an atom or a pair");
    at = d->at;
    if (decode_atom(d, tag) == 0) {
        for (size_t i = 0; i < sizeof tuples / sizeof tuples[0]; i++) {
            if (strcmp(tuples[i].tag, tag) == 0)
                return tuples[i].decode(d, out);
        }
    }
    return refuse(d, at, "the tag of a command", "configure, alive, leave, keys or stats");
}

static int decode_word(struct decoder *d, struct message *out)
{
    char word[MAXATOMLEN_UTF8];
    int at = d->at;

    if (decode_atom(d, word) != 0)
        return refuse(d, at, "a command", "an atom or a pair");
    out->as.command.type = strcmp(word, "pulse") == 0      ? COMMAND_PULSE
                           : strcmp(word, "snapshot") == 0 ? COMMAND_SNAPSHOT
                           : strcmp(word, "hide") == 0     ? COMMAND_HIDE
                                                           : 0;
    return out->as.command.type != 0 ? 0 : refuse(d, at, "a command", "pulse, snapshot or hide");
}

int term_init(void)
{
    return ei_init() == 0 ? 0 : -1;
}

int term_decode(const uint8_t *frame, size_t len, struct message *out, struct fault *fault)
{
    struct decoder d = {.frame = frame, .len = len, .fault_kind = FAULT_BAD_COMMAND, .fault = fault};
    int version = 0;
    int type = 0;
    int size = 0;

    memset(out, 0, sizeof *out);
    if (len > INT32_MAX || etf_check(frame, len) != 0 ||
        ei_decode_version(buffer(&d), &d.at, &version) != 0 ||
        ei_get_type(buffer(&d), &d.at, &type, &size) != 0)
        return fault_set(fault, FAULT_BAD_FRAME, "a frame of %lu bytes is not a term that belongs here",
                         (unsigned long)len);
    out->type = MESSAGE_COMMAND;
    return type == ERL_SMALL_TUPLE_EXT ? decode_tuple(&d, out) : decode_word(&d, out);
}
