/* What is shown, for programs. Names and numbers as PROTOCOL.md has them; what is not known is null. */
#include "view.h"

#include "ip.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool ends(const struct text *out, char with)
{
    return out->len > 0 && out->data[out->len - 1] == with;
}

static void key(struct text *out, const char *name)
{
    text_print(out, "%s\"%s\":", ends(out, '{') ? "" : ",", name);
}

static void string(struct text *out, const char *name, const char *bytes, size_t len)
{
    key(out, name);
    text_json(out, bytes, len);
}

static void number(struct text *out, const char *name, uint64_t value)
{
    key(out, name);
    text_print(out, "%llu", (unsigned long long)value);
}

static void boolean(struct text *out, const char *name, bool value)
{
    key(out, name);
    text_print(out, "%s", value ? "true" : "false");
}

static void name_or_null(struct text *out, const char *field, const struct name *name)
{
    if (name->len > 0) {
        string(out, field, name->text, name->len);
    } else {
        key(out, field);
        text_print(out, "null");
    }
}

static void time_of(struct text *out, int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    string(out, "at", text, strlen(text));
}

static void open_item(struct text *out)
{
    text_print(out, "%s{", ends(out, '[') ? "" : ",");
}

static void addresses(struct text *out, const char *name, const struct addr *addrs, size_t count)
{
    char ip[IP_TEXT];
    key(out, name);
    text_add(out, "[", 1);
    for (size_t i = 0; i < count; i++) {
        open_item(out);
        (void)ip_text(&addrs[i], ip);
        string(out, "ip", ip, strlen(ip));
        number(out, "port", addrs[i].port);
        text_add(out, "}", 1);
    }
    text_add(out, "]", 1);
}

static void tags(struct text *out, const struct tags *tags)
{
    key(out, "tags");
    text_add(out, "{", 1);
    for (size_t at = 0; at < tags->len;) {
        size_t len, value_len;
        const char *name = (const char *)tags_text(tags, at, &len, &at);
        const char *value = (const char *)tags_text(tags, at, &value_len, &at);
        text_add(out, ",", ends(out, '{') ? 0 : 1);
        text_json(out, name, len);
        text_add(out, ":", 1);
        text_json(out, value, value_len);
    }
    text_add(out, "}", 1);
}

static void member(struct text *out, const struct picture *p, const struct heard *h)
{
    const char *state = rows_state(h), *link = rows_link(p, &h->from);
    bool heard = h->from.family != ADDR_NONE;
    open_item(out);
    string(out, "name", h->id.name.text, h->id.name.len);
    key(out, "boot");
    text_print(out, "\"%016llx\"", (unsigned long long)h->id.boot);
    number(out, "creation", h->id.creation);
    number(out, "incarnation", h->id.incarnation);
    string(out, "state", state, strlen(state));
    name_or_null(out, "said_by", &h->by);
    boolean(out, "heard", heard);
    number(out, "heard_ms_ago", (uint64_t)(h->heard_ago / MS_US));
    number(out, "interval_ms", (uint64_t)(h->interval / MS_US));
    key(out, "loss");
    if (h->loss >= 0) {
        text_print(out, "%d.%03d", h->loss / 1000, h->loss % 1000);
    } else {
        text_print(out, "null");
    }
    addresses(out, "from", &h->from, heard ? 1 : 0);
    string(out, "interface", heard ? link : "", heard ? strlen(link) : 0);
    addresses(out, "addresses", h->addrs, h->addr_count);
    number(out, "port", h->id.dist_port);
    number(out, "lists", h->lists);
    boolean(out, "agrees", h->agrees);
    boolean(out, "stalled", h->stalled);
    boolean(out, "isolated", h->isolated);
    boolean(out, "long_names", (h->id.flags & IDENTITY_LONG_NAMES) != 0);
    boolean(out, "tls", (h->id.flags & IDENTITY_TLS) != 0);
    boolean(out, "ipv6", (h->id.flags & IDENTITY_IPV6_DIST) != 0);
    boolean(out, "hidden", (h->id.flags & IDENTITY_HIDDEN) != 0);
    tags(out, &h->tags);
    text_add(out, "}", 1);
}

static void counters(struct text *out, const struct listener_summary *s)
{
    key(out, "counters");
    text_add(out, "{", 1);
    number(out, "received", s->received);
    number(out, "foreign", s->foreign);
    number(out, "forged", s->forged);
    number(out, "malformed", s->malformed);
    number(out, "copies", s->copies);
    number(out, "replayed", s->replayed);
    number(out, "stale", s->stale);
    number(out, "misdirected", s->misdirected);
    text_add(out, "}", 1);
}

static void interfaces(struct text *out, const struct picture *p)
{
    char ip[IP_TEXT];
    key(out, "interfaces");
    text_add(out, "[", 1);
    for (size_t i = 0; i < p->interface_count; i++) {
        const struct interface *interface = &p->interfaces[i];
        open_item(out);
        string(out, "name", interface->name, strlen(interface->name));
        number(out, "index", interface->index);
        (void)ip_text(&interface->addr, ip);
        string(out, "address", ip, strlen(ip));
        text_add(out, "}", 1);
    }
    text_add(out, "]", 1);
}

void view_json(struct text *out, const struct view *f)
{
    char ip[IP_TEXT], group[IP_TEXT + 8];
    const struct picture *p = f->picture;
    const struct addr *to = &f->arguments->udp.group;
    int len = snprintf(group, sizeof group, "%s:%u", ip_text(to, ip), to->port);
    text_add(out, "{", 1);
    time_of(out, f->at);
    string(out, "cluster", f->arguments->label, strlen(f->arguments->label));
    string(out, "group", group, (size_t)len);
    number(out, "listened_ms", (uint64_t)(f->listened / MS_US));
    number(out, "heard", p->summary.heard);
    number(out, "told", p->summary.told);
    number(out, "agree", p->summary.agree);
    number(out, "no_room", p->summary.unlisted);
    counters(out, &p->summary);
    interfaces(out, p);
    key(out, "members");
    text_add(out, "[", 1);
    for (size_t i = 0; i < p->count; i++) {
        member(out, p, &p->rows[i]);
    }
    text_add(out, "]}\n", 3);
}
