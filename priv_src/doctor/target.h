/* The other node that the doctor is asked about, as it is written. */
#ifndef GOSSIP_DOCTOR_TARGET_H
#define GOSSIP_DOCTOR_TARGET_H

#include "identity.h"

struct target {
    struct name name; /* empty where no node is named, but its host alone */
    char host[NAME_MAX_LEN + 1];
    uint16_t port; /* the UDP port of its sidecar; 0: not named */
};

/* Reads "b@h2", "h2", "198.51.100.2", "h2:45894", "2001:db8::1", "[2001:db8::1]:45894", "fe80::1%eth0" (a
 * port is written as in the option `seeds`): 0, or -1 where it is none of those. */
int target_read(struct target *t, const char *text);

#endif
