/* An attacker on the network: he hears everything, and says it again, from wherever he likes. */
#ifndef SIM_ATTACK_H
#define SIM_ATTACK_H

#include "cluster.h"

/* Where he is; nobody else lives there. */
struct addr attack_address(void);

/* What he has heard once more, from his hands, with the given source: to a member, or to the group (`to` as
 * in cluster_sent). */
void attack_repeat(struct cluster *c, const struct path *from, const struct packet *heard, uint32_t to);

/* The same on the island of this member: what is for the group is heard there alone. */
void attack_repeat_on(struct cluster *c, const struct path *from, const struct packet *heard, uint32_t island,
                      uint32_t to);

/* As attack_repeat, with any bytes. */
void attack_say(struct cluster *c, const struct path *from, const uint8_t *data, size_t len, uint32_t to);

/* How many times a member takes his address for a peer's. */
int64_t attack_believed(const struct cluster *c);

/* What a member of an ended session, that nobody knows, once said to the group: a beat, or a question. Only
 * the simulator can make as many. Returns its length. */
size_t attack_recording(struct cluster *c, bool question, uint8_t data[static DATAGRAM_MAX]);

#endif
