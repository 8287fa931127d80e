/* Questions, answers, first contact. */
#ifndef GOSSIP_JOIN_H
#define GOSSIP_JOIN_H

#include "state/state.h"

/* A stranger was heard. By its question, or its beat: asks it to answer a nonce of ours, if that is our turn.
 * By what names this member: answers, and asks. */
void join_stranger(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                   const struct path *from);

/* A peer knows, besides those whom this member knows, just the one member that has this digest: if that is a
 * stranger who was waited for in vain, it is asked. */
void join_known(struct gossip *g, struct effects *fx, uint64_t digest);

/* A peer has known more than this member for so long that vouches must have been lost: one stranger who was
 * waited for in vain is asked. */
void join_waiting(struct gossip *g, struct effects *fx);

/* A newcomer's question, though this member knows it: answers when it is its turn. */
void join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);

/* Gives the sender the echo it asked for, the way it came. */
void join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);

/* The same to somebody who is back from the dead: and tells it so, that it may refute. */
void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from);

/* It answered a nonce that was for all, from an address that it does not call its own: it is asked there. */
void join_verify(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);

/* Whether it is this member's turn, among all who heard a datagram of `subject` by the group, to look into
 * it: some for a question, which has a number, fewer for what is shorter, by its sequence. */
bool join_turn(const struct gossip *g, const struct wire_message *m, uint64_t sequence);

#endif
