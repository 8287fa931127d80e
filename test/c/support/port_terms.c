#include "port_terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory in a test is the end of it. */
static void must(int result)
{
    if (result != 0) {
        abort();
    }
}

static void start(ei_x_buff *x)
{
    if (x->buff == NULL) {
        must(ei_x_new(x));
    }
    x->index = 0;
    must(ei_x_encode_version(x));
}

static void pair(ei_x_buff *x, const char *tag)
{
    start(x);
    must(ei_x_encode_tuple_header(x, 2));
    must(ei_x_encode_atom(x, tag));
}

static void binary(ei_x_buff *x, const char *text)
{
    must(ei_x_encode_binary(x, text, (int)strlen(text)));
}

static void put_version(ei_x_buff *x, const struct port_config *c)
{
    (void)c;
    must(ei_x_encode_long(x, PORT_VERSION));
}

static void put_cluster(ei_x_buff *x, const struct port_config *c)
{
    (void)c;
    binary(x, "test");
}

static void put_secret(ei_x_buff *x, const char *cookie, uint8_t key)
{
    uint8_t bytes[KEY_BYTES];
    memset(bytes, key, sizeof bytes);
    must(ei_x_encode_tuple_header(x, 2));
    must(ei_x_encode_atom(x, cookie != NULL ? "cookie" : "key"));
    if (cookie != NULL) {
        binary(x, cookie);
    } else {
        must(ei_x_encode_binary(x, bytes, sizeof bytes));
    }
}

static void put_keys(ei_x_buff *x, const struct port_config *c)
{
    must(ei_x_encode_list_header(x, 1));
    put_secret(x, c->secret, c->key);
    must(ei_x_encode_empty_list(x));
}

static void put_group(ei_x_buff *x, const struct port_config *c)
{
    (void)c;
    binary(x, "233.252.1.33");
}

static void put_group6(ei_x_buff *x, const struct port_config *c)
{
    binary(x, c->group6 != NULL ? c->group6 : "");
}

static void put_port(ei_x_buff *x, const struct port_config *c)
{
    must(ei_x_encode_long(x, c->port != 0 ? c->port : 45893));
}

static void put_interfaces(ei_x_buff *x, const struct port_config *c)
{
    if (c->interface != NULL && c->interface[0] == '\0') {
        must(ei_x_encode_atom(x, "all"));
        return;
    }
    must(ei_x_encode_tuple_header(x, 2));
    must(ei_x_encode_atom(x, "only"));
    must(ei_x_encode_list_header(x, 1));
    binary(x, c->interface != NULL ? c->interface : "127.0.0.1");
    must(ei_x_encode_empty_list(x));
}

static void put_ttl(ei_x_buff *x, const struct port_config *c)
{
    (void)c;
    must(ei_x_encode_long(x, 0)); /* never leaves the host */
}

static void put_interval(ei_x_buff *x, const struct port_config *c)
{
    must(ei_x_encode_long(x, c->interval != 0 ? (long)c->interval : 1000));
}

static void put_max_peers(ei_x_buff *x, const struct port_config *c)
{
    (void)c;
    must(ei_x_encode_long(x, 4096));
}

static void put_heartbeats(ei_x_buff *x, const struct port_config *c)
{
    must(ei_x_encode_boolean(x, c->heartbeats));
}

static void put_advertise(ei_x_buff *x, const struct port_config *c)
{
    binary(x, c->advertise != NULL ? c->advertise : "");
}

static void put_unicast_port(ei_x_buff *x, const struct port_config *c)
{
    must(ei_x_encode_tuple_header(x, 2));
    must(ei_x_encode_ulong(x, c->unicast_first));
    must(ei_x_encode_ulong(x, c->unicast_last));
}

static void put_broadcast(ei_x_buff *x, const struct port_config *c)
{
    must(ei_x_encode_boolean(x, c->broadcast));
}

