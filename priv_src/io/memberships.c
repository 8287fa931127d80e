#include "memberships.h"

#include <errno.h>
#include <string.h>

struct transport *memberships_transport(const struct memberships *s, uint8_t family)
{
    size_t i = 0;
    while (i < TRANSPORTS && (family == ADDR_NONE || s->transports[i].group.family != family)) {
        i++;
    }
    return i < TRANSPORTS ? &s->transports[i] : NULL;
}

/* The kernel loops back what it multicasts, to whoever has joined: none of so many is lost but by a filter,
 * or since the membership is none. */
#define UNRETURNED_MOST 4

/* There is one: only of those families that there are was anything joined. */
static struct transport *of(const struct memberships *s, const struct membership *m)
{
    return memberships_transport(s, m->interface.addr.family);
}

/* By its number, and the family. */
static const struct interface *find(const struct interface *items, size_t count,
                                    const struct interface *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].index == wanted->index && items[i].addr.family == wanted->addr.family) {
            return &items[i];
        }
    }
    return NULL;
}

static bool listed(const struct interface *items, size_t count, const struct interface *wanted)
{
    return find(items, count, wanted) != NULL;
}

static void leave_missing(struct memberships *s, const struct interface_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct membership *m = &s->joined[i];
        const struct interface *now = find(list->items, list->count, &m->interface);
        if (now != NULL) {
            s->reaches_more = s->reaches_more || (now->running && !m->interface.running) ||
                              now->hardware != m->interface.hardware;
            if (!addr_same(&now->addr, &m->interface.addr)) {
                m->multicast = m->broadcast = (struct sending){0}; /* from there nothing was sent yet */
                m->broadcasts = false;
            }
            m->interface = *now;
            s->joined[kept++] = *m;
        } else {
            transport_leave(of(s, m), &m->interface, m->socket);
        }
    }
    s->count = kept;
    memset(&s->joined[kept], 0, (INTERFACES_MAX - kept) * sizeof s->joined[0]);
}

static void join_new(struct memberships *s, const struct interface *interface, struct interface *refused,
                     size_t *refused_count)
{
    struct transport *t = memberships_transport(s, interface->addr.family);
    if (t == NULL || listed(s->public, s->count, interface)) {
        return;
    }
    struct membership m = {.interface = *interface};
    if (transport_join(t, interface, &m.socket) == 0) {
        s->public[s->count] = *interface;
        s->joined[s->count++] = m;
        s->reaches_more = true;
        return;
    }
    if (!listed(s->refused, s->refused_count, interface)) {
        log_line(s->log, LEVEL_WARNING, "multicast cannot be received on interface %s: %s", interface->name,
                 strerror(errno));
    }
    refused[(*refused_count)++] = *interface;
}

size_t memberships_set(struct memberships *s, const struct interface_list *list)
{
    leave_missing(s, list);
    for (size_t i = 0; i < s->count; i++) {
        s->public[i] = s->joined[i].interface;
    }
    struct interface refused[INTERFACES_MAX];
    size_t refused_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        join_new(s, &list->items[i], refused, &refused_count);
    }
    memcpy(s->refused, refused, refused_count * sizeof refused[0]);
    s->refused_count = refused_count;
    return s->count;
}

void memberships_forget(struct memberships *s, uint32_t index)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct membership *m = &s->joined[i];
        if (index != 0 && m->interface.index != index) {
            s->public[kept] = m->interface;
            s->joined[kept++] = *m;
        } else {
            transport_leave(of(s, m), &m->interface, m->socket);
        }
    }
    s->count = kept;
}

void memberships_step_out(struct memberships *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct membership *m = &s->joined[i];
        transport_step_out(of(s, m), &m->interface, m->socket);
    }
}

void memberships_step_in(struct memberships *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct membership *m = &s->joined[i];
        if (m->unreturned < UNRETURNED_MOST) { /* else it is closed, until something comes back */
            m->unreturned = 0;                 /* what went out meanwhile did not come back */
        }
        if (transport_step_in(of(s, m), &m->interface, m->socket) == 0) {
            s->public[kept] = m->interface;
            s->joined[kept++] = *m;
        }
    }
    s->count = kept;
}

/* Adds those of this family on which something was heard, or nothing was. */
static size_t add_addresses(const struct memberships *s, uint8_t family, bool heard, struct addr *out)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct membership *m = &s->joined[i];
        if (m->heard == heard && m->interface.addr.family == family) {
            out[count] = m->interface.addr;
            out[count++].port = of(s, m)->port;
        }
    }
    return count;
}

size_t memberships_addresses(struct memberships *s, struct addr *out, size_t most)
{
    struct addr all[INTERFACES_MAX];
    size_t count = 0, six = 0;
    s->addresses_changed = false;
    for (int heard = 1; heard >= 0; heard--) {
        count += add_addresses(s, ADDR_IPV4, heard == 1, all + count);
        count += add_addresses(s, ADDR_IPV6, heard == 1, all + count);
    }
    while (six < count && all[six].family != ADDR_IPV6) {
        six++;
    }
    if (six < count && six >= most && most > 0) {
        all[most - 1] = all[six]; /* however many there are of IPv4, this member has IPv6, too */
    }
    count = count < most ? count : most;
    memcpy(out, all, count * sizeof *out);
    return count;
}

void memberships_heard(struct memberships *s, const struct addr *from)
{
    for (size_t i = 0; i < s->count; i++) {
        struct membership *m = &s->joined[i];
        if (m->interface.index != from->ifindex || m->interface.addr.family != from->family || m->heard) {
            continue;
        }
        if (from->port != of(s, m)->port || !addr_same_host(from, &m->interface.addr)) {
            m->heard = s->addresses_changed = true;
        }
    }
}

void memberships_returned(struct memberships *s, const struct addr *from)
{
    for (size_t i = 0; i < s->count; i++) {
        struct membership *m = &s->joined[i];
        if (m->interface.index == from->ifindex && m->interface.addr.family == from->family) {
            m->returned = true;
            m->unreturned = 0;
        }
    }
}

bool memberships_closed(const struct memberships *s, uint32_t index)
{
    bool closed = false, open = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct membership *m = &s->joined[i];
        if (m->interface.index == index) {
            closed = closed || m->unreturned >= UNRETURNED_MOST;
            open = open || (m->returned && m->unreturned < UNRETURNED_MOST);
        }
    }
    return closed && !open;
}

bool memberships_have(const struct memberships *s, uint8_t family, uint32_t index)
{
    return listed(s->public, s->count, &(struct interface){.index = index, .addr.family = family});
}

size_t memberships_usable(const struct memberships *s, struct interface out[static INTERFACES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->joined[i].multicast.trouble == 0 || s->joined[i].broadcasts) {
            out[count++] = s->joined[i].interface;
        }
    }
    return count;
}

bool memberships_troubled(const struct memberships *s)
{
    size_t i = 0;
    while (i < s->count && s->joined[i].multicast.trouble == 0) {
        i++;
    }
    return i < s->count;
}
