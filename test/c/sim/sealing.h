/* `--no-seal`: a sealing that costs next to nothing and protects nothing. It keeps the form of a datagram
 * (header, message, tag), so that sizes and sequence numbers are the same; the message is in the clear and
 * the tag is zero. Only the simulator has it. */
#ifndef SIM_SEALING_H
#define SIM_SEALING_H

#include "gossip.h"

extern const struct gossip_sealing sealing_none;

#endif
