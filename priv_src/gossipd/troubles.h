/* What is told of the links on which the group's datagrams do not arrive: a line for each trouble, once, and
 * one when it is over; and the list for the owner. Who names seeds knows that multicast may not pass: then a
 * line informs, and warns of nothing, and of an interface that has two troubles there is one. */
#ifndef GOSSIP_TROUBLES_H
#define GOSSIP_TROUBLES_H

#include "effect.h"
#include "interfaces.h"
#include "log.h"

struct troubles {
    bool seeds; /* there are some */
    size_t count;
    struct link_trouble items[INTERFACES_MAX];
};

/* The core tells how a link is now. `name`: of the interface. */
void troubles_link(struct troubles *h, struct log *log, const struct link_view *link, const char *name);

/* Whether this interface is closed to the group: not even what this process sends comes back. True when that
 * is news. */
bool troubles_closed(struct troubles *h, struct log *log, const struct interface *interface, bool closed);

/* Forgets, without a line, what the core has told (its life is over); or all of interfaces that are not among
 * these any more. True when there was something. */
bool troubles_forget(struct troubles *h);
bool troubles_keep(struct troubles *h, const struct interface *interfaces, size_t count);

#endif
