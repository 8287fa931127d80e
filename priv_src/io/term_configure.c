#include "decimal.h"
#include "ip.h"
#include "term_cursor.h"

#include <string.h>

#define ADVERTISE_ALLOWED "an IPv4 address, with a port or without, or \"\""

static int read_version(struct cursor *c, const char *name, struct message *out)
{
    (void)out;
    uint32_t version = 0;
    return cursor_number(c, name, PORT_VERSION, PORT_VERSION,
                         "1: this gossipd is of another release than the Elixir side; compile both together",
                         &version);
}

static int read_cluster(struct cursor *c, const char *name, struct message *out)
{
    int at = c->at;
    const uint8_t *label;
    size_t len;
    if (cursor_bytes(c, &label, &len) != 0 || len > LABEL_MAX) {
        return cursor_refuse(c, at, name, "a binary of 0..255 bytes");
    }
    struct config *config = &out->as.config;
    config->label_len = (uint8_t)len;
    memcpy(config->label, label, len);
    return 0;
}

static int read_keys(struct cursor *c, const char *name, struct message *out)
{
    return term_secrets(c, name, &out->secrets);
}

static int read_group(struct cursor *c, const char *name, struct message *out)
{
    int at = c->at;
    uint8_t ip[4] = {0};
    const uint8_t *text;
    size_t len;
    if (cursor_bytes(c, &text, &len) != 0 || ip_parse_group(text, len, ip) != 0) {
        return cursor_refuse(c, at, name, "an IPv4 multicast address, 224.0.0.0..239.255.255.255");
    }
    struct addr *group = &out->as.config.group;
    *group = addr_ipv4(ip, group->port, 0); /* the port may have come first */
    return 0;
}

static int read_group6(struct cursor *c, const char *name, struct message *out)
{
    int at = c->at;
    uint8_t ip[16] = {0};
    const uint8_t *text;
    size_t len;
    bool good = cursor_bytes(c, &text, &len) == 0;
    if (good && len == 0) {
        return 0;
    }
    if (!good || ip_parse_group6(text, len, ip) != 0) {
        return cursor_refuse(c, at, name, "an IPv6 multicast address of link-local scope, or \"\"");
    }
    out->as.config.group6 = addr_ipv6(ip, 0, 0);
    return 0;
}

static int read_port(struct cursor *c, const char *name, struct message *out)
{
    uint32_t port = 0;
    if (cursor_number(c, name, 1, 65535, "1..65535", &port) != 0) {
        return -1;
    }
    out->as.config.group.port = (uint16_t)port;
    return 0;
}

static int read_ttl(struct cursor *c, const char *name, struct message *out)
{
    uint32_t ttl = 0;
    if (cursor_number(c, name, 0, 255, "0..255", &ttl) != 0) {
        return -1;
    }
    out->as.config.ttl = (uint8_t)ttl;
    return 0;
}

static int read_bound(struct cursor *c, unsigned long *out)
{
    return ei_decode_ulong(cursor_buffer(c), &c->at, out) == 0 && *out <= UINT16_MAX ? 0 : -1;
}

static int read_unicast_port(struct cursor *c, const char *name, struct message *out)
{
    int at = c->at;
    int arity = 0;
    unsigned long first = 0, last = 0;
    if (ei_decode_tuple_header(cursor_buffer(c), &c->at, &arity) != 0 || arity != 2 ||
        read_bound(c, &first) != 0 || read_bound(c, &last) != 0 || first > last ||
        (first == 0 && last != 0)) {
        return cursor_refuse(c, at, name, "{First, Last} of 1..65535, or {0, 0}");
    }
    out->as.config.unicast_first = (uint16_t)first;
    out->as.config.unicast_last = (uint16_t)last;
    return 0;
}

static int read_advertise(struct cursor *c, const char *name, struct message *out)
{
    int at = c->at;
    const uint8_t *text, *colon;
    size_t len;
    uint8_t ip[4];
    uint32_t port = 0;
    if (cursor_bytes(c, &text, &len) != 0) {
        return cursor_refuse(c, at, name, ADVERTISE_ALLOWED);
    }
    if (len == 0) {
        return 0;
    }
    colon = memchr(text, ':', len);
    size_t ip_len = colon != NULL ? (size_t)(colon - text) : len;
    bool good = ip_parse_v4(text, ip_len, ip) == 0 && len - ip_len <= 6 &&
                (colon == NULL ||
                 decimal_parse((const char *)colon + 1, len - ip_len - 1, 1, UINT16_MAX, &port) == 0);
    struct addr a = good ? addr_ipv4(ip, port == 0 ? 1 : (uint16_t)port, 0) : (struct addr){0};
    if (!good || !addr_is_endpoint(&a)) {
        return cursor_refuse(c, at, name, ADVERTISE_ALLOWED);
    }
    a.port = (uint16_t)port;
    out->as.config.advertise = a;
    return 0;
}

