/* Sealing that seals nothing: the message is copied, under a header that names no key. So a fuzzer that
 * changes a byte changes the message, and what it says is what the parser reads. */
#ifndef TEST_SUPPORT_PLAIN_H
#define TEST_SUPPORT_PLAIN_H

#include "gossip.h"

extern const struct gossip_sealing plain_sealing;

#endif
