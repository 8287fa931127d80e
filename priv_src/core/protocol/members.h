/* Listed, changed, gone. */
#ifndef GOSSIP_MEMBERS_H
#define GOSSIP_MEMBERS_H

#include "state/state.h"

/* The sender, who gives its name and may be listed under its boot id (member_may_return), has just proven
 * itself at this address. Lists it, or brings it back. `far`: it has become known without the group, which
 * counts unless its proof came by that. NULL where member_admit has no record for it. */
struct peer *member_proven(struct gossip *g, struct effects *fx, const struct wire_message *m,
                           uint64_t sequence, const struct addr *where, bool by_group, bool far);

/* Whether it calls itself otherwise than those did who told of it, and nobody has heard it yet where it is:
 * they have lied, or it would. With a proof the former (member_proven). */
bool member_misnamed(const struct peer *p, const struct wire_message *m);

/* Whether one more may come now, or come back on others' word; counted if not. */
bool member_may_come(struct gossip *g);

/* A record for a member who comes, or comes back; NULL, and counted, when there is no room for it. */
struct peer *member_admit(struct gossip *g, struct peer *p, const struct identity *id);

/* Decides what a member who is known now may be. `proven`: by itself; what others say of it takes nobody's
 * place before it was asked. */
void member_place(struct gossip *g, struct effects *fx, struct peer *p, bool proven);

/* A fresh datagram of a known member: takes over what it says of itself, if it is the newest. `answers`: it
 * echoes a nonce of ours; `promises`: what interval it names is its own word. */
void member_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  bool newest, bool answers, bool promises);

/* It lives: no suspicion holds. */
void member_alive(struct gossip *g, struct effects *fx, struct peer *p);

/* It is gone; a tombstone stays, if there is room. The pointer is not to be used after. */
void member_gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason);

/* The same, but only others told of it: it may come back. */
void member_gone_by_hearsay(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason);

/* Whether it may be listed again under this boot id. */
bool member_may_return(const struct peer *p);

/* A rival was heard in person: it may take the name, or be one too many. */
void member_rival(struct gossip *g, struct effects *fx, struct peer *p, bool answers);

/* Rivals that are silent, and tombstones that are old, go. */
void member_sweep_timer(struct gossip *g, struct effects *fx);

#endif
