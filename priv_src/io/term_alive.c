#include "term_cursor.h"

#include <string.h>

static int read_name(struct cursor *c, const char *name, struct message *out)
{
    int at = c->at;
    const uint8_t *text;
    size_t len;
    if (cursor_bytes(c, &text, &len) != 0 || name_set(&out->as.command.as.alive.self.name, text, len) != 0) {
        return cursor_refuse(c, at, name, "a node name such as \"a@host\"");
    }
    return 0;
}

static int read_creation(struct cursor *c, const char *name, struct message *out)
{
    return cursor_number(c, name, 0, UINT32_MAX, "0..4294967295", &out->as.command.as.alive.self.creation);
}

static int read_port(struct cursor *c, const char *name, struct message *out)
{
    uint32_t port = 0;
    if (cursor_number(c, name, 0, 65535, "0..65535", &port) != 0) {
        return -1;
    }
    out->as.command.as.alive.self.dist_port = (uint16_t)port;
    return 0;
}

static int read_flag(struct cursor *c, const char *name, struct message *out, unsigned flag)
{
    bool on = false;
    if (cursor_bool(c, name, &on) != 0) {
        return -1;
    }
    struct identity *self = &out->as.command.as.alive.self;
    self->flags = (uint8_t)(self->flags | (on ? flag : 0u));
    return 0;
}

static int read_long_names(struct cursor *c, const char *name, struct message *out)
{
    return read_flag(c, name, out, IDENTITY_LONG_NAMES);
}

static int read_tls(struct cursor *c, const char *name, struct message *out)
{
    return read_flag(c, name, out, IDENTITY_TLS);
}

static int read_ipv6(struct cursor *c, const char *name, struct message *out)
{
    return read_flag(c, name, out, IDENTITY_IPV6_DIST);
}

static int read_hidden(struct cursor *c, const char *name, struct message *out)
{
    return read_flag(c, name, out, IDENTITY_HIDDEN);
}

static int read_cookie(struct cursor *c, const char *name, struct message *out)
{
    const uint8_t *cookie;
    size_t len;
    if (cursor_bytes(c, &cookie, &len) != 0 || len > COOKIE_MAX) {
        return cursor_refuse_secret(c, name, "a binary of 0..255 bytes");
    }
    struct command *command = &out->as.command;
    command->as.alive.cookie_len = (uint8_t)len;
    memcpy(command->as.alive.cookie, cookie, len);
    return 0;
}

static int read_host(struct cursor *c, const char *name, struct message *out)
{
    const uint8_t *bytes;
    size_t len;
    int at = c->at;

    if (cursor_bytes(c, &bytes, &len) != 0 || host_set(&out->as.command.as.alive.host, bytes, len) != 0) {
        return cursor_refuse(c, at, name, "a binary: 0 or 1, then IP addresses, each behind a 4 or a 6");
    }
    return 0;
}

static int read_tags(struct cursor *c, const char *name, struct message *out)
{
    const uint8_t *bytes;
    size_t len;
    int at = c->at;

    if (cursor_bytes(c, &bytes, &len) != 0 || tags_set(&out->as.command.as.alive.tags, 1, bytes, len) != 0) {
        return cursor_refuse(
            c, at, name, "a binary of at most 256 bytes: keys and values in order, each behind its length");
    }
    return 0;
}

int term_alive(struct cursor *c, struct message *out)
{
    out->as.command.type = COMMAND_ALIVE;
    static const struct cursor_key keys[] = {
        {"name", read_name},     {"creation", read_creation},
        {"port", read_port},     {"long_names", read_long_names},
        {"tls", read_tls},       {"ipv6", read_ipv6},
        {"hidden", read_hidden}, {"host", read_host},
        {"cookie", read_cookie}, {"tags", read_tags},
    };
    return cursor_map(c, "alive", keys, sizeof keys / sizeof keys[0], out);
}
