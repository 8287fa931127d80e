#include "term_decoder.h"

#include <string.h>

static int config_version(struct decoder *d, const char *name, struct message *out)
{
    uint32_t version = 0;

    (void)out;
    return decoder_number(d, name, PORT_VERSION, PORT_VERSION,
                          "1: this gossipd is of another release than the Elixir side; compile both together",
                          &version);
}

static int config_cluster(struct decoder *d, const char *name, struct message *out)
{
    struct config *c = &out->as.config;
    const uint8_t *label;
    size_t len;
    int at = d->at;

    if (decoder_bytes(d, &label, &len) != 0 || len > LABEL_MAX) {
        return decoder_refuse(d, at, name, "a binary of 0..255 bytes");
    }
    c->label_len = (uint8_t)len;
    memcpy(c->label, label, len);
    return 0;
}

static int config_keys(struct decoder *d, const char *name, struct message *out)
{
    return decoder_secrets(d, name, &out->secrets);
}

/* "233.252.1.33", nothing shorter and nothing after it. */
static int parse_ipv4(const uint8_t *text, size_t len, uint8_t ip[static 4])
{
    size_t i = 0;

    for (unsigned part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t digits = 0;

        if (part > 0 && (i == len || text[i++] != '.')) {
            return -1;
        }
        for (; i < len && text[i] >= '0' && text[i] <= '9' && digits < 3; digits++) {
            value = value * 10 + (unsigned)(text[i++] - '0');
        }
        if (digits == 0 || value > 255) {
            return -1;
        }
        ip[part] = (uint8_t)value;
    }
    return i == len ? 0 : -1;
}

static int config_group(struct decoder *d, const char *name, struct message *out)
{
    struct config *c = &out->as.config;
    uint8_t ip[4] = {0};
    const uint8_t *text;
    size_t len;
    int at = d->at;

    if (decoder_bytes(d, &text, &len) != 0 || parse_ipv4(text, len, ip) != 0 || ip[0] < 224 || ip[0] > 239) {
        return decoder_refuse(d, at, name, "an IPv4 multicast address, 224.0.0.0..239.255.255.255");
    }
    c->group = addr_ipv4(ip, c->group.port, 0); /* the port may have come first */
    return 0;
}

static int config_port(struct decoder *d, const char *name, struct message *out)
{
    struct config *c = &out->as.config;
    uint32_t port = 0;

    if (decoder_number(d, name, 1, 65535, "1..65535", &port) != 0) {
        return -1;
    }
    c->group.port = (uint16_t)port;
    return 0;
}

static int config_ttl(struct decoder *d, const char *name, struct message *out)
{
    struct config *c = &out->as.config;
    uint32_t ttl = 0;

    if (decoder_number(d, name, 0, 255, "0..255", &ttl) != 0) {
        return -1;
    }
    c->ttl = (uint8_t)ttl;
    return 0;
}

static int config_interval(struct decoder *d, const char *name, struct message *out)
{
    return decoder_number(d, name, 100, 60000, "100..60000 (milliseconds)", &out->as.config.interval_ms);
}

static int config_max_peers(struct decoder *d, const char *name, struct message *out)
{
    return decoder_number(d, name, 1, 65535, "1..65535", &out->as.config.max_peers);
}

static int config_heartbeats(struct decoder *d, const char *name, struct message *out)
{
    return decoder_bool(d, name, &out->as.config.heartbeats);
}

static int decode_filter_item(struct decoder *d, const char *name, char out[static FILTER_TEXT])
{
    const uint8_t *text;
    size_t len;
    int at = d->at;

    if (decoder_bytes(d, &text, &len) != 0 || len == 0 || len >= FILTER_TEXT ||
        memchr(text, '\0', len) != NULL) {
        return decoder_refuse(d, at, name,
                              "a list of interface names or IPv4 addresses, binaries of 1..45 bytes");
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

static int decode_filter_items(struct decoder *d, const char *name, struct interface_filter *filter)
{
    int at = d->at;
    int arity = 0;

    if (ei_decode_list_header(decoder_buffer(d), &d->at, &arity) != 0 || arity < 1 || arity > FILTER_ITEMS) {
        return decoder_refuse(d, at, name, "a list of 1..32 interface names or IPv4 addresses");
    }
    for (int i = 0; i < arity; i++) {
        if (decode_filter_item(d, name, filter->items[i]) != 0) {
            return -1;
        }
    }
    filter->count = (uint8_t)arity;
    return ei_skip_term(decoder_buffer(d), &d->at) == 0 ? 0 : decoder_refuse(d, at, name, "a proper list");
}

static int config_interfaces(struct decoder *d, const char *name, struct message *out)
{
    static const char allowed[] = "all, {only, List} or {except, List}";
    struct interface_filter *filter = &out->as.config.interfaces;
    char atom[MAXATOMLEN_UTF8];
    int at = d->at;
    int arity = 0;

    if (decoder_atom(d, atom) == 0) {
        filter->mode = FILTER_ALL;
        return strcmp(atom, "all") == 0 ? 0 : decoder_refuse(d, at, name, allowed);
    }
    d->at = at;
    if (ei_decode_tuple_header(decoder_buffer(d), &d->at, &arity) != 0 || arity != 2 ||
        decoder_atom(d, atom) != 0) {
        return decoder_refuse(d, at, name, allowed);
    }
    filter->mode = strcmp(atom, "only") == 0 ? FILTER_ONLY : strcmp(atom, "except") == 0 ? FILTER_EXCEPT : 0;
    if (filter->mode == 0) {
        return decoder_refuse(d, at, name, allowed);
    }
    return decode_filter_items(d, name, filter);
}

int term_configure(struct decoder *d, struct message *out)
{
    static const struct decoder_key keys[] = {
        {"version", config_version},       {"cluster", config_cluster},     {"keys", config_keys},
        {"group", config_group},           {"port", config_port},           {"ttl", config_ttl},
        {"interval", config_interval},     {"max_peers", config_max_peers}, {"heartbeats", config_heartbeats},
        {"interfaces", config_interfaces},
    };

    d->fault_kind = FAULT_BAD_CONFIG;
    out->type = MESSAGE_CONFIGURE;
    return decoder_map(d, "the configuration", keys, sizeof keys / sizeof keys[0], out);
}
