/* How the group's datagrams do on each link, both ways. */
#ifndef GOSSIP_HEARING_H
#define GOSSIP_HEARING_H

#include "state/state.h"

/* A fresh datagram of a peer has come this way. */
void hearing_note(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  const struct path *from);

/* The same again of this sender, by the group and another link. */
void hearing_copy(struct gossip *g, const struct peer *p, const struct path *from);

/* Time has passed: asks where there is doubt, and tells what is over. Looks twice in T at most. */
void hearing_look(struct gossip *g, struct effects *fx);

/* This life is over, and all that was told of links with it (EVENT_LEFT says so). */
void hearing_end(struct gossip *g);

#endif
