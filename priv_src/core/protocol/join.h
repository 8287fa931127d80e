/* Questions, answers, first contact. */
#ifndef GOSSIP_JOIN_H
#define GOSSIP_JOIN_H

#include "state/state.h"

/* A stranger was heard. By its question, or its beat: asks it to answer a nonce of ours, if that is our turn.
 * By what names this member: answers, and asks. */
void join_stranger(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                   const struct path *from);

/* A stranger who was waited for in vain (or need not be, `at_once`), and has this digest (0: whatever it
 * has); 0: there is none. */
uint64_t join_missed(const struct gossip *g, uint64_t digest, bool at_once);

/* It is looked up at a peer; until it is heard again it is not missed any more. */
void join_looked_up(struct gossip *g, uint64_t boot);

/* It is asked itself, by the group. */
void join_ask(struct gossip *g, struct effects *fx, uint64_t boot);

/* A peer's page has an entry of somebody whom this member has buried, and hears again, or the peer is far: it
 * is told so, where it is known to be. It will refute. */
void join_remind(struct gossip *g, struct effects *fx, const struct wire_entry *e, bool far);

/* A newcomer's question, though this member knows it: answers when it is its turn, or when it came to this
 * member alone. True if so; the answer has a question of its own, if that is wanted and it goes to one. */
bool join_answer(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from,
                 bool ask);

/* Gives the sender the echo it asked for, the way it came; the same. */
bool join_reply(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from,
                bool ask);

/* The same to somebody who is back from the dead: and tells it so, that it may refute; in so many bytes. */
void join_accuse(struct gossip *g, struct effects *fx, const struct wire_message *m, uint32_t incarnation,
                 const struct path *from, size_t most);

/* It answered a nonce that was for all, from an address that it does not call its own: it is asked there. */
void join_verify(struct gossip *g, struct effects *fx, const struct wire_message *m, const struct path *from);

/* Whether it is this member's turn, among all who heard a datagram of `subject` by the group, to look into
 * it: some for a question, which has a number, fewer for what is shorter, by its sequence. */
bool join_turn(const struct gossip *g, const struct wire_message *m, uint64_t sequence);

/* The longest answer, in bytes, of each of those whose turn it is. All together send half of three times the
 * bytes that came, or less: for some may know other members than the rest, and take their turn, too. */
size_t join_longest(const struct wire_message *m);

#endif
