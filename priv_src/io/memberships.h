/* On which interfaces the group is joined, and what was met there. udp.c and udp_send.c alone use it; udp.h
 * says what its functions of these names do. */
#ifndef GOSSIP_MEMBERSHIPS_H
#define GOSSIP_MEMBERSHIPS_H

#include "transport.h"

/* What sending to the group in one way has met. */
struct sending {
    int trouble; /* errno of the last one, 0: it went out */
    bool told;   /* a person knows of it */
};

struct membership {
    struct interface interface;
    int socket;                          /* the shared socket that has joined; its transport owns it */
    struct sending multicast, broadcast; /* udp.c changes these two, and the next */
    bool broadcasts;                     /* one was sent, and the last went out */
    bool heard;                          /* something came in there, from another host or socket */
    bool returned;      /* something that was sent to the group came in there; and so many multicasts ... */
    uint8_t unreturned; /* ... have gone out since, at most 255 */
};

#define TRANSPORTS 2 /* IPv4 comes first, everywhere */

struct memberships {
    struct transport *transports; /* so many; not owned */
    struct log *log;
    size_t count;
    struct membership joined[INTERFACES_MAX];
    struct interface public[INTERFACES_MAX]; /* what udp_interfaces shows */
    size_t refused_count;
    struct interface refused[INTERFACES_MAX]; /* told already that they cannot be joined */
    bool reaches_more;                        /* since somebody has asked */
    bool addresses_changed;                   /* since memberships_addresses */
};

size_t memberships_set(struct memberships *s, const struct interface_list *list);
void memberships_forget(struct memberships *s, uint32_t index);
void memberships_step_out(struct memberships *s);
void memberships_step_in(struct memberships *s);
size_t memberships_addresses(struct memberships *s, struct addr *out, size_t most);
size_t memberships_usable(const struct memberships *s, struct interface out[static INTERFACES_MAX]);
bool memberships_troubled(const struct memberships *s);

/* Something came in from there. Its own multicasts, which come back to it, do not count. */
void memberships_heard(struct memberships *s, const struct addr *from);

/* Something that was sent to the group came in there. */
void memberships_returned(struct memberships *s, const struct addr *from);

/* As udp_closed. */
bool memberships_closed(const struct memberships *s, uint32_t index);

/* Whether the interface of this number is joined, over this family. */
bool memberships_have(const struct memberships *s, uint8_t family, uint32_t index);

/* The transport of this family, or NULL. */
struct transport *memberships_transport(const struct memberships *s, uint8_t family);

#endif
