#include "troubles.h"

#include <stdio.h>

static struct link_trouble *find(struct troubles *h, uint32_t index)
{
    size_t i = 0;
    while (i < h->count && h->items[i].index != index) {
        i++;
    }
    return i < h->count ? &h->items[i] : NULL;
}

/* The one of this interface; NULL: there are too many. */
static struct link_trouble *note(struct troubles *h, uint32_t index, const char *name)
{
    struct link_trouble *t = find(h, index);
    if (t == NULL && h->count < INTERFACES_MAX) {
        t = &h->items[h->count++];
        *t = (struct link_trouble){.index = index};
        (void)snprintf(t->name, sizeof t->name, "%s", name);
    }
    return t;
}

/* Drops those that are none any more. */
static bool tidy(struct troubles *h)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++) {
        const struct link_trouble *t = &h->items[i];
        if (t->deaf > 0 || t->mute > 0 || t->closed) {
            h->items[kept++] = *t;
        }
    }
    bool fewer = kept < h->count;
    h->count = kept;
    return fewer;
}

/* Of one more trouble of this interface. */
static uint8_t level(const struct troubles *h, const struct link_trouble *t)
{
    bool known = t->deaf > 0 || t->mute > 0 || t->closed;
    return !h->seeds ? LEVEL_WARNING : known ? LEVEL_DEBUG : LEVEL_INFO;
}

static void say_deaf(struct log *log, uint8_t trouble, const char *name, const struct link_view *link)
{
    if (link->deaf > 0) {
        log_line(log, trouble,
                 "nothing that others send to the group arrives on interface %s, though %u of them %s by "
                 "unicast there",
                 name, link->deaf, link->deaf == 1 ? "answers" : "answer");
    } else if (link->lapsed) {
        log_line(log, LEVEL_INFO,
                 "nobody answers by unicast on interface %s any more, so nothing shows whether what others "
                 "send to the group arrives",
                 name);
    } else {
        log_line(log, LEVEL_INFO, "what others send to the group arrives on interface %s again", name);
    }
}

static void say_mute(struct log *log, uint8_t trouble, const char *name, const struct link_view *link)
{
    if (link->mute > 0) {
        log_line(log, trouble,
                 "what this node sends to the group on interface %s does not arrive at %u of those who "
                 "answer by unicast there",
                 name, link->mute);
    } else if (link->lapsed) {
        log_line(log, LEVEL_INFO,
                 "nobody answers by unicast on interface %s any more, so nothing shows whether what this "
                 "node sends to the group arrives",
                 name);
    } else {
        log_line(log, LEVEL_INFO, "what this node sends to the group on interface %s arrives again", name);
    }
}

void troubles_link(struct troubles *h, struct log *log, const struct link_view *link, const char *name)
{
    struct link_trouble *t = note(h, link->ifindex, name);
    if (t == NULL) {
        return;
    }
    if (link->deaf != t->deaf) {
        say_deaf(log, level(h, t), name, link);
    }
    t->deaf = link->deaf;
    if (link->mute != t->mute) {
        say_mute(log, level(h, t), name, link);
    }
    t->mute = link->mute;
    (void)tidy(h);
}

bool troubles_closed(struct troubles *h, struct log *log, const struct interface *interface, bool closed)
{
    struct link_trouble *t = closed ? note(h, interface->index, interface->name) : find(h, interface->index);
    if (t == NULL || t->closed == closed) {
        return false;
    }
    if (closed) {
        log_line(log, level(h, t),
                 "nothing that is sent to the group arrives on interface %s, not even what this node sends "
                 "itself",
                 interface->name);
    } else {
        log_line(log, LEVEL_INFO, "what this node sends to the group on interface %s comes back to it again",
                 interface->name);
    }
    t->closed = closed;
    (void)tidy(h);
    return true;
}

bool troubles_forget(struct troubles *h)
{
    bool some = false;
    for (size_t i = 0; i < h->count; i++) {
        some = some || h->items[i].deaf > 0 || h->items[i].mute > 0;
        h->items[i].deaf = h->items[i].mute = 0;
    }
    (void)tidy(h);
    return some;
}

bool troubles_keep(struct troubles *h, const struct interface *interfaces, size_t count)
{
    for (size_t i = 0; i < h->count; i++) {
        struct link_trouble *t = &h->items[i];
        size_t at = 0;
        while (at < count && interfaces[at].index != t->index) {
            at++;
        }
        if (at == count) {
            t->deaf = t->mute = 0;
            t->closed = false;
        }
    }
    return tidy(h);
}
