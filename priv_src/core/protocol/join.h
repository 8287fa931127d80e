/* Questions, answers, first contact. */
#ifndef GOSSIP_JOIN_H
#define GOSSIP_JOIN_H

#include "state/state.h"

/* Someone unproven was heard: asks it to answer a nonce of ours, now or, if others are to do it, later. */
void join_prove(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                const struct path *from);
void join_retry(struct gossip *g, struct effects *fx, const struct timer *t);

/* A newcomer's question, though this member knows it: answers when it is its turn. */
void join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);

/* Gives the sender the echo it asked for, the way it came. */
void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);

/* The same to somebody who is back from the dead: and tells it so, that it may refute. */
void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from);

#endif
