/* Messages out: begun, filled, addressed, sealed, sent; and whether one answers what was asked. */
#ifndef GOSSIP_SEND_H
#define GOSSIP_SEND_H

#include "state/state.h"

/* Milliseconds, from 0 to 65535. */
uint16_t saturated_ms(int64_t us);

/* Starts a message: clears it and fills in what every message of this member says. */
void message_start(struct gossip *g, struct wire_message *m, uint8_t type);
void message_echo(struct wire_message *m, uint64_t boot, uint64_t nonce);
void message_verdict(struct wire_message *m, uint8_t verdict, uint64_t boot, uint32_t incarnation);

/* Bytes of the datagram that this message would be. */
size_t message_size(const struct wire_message *m);

/* Leaves out what the sender can say of itself later: the fingerprint and the host; then the tags; then the
 * addresses, too. Without tags all of that at once. False when there is nothing more. */
bool message_shed(struct wire_message *m);

/* Makes an ACK or PROBE a datagram of so many bytes at most, on its way to this address (NULL: to the group):
 * what message_shed leaves out, and then the name, are left out for that, and said later. False when even
 * that is too long. */
bool message_shorten(struct wire_message *m, const struct addr *to, size_t most);

/* Seals it and asks for it to be sent, to the group, to those of it on one link and over one family (those of
 * `by`; 0: all) with so many bytes at most, its copy by broadcast among them, or to the one of this boot id
 * at this address. Its nonce is bound to that, unless it has one. Nothing is sent while this member is not
 * announced, or to what is no endpoint. */
void message_to_group(struct gossip *g, struct effects *fx, struct wire_message *m);
void message_to_link(struct gossip *g, struct effects *fx, const struct addr *by, struct wire_message *m,
                     size_t most);
void message_to(struct gossip *g, struct effects *fx, uint64_t boot, const struct addr *to,
                struct wire_message *m);

/* Bytes that a datagram may cause where nobody has answered yet, by all who answer it. */
size_t message_may_cause(const struct wire_message *m);

/* Whether a message answers a nonce that this member made less than 2 s ago; before `made`, by its clock,
 * there was no such nonce. */
enum answer {
    ANSWER_NONE = 0,
    ANSWER_ALIVE,   /* one for all: its sender lives, and that is all */
    ANSWER_CLAIMED, /* and says under the seal that it is at `where`, from where the answer came */
    ANSWER_HERE,    /* one that only went to `where`: it was reached there */
};
enum answer message_answers(const struct gossip *g, const struct wire_message *m, const struct path *from,
                            struct addr *where, int64_t *made);

/* How long it took from what this member asked to this answer, in microseconds, at least 1; 0: that cannot be
 * told. To be called once for a message that was not heard before. */
int64_t message_round_trip(struct gossip *g, const struct wire_message *m);

/* Whether the sender says under the seal that this address is its own. */
bool message_claims(const struct wire_message *m, const struct addr *a);

/* Whether the sender says by a VERDICT that it has left, as it does to one: that is no sign of life. */
bool message_says_goodbye(const struct wire_message *m);

/* Sends a PROBE to the one of this boot id, at an address; of so many bytes at most. */
void message_probe(struct gossip *g, struct effects *fx, uint64_t boot, const struct addr *to, size_t most);

/* Whether something may be sent to where nobody has proven to be, whoever named it: to each host this member
 * sends few. */
bool message_may_name(struct gossip *g, const struct addr *a);

/* Whether something may be sent to a known peer, at one of its addresses. Others may name whom they like: to
 * a host that only they tell of, this member sends few, whatever they are for. */
bool message_may_reach(struct gossip *g, const struct peer *p, size_t at);

/* Whether something may be sent to an address of a known peer that has not proven to be there: who holds the
 * key says what he likes of himself, too. Of the same few, for each host. */
bool message_may_try(struct gossip *g, const struct peer *p, const struct addr *a);

/* A PROBE, if that may be. */
void message_probe_peer(struct gossip *g, struct effects *fx, const struct peer *p, size_t at);

/* A PROBE that says all, and that is long enough for an answer that does so, too; to each peer once in 50 ms.
 */
void message_ask_all(struct gossip *g, struct effects *fx, struct peer *p);

#endif
