/* What is shown, for programs. Names and numbers as PROTOCOL.md has them; what is not known is null. */
#include "view.h"

#include "ip.h"
#include "json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void time_of(struct text *out, int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    json_string(out, "at", text, strlen(text));
}

static void addresses(struct text *out, const char *name, const struct addr *addrs, size_t count)
{
    char ip[IP_TEXT];
    json_key(out, name);
    text_add(out, "[", 1);
    for (size_t i = 0; i < count; i++) {
        json_item(out);
        (void)ip_text(&addrs[i], ip);
        json_string(out, "ip", ip, strlen(ip));
        json_number(out, "port", addrs[i].port);
        text_add(out, "}", 1);
    }
    text_add(out, "]", 1);
}

static void tags(struct text *out, const struct tags *tags)
{
    json_key(out, "tags");
    text_add(out, "{", 1);
    for (size_t at = 0; at < tags->len;) {
        size_t len, value_len;
        text_add(out, ",", at > 0 ? 1 : 0);
        const char *name = (const char *)tags_text(tags, at, &len, &at);
        const char *value = (const char *)tags_text(tags, at, &value_len, &at);
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
    json_item(out);
    json_string(out, "name", h->id.name.text, h->id.name.len);
    json_key(out, "boot");
    text_print(out, "\"%016llx\"", (unsigned long long)h->id.boot);
    json_number(out, "creation", h->id.creation);
    json_number(out, "incarnation", h->id.incarnation);
    json_string(out, "state", state, strlen(state));
    json_string(out, "said_by", h->by.len > 0 ? h->by.text : NULL, h->by.len);
    json_boolean(out, "heard", heard);
    json_number(out, "heard_ms_ago", (uint64_t)(h->heard_ago / MS_US));
    json_number(out, "interval_ms", (uint64_t)(h->interval / MS_US));
    json_key(out, "loss");
    if (h->loss >= 0) {
        text_print(out, "%d.%03d", h->loss / 1000, h->loss % 1000);
    } else {
        text_print(out, "null");
    }
    addresses(out, "from", &h->from, heard ? 1 : 0);
    json_string(out, "interface", heard ? link : "", heard ? strlen(link) : 0);
    addresses(out, "addresses", h->addrs, h->addr_count);
    json_number(out, "port", h->id.dist_port);
    json_number(out, "lists", h->lists);
    json_boolean(out, "agrees", h->agrees);
    json_boolean(out, "stalled", h->stalled);
    json_boolean(out, "isolated", h->isolated);
    json_boolean(out, "long_names", (h->id.flags & IDENTITY_LONG_NAMES) != 0);
    json_boolean(out, "tls", (h->id.flags & IDENTITY_TLS) != 0);
    json_boolean(out, "ipv6", (h->id.flags & IDENTITY_IPV6_DIST) != 0);
    json_boolean(out, "hidden", (h->id.flags & IDENTITY_HIDDEN) != 0);
    tags(out, &h->tags);
    text_add(out, "}", 1);
}

static void counters(struct text *out, const struct listener_summary *s)
{
    json_key(out, "counters");
    text_add(out, "{", 1);
    json_number(out, "received", s->received);
    json_number(out, "foreign", s->foreign);
    json_number(out, "forged", s->forged);
    json_number(out, "malformed", s->malformed);
    json_number(out, "copies", s->copies);
    json_number(out, "replayed", s->replayed);
    json_number(out, "stale", s->stale);
    json_number(out, "misdirected", s->misdirected);
    text_add(out, "}", 1);
}

static void interfaces(struct text *out, const struct picture *p)
{
    char ip[IP_TEXT];
    json_key(out, "interfaces");
    text_add(out, "[", 1);
    for (size_t i = 0; i < p->interface_count; i++) {
        const struct interface *interface = &p->interfaces[i];
        json_item(out);
        json_string(out, "name", interface->name, strlen(interface->name));
        json_number(out, "index", interface->index);
        (void)ip_text(&interface->addr, ip);
        json_string(out, "address", ip, strlen(ip));
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
    json_string(out, "cluster", f->arguments->label, strlen(f->arguments->label));
    json_string(out, "group", group, (size_t)len);
    json_number(out, "listened_ms", (uint64_t)(f->listened / MS_US));
    json_number(out, "heard", p->summary.heard);
    json_number(out, "told", p->summary.told);
    json_number(out, "agree", p->summary.agree);
    json_number(out, "no_room", p->summary.unlisted);
    counters(out, &p->summary);
    interfaces(out, p);
    json_key(out, "members");
    text_add(out, "[", 1);
    for (size_t i = 0; i < p->count; i++) {
        member(out, p, &p->rows[i]);
    }
    text_add(out, "]}\n", 3);
}
