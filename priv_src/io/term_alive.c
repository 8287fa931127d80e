#include "term_decoder.h"

#include <string.h>

static int alive_name(struct decoder *d, const char *name, struct message *out)
{
    struct command *c = &out->as.command;
    const uint8_t *text;
    size_t len;
    int at = d->at;

    if (decoder_bytes(d, &text, &len) != 0 || name_set(&c->as.alive.self.name, text, len) != 0) {
        return decoder_refuse(d, at, name, "a node name such as \"a@host\"");
    }
    return 0;
}

static int alive_creation(struct decoder *d, const char *name, struct message *out)
{
    return decoder_number(d, name, 0, UINT32_MAX, "0..4294967295", &out->as.command.as.alive.self.creation);
}

static int alive_port(struct decoder *d, const char *name, struct message *out)
{
    struct command *c = &out->as.command;
    uint32_t port = 0;

    if (decoder_number(d, name, 0, 65535, "0..65535", &port) != 0) {
        return -1;
    }
    c->as.alive.self.dist_port = (uint16_t)port;
    return 0;
}

static int alive_flag(struct decoder *d, const char *name, struct message *out, unsigned flag)
{
    struct identity *self = &out->as.command.as.alive.self;
    bool on = false;

    if (decoder_bool(d, name, &on) != 0) {
        return -1;
    }
    self->flags = (uint8_t)(self->flags | (on ? flag : 0u));
    return 0;
}

static int alive_long_names(struct decoder *d, const char *name, struct message *out)
{
    return alive_flag(d, name, out, IDENTITY_LONG_NAMES);
}

static int alive_tls(struct decoder *d, const char *name, struct message *out)
{
    return alive_flag(d, name, out, IDENTITY_TLS);
}

static int alive_ipv6(struct decoder *d, const char *name, struct message *out)
{
    return alive_flag(d, name, out, IDENTITY_IPV6_DIST);
}

static int alive_hidden(struct decoder *d, const char *name, struct message *out)
{
    return alive_flag(d, name, out, IDENTITY_HIDDEN);
}

static int alive_cookie(struct decoder *d, const char *name, struct message *out)
{
    struct command *c = &out->as.command;
    const uint8_t *cookie;
    size_t len;

    if (decoder_bytes(d, &cookie, &len) != 0 || len > COOKIE_MAX) {
        return decoder_refuse_secret(d, name, "a binary of 0..255 bytes");
    }
    c->as.alive.cookie_len = (uint8_t)len;
    memcpy(c->as.alive.cookie, cookie, len);
    return 0;
}

int term_alive(struct decoder *d, struct message *out)
{
    static const struct decoder_key keys[] = {
        {"name", alive_name},     {"creation", alive_creation},
        {"port", alive_port},     {"long_names", alive_long_names},
        {"tls", alive_tls},       {"ipv6", alive_ipv6},
        {"hidden", alive_hidden}, {"cookie", alive_cookie},
    };

    out->as.command.type = COMMAND_ALIVE;
    return decoder_map(d, "alive", keys, sizeof keys / sizeof keys[0], out);
}