static int read_interval(struct cursor *c, const char *name, struct message *out)
{
    return cursor_number(c, name, 100, 60000, "100..60000 (milliseconds)", &out->as.config.interval_ms);
}

static int read_max_peers(struct cursor *c, const char *name, struct message *out)
{
    return cursor_number(c, name, 1, 65535, "1..65535", &out->as.config.max_peers);
}

static int read_heartbeats(struct cursor *c, const char *name, struct message *out)
{
    return cursor_bool(c, name, &out->as.config.heartbeats);
}

static int read_broadcast(struct cursor *c, const char *name, struct message *out)
{
    return cursor_bool(c, name, &out->as.config.broadcast);
}

static int read_filter_item(struct cursor *c, const char *name, char out[static FILTER_TEXT])
{
    int at = c->at;
    const uint8_t *text;
    size_t len;
    if (cursor_bytes(c, &text, &len) != 0 || len == 0 || len >= FILTER_TEXT ||
        memchr(text, '\0', len) != NULL) {
        return cursor_refuse(c, at, name,
                             "a list of interface names or IP addresses, binaries of 1..45 bytes");
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

static int read_filter_items(struct cursor *c, const char *name, struct interface_filter *filter)
{
    int at = c->at;
    int arity = 0;
    if (ei_decode_list_header(cursor_buffer(c), &c->at, &arity) != 0 || arity < 1 || arity > FILTER_ITEMS) {
        return cursor_refuse(c, at, name, "a list of 1..32 interface names or IP addresses");
    }
    for (int i = 0; i < arity; i++) {
        if (read_filter_item(c, name, filter->items[i]) != 0) {
            return -1;
        }
    }
    filter->count = (uint8_t)arity;
    return ei_skip_term(cursor_buffer(c), &c->at) == 0 ? 0 : cursor_refuse(c, at, name, "a proper list");
}

static int read_interfaces(struct cursor *c, const char *name, struct message *out)
{
    static const char allowed[] = "all, {only, List} or {except, List}";
    struct interface_filter *filter = &out->as.config.interfaces;
    int at = c->at;
    char atom[MAXATOMLEN_UTF8];
    if (cursor_atom(c, atom) == 0) {
        filter->mode = FILTER_ALL;
        return strcmp(atom, "all") == 0 ? 0 : cursor_refuse(c, at, name, allowed);
    }
    c->at = at;
    int arity = 0;
    if (ei_decode_tuple_header(cursor_buffer(c), &c->at, &arity) != 0 || arity != 2 ||
        cursor_atom(c, atom) != 0) {
        return cursor_refuse(c, at, name, allowed);
    }
    filter->mode = strcmp(atom, "only") == 0 ? FILTER_ONLY : strcmp(atom, "except") == 0 ? FILTER_EXCEPT : 0;
    if (filter->mode == 0) {
        return cursor_refuse(c, at, name, allowed);
    }
    return read_filter_items(c, name, filter);
}

int term_configure(struct cursor *c, struct message *out)
{
    c->fault_kind = FAULT_BAD_CONFIG;
    out->type = MESSAGE_CONFIGURE;
    static const struct cursor_key keys[] = {
        {"version", read_version},       {"cluster", read_cluster},     {"keys", read_keys},
        {"group", read_group},           {"port", read_port},           {"ttl", read_ttl},
        {"interval", read_interval},     {"max_peers", read_max_peers}, {"heartbeats", read_heartbeats},
        {"interfaces", read_interfaces}, {"advertise", read_advertise}, {"unicast_port", read_unicast_port},
        {"broadcast", read_broadcast},   {"group6", read_group6},
    };
    return cursor_map(c, "the configuration", keys, sizeof keys / sizeof keys[0], out);
}

/* `none`, or libcluster's secret, which is any text. */
static int read_compat_secret(struct cursor *c, const char *name, struct message *out)
{
    struct secret *s = &out->secrets.items[0];
    char atom[MAXATOMLEN_UTF8];
    int at = c->at;
    if (cursor_bytes(c, &s->data, &s->len) == 0) {
        s->kind = SECRET_PASSPHRASE;
        out->secrets.count = 1;
        return 0;
    }
    c->at = at;
    return cursor_atom(c, atom) == 0 && strcmp(atom, "none") == 0
               ? 0
               : cursor_refuse_secret(c, name, "a binary, or none");
}

int term_compat(struct cursor *c, struct message *out)
{
    c->fault_kind = FAULT_BAD_CONFIG;
    out->type = MESSAGE_COMPAT;
    static const struct cursor_key keys[] = {
        {"group", read_group}, {"port", read_port}, {"ttl", read_ttl}, {"secret", read_compat_secret}};
    return cursor_map(c, "compat", keys, sizeof keys / sizeof keys[0], out);
}
