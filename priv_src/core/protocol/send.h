/* Messages out: begun, filled, sealed, sent. */
#ifndef GOSSIP_SEND_H
#define GOSSIP_SEND_H

#include "state/state.h"

/* Milliseconds, from 0 to 65535. */
uint16_t saturated_ms(int64_t us);

/* Starts a message: clears it and fills in what every message of this member says. */
void message_start(struct gossip *g, struct wire_message *m, uint8_t type);
void message_echo(struct wire_message *m, uint64_t boot, uint64_t nonce);
void message_verdict(struct wire_message *m, uint8_t verdict, uint64_t boot, uint32_t incarnation);

/* Seals it and asks for it to be sent. Nothing is sent while this member is not announced. */
void message_send(struct gossip *g, struct effects *fx, const struct path *path,
                  const struct wire_message *m);

/* Whether the message answers a fresh nonce of ours. */
bool message_answers(const struct gossip *g, const struct wire_message *m);

/* Sends a PROBE to an address. */
void message_probe(struct gossip *g, struct effects *fx, const struct addr *to);

#endif
