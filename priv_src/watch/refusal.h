/* How `gossipd watch` and `gossipd doctor` say why they could not do what they were asked. */
#ifndef GOSSIP_WATCH_REFUSAL_H
#define GOSSIP_WATCH_REFUSAL_H

#include "fault.h"

#include <stdbool.h>

/* To people as a line on stderr. To programs (`json`) as one on stdout, where the other lines are that they
 * read: {"error":"TEXT"}; and to people all the same where that cannot be written. `program` is "gossipd
 * doctor", say. */
void refusal_say(const char *program, bool json, const struct fault *fault);

#endif