void port_configure(ei_x_buff *x, const struct port_config *c)
{
    static const struct {
        const char *name;
        void (*put)(ei_x_buff *x, const struct port_config *c);
    } keys[] = {
        {"version", put_version},
        {"cluster", put_cluster},
        {"keys", put_keys},
        {"group", put_group},
        {"port", put_port},
        {"interfaces", put_interfaces},
        {"ttl", put_ttl},
        {"interval", put_interval},
        {"max_peers", put_max_peers},
        {"heartbeats", put_heartbeats},
        {"advertise", put_advertise},
        {"unicast_port", put_unicast_port},
        {"broadcast", put_broadcast},
        {"group6", put_group6},
    };
    size_t count = sizeof keys / sizeof keys[0];
    pair(x, "configure");
    must(ei_x_encode_map_header(x, (long)count - (c->without != NULL)));
    for (size_t i = 0; i < count; i++) {
        if (c->without != NULL && strcmp(c->without, keys[i].name) == 0) {
            continue;
        }
        must(ei_x_encode_atom(x, keys[i].name));
        keys[i].put(x, c);
    }
}

void port_compat(ei_x_buff *x, uint16_t port, const char *secret)
{
    pair(x, "compat");
    must(ei_x_encode_map_header(x, 4));
    must(ei_x_encode_atom(x, "group"));
    binary(x, "233.252.1.32");
    must(ei_x_encode_atom(x, "port"));
    must(ei_x_encode_ulong(x, port));
    must(ei_x_encode_atom(x, "ttl"));
    must(ei_x_encode_ulong(x, 0)); /* never leaves the host */
    must(ei_x_encode_atom(x, "secret"));
    if (secret != NULL) {
        binary(x, secret);
    } else {
        must(ei_x_encode_atom(x, "none"));
    }
}

void port_alive(ei_x_buff *x, const char *name, uint32_t creation)
{
    static const char *const flags[] = {"long_names", "tls", "ipv6", "hidden"};
    pair(x, "alive");
    must(ei_x_encode_map_header(x, 10));
    must(ei_x_encode_atom(x, "name"));
    binary(x, name);
    must(ei_x_encode_atom(x, "creation"));
    must(ei_x_encode_ulong(x, creation));
    must(ei_x_encode_atom(x, "port"));
    must(ei_x_encode_ulong(x, 4370));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        must(ei_x_encode_atom(x, flags[i]));
        must(ei_x_encode_boolean(x, i == 0));
    }
    must(ei_x_encode_atom(x, "host"));
    must(ei_x_encode_binary(x, "\1\4\12\0\0\1", 6));
    must(ei_x_encode_atom(x, "tags"));
    must(ei_x_encode_binary(x, "\4role\3web", 9));
    must(ei_x_encode_atom(x, "cookie"));
    binary(x, "monster");
}

void port_word(ei_x_buff *x, const char *word)
{
    start(x);
    must(ei_x_encode_atom(x, word));
}

void port_leave(ei_x_buff *x, const char *reason)
{
    pair(x, "leave");
    must(ei_x_encode_atom(x, reason));
}

void port_disconnected(ei_x_buff *x, const char *boot, size_t len)
{
    pair(x, "disconnected");
    must(ei_x_encode_binary(x, boot, (int)len));
}

void port_stats(ei_x_buff *x, long ref)
{
    pair(x, "stats");
    must(ei_x_encode_long(x, ref));
}

void port_measures(ei_x_buff *x, long from)
{
    pair(x, "measures");
    must(ei_x_encode_long(x, from));
}

void port_keys(ei_x_buff *x, const char *cookie, size_t count)
{
    pair(x, "keys");
    must(ei_x_encode_list_header(x, (long)count));
    for (size_t i = 0; i < count; i++) {
        put_secret(x, cookie, 0);
    }
    must(ei_x_encode_empty_list(x));
}

void port_seeds(ei_x_buff *x, const struct port_seed *seeds, size_t count)
{
    pair(x, "seeds");
    if (count > 0) {
        must(ei_x_encode_list_header(x, (long)count));
    }
    for (size_t i = 0; i < count; i++) {
        must(ei_x_encode_tuple_header(x, 3));
        must(ei_x_encode_binary(x, seeds[i].ip, (int)seeds[i].len));
        must(ei_x_encode_long(x, seeds[i].first));
        must(ei_x_encode_long(x, seeds[i].last));
    }
    must(ei_x_encode_empty_list(x));
}

void port_siblings(ei_x_buff *x, const uint16_t *ports, size_t count)
{
    pair(x, "siblings");
    if (count > 0) {
        must(ei_x_encode_list_header(x, (long)count));
    }
    for (size_t i = 0; i < count; i++) {
        must(ei_x_encode_ulong(x, ports[i]));
    }
    must(ei_x_encode_empty_list(x));
}
