/* What the owner is told about a peer. */
#ifndef GOSSIP_TELL_H
#define GOSSIP_TELL_H

#include "state/state.h"

/* A peer as the owner sees it. */
struct peer_view tell_view(const struct peer *p);

/* It is listed, or a new sidecar of its BEAM is; it is gone, for this reason; its beat was heard. */
void tell_up(struct effects *fx, struct peer *p);
void tell_successor(struct effects *fx, struct peer *p);
void tell_down(struct effects *fx, const struct peer *p, uint8_t reason);
void tell_heartbeat(struct effects *fx, const struct peer *p);

/* Who was listed on others' word has been heard in person. */
void tell_heard(struct effects *fx, const struct peer *p);

/* A listed peer changed. Told at once, or, when that was too often of late, as it stands by then. */
void tell_update(struct gossip *g, struct effects *fx, struct peer *p);

/* Those who had to wait. */
void tell_owed_timer(struct gossip *g, struct effects *fx);

/* It has the name of another that lives; told once. */
void tell_conflict(struct effects *fx, struct peer *p, const struct peer_view *other);

/* Of whom that was told is gone, and was never listed: the other has the name for itself. */
void tell_settled(struct effects *fx, struct peer *p);

/* Its node has ended the connection to this one, so long ago. False when that cannot be told now. */
bool tell_disconnected(struct gossip *g, struct effects *fx, struct peer *p, uint16_t ago_ms);

#endif
