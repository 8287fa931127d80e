/* The links to the network: which interfaces are in use, the sockets on them, and when to look again.
 *
 * A look asks the system for its interfaces, joins what is new and leaves what is gone; it may come at any
 * time and as often as one likes: it changes only what has changed, and tells a change once a second at most.
 * The system's own events (link_watch.h) make one due at once. No interface at all is a state, not an error.
 */
#ifndef GOSSIP_LINKS_H
#define GOSSIP_LINKS_H

#include "gossip.h"
#include "link_watch.h"
#include "troubles.h"
#include "udp.h"

#define LINKS_LOOK_GAP (1 * SECOND_US) /* between looks while something is wrong; one costs little */
#define LINKS_CALM_GAP                                                                                       \
    (5 * SECOND_US) /* while all is well, and changes are watched: nothing but a watch that fails is missed  \
                     */
#define LINKS_SLACK     (LINKS_CALM_GAP / 5) /* so much sooner, while all is well, when this wakes anyway */
#define LINKS_EVENT_GAP (20 * MS_US)         /* between looks that events ask for: they come in swarms */
#define LINKS_TELL_GAP  (1 * SECOND_US)      /* between two tellings of a change */

/* Between two reports of what is joined. A switch that snoops forgets a group that nobody was heard to be in
 * for 260 s (RFC 3376, section 8.4): so one report may be lost. */
#define LINKS_REPORT_GAP (115 * SECOND_US)

/* The system reports only when the first of this host joins. So all of them step out at one time, which is
 * told by the clock that they share (each multiple of the gap), and in again a moment later: long enough for
 * each to have been woken, and so short that of two thousand beats one is missed for it. */
#define LINKS_REPORT_OUT (50 * MS_US)

struct links {
    struct udp *udp; /* owned; NULL before links_open */
    struct log *log;
    struct interface_filter filter;
    int watch;         /* owned; link_watch.h; -1: changes are seen by looks alone */
    int64_t looked_at; /* microseconds */
    int64_t look_at;
    int64_t report_at; /* when to step out of the group next, or in again */
    bool out;
    bool unlisted; /* the system did not tell its interfaces the last time */
    bool told;     /* what follows has been told, at told_at */
    int64_t told_at;
    struct interface_list list; /* as chosen */
    struct network network;     /* what has come of it */
    struct troubles troubles;
};

/* Opens the sockets; a look is due at once. `log` must outlive it. Zeroed memory is closed. 0, or -1 and a
 * fault. */
int links_open(struct links *l, const struct udp_options *options, const struct interface_filter *filter,
               struct log *log, struct fault *fault);
void links_close(struct links *l);

/* To be polled for input; then call links_changed. -1: there is none. */
int links_watch(const struct links *l);

/* Takes the system's events: what was deleted is left, and a look is due. */
void links_changed(struct links *l, int64_t now);

/* When to look again; NEVER while closed. */
int64_t links_deadline(const struct links *l);

/* Whether it is time to look; or nearly, while all is well, so that nobody wakes for it a moment later. */
bool links_due(const struct links *l, int64_t now);

/* Looks. True when `network` is another than was told before: tell the owner. */
bool links_look(struct links *l, int64_t now);

/* What a look does with the interfaces that it has found. */
bool links_found(struct links *l, const struct interface_list *list, int64_t now);

/* The core tells how the group's datagrams do on a link; NULL: nothing that it has told holds any more. True
 * when `network` is another: tell the owner. */
bool links_heard(struct links *l, const struct link_view *link);

/* Whether members may be found by seeds, too. */
void links_seeds(struct links *l, bool some);

/* Sends to the group or to one endpoint. Failures are counted, and make a look due. */
void links_send(struct links *l, int64_t now, const struct path *to, const uint8_t *data, size_t len);

/* The sockets to poll for input, UDP_SOCKETS_MAX at most, and their number: 0 while closed. */
size_t links_descriptors(const struct links *l, struct pollfd *fds);

#endif
