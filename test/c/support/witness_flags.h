/* Holds what a member says in flags against what came to it, and what it tells its owner:
 *
 *   - FAR is said to one, never to the group; and not of one that has just been heard by the group;
 *   - an entry calls far just whom the member tells so;
 *   - an entry says that a BEAM is stalled just where the owner is told so;
 *   - WHOLE is what leaves out nothing of name, addresses, host and tags, and nothing else. */
#ifndef TEST_SUPPORT_WITNESS_FLAGS_H
#define TEST_SUPPORT_WITNESS_FLAGS_H

#include "gossip.h"
#include "message/wire.h"

#define FLAGS_PEERS 512

enum flags_told { TOLD_NOTHING, TOLD_NEAR, TOLD_FAR };

struct witness_flags {
    struct identity self; /* what it is to say, */
    struct host host;
    struct tags tags;
    int64_t now, before; /* when this step's sender was heard before it */
    uint64_t from;       /* the sender of this step's datagram; 0: none */
    bool by_group;
    size_t peers;
    struct {
        uint64_t boot;
        enum flags_told told; /* since it was heard, or listed */
        bool grouped;         /* it was heard by the group, since it was listed, */
        int64_t grouped_at;   /* and then for the last time */
    } peer[FLAGS_PEERS];
};

void flags_start(struct witness_flags *f);

/* Before the member is given this. */
void flags_command(struct witness_flags *f, const struct command *c);

/* Before the member is given a datagram of this sender. */
void flags_receive(struct witness_flags *f, const struct gossip *g, uint64_t boot, bool by_group);

/* What the owner is told of a peer begins anew. */
void flags_event(struct witness_flags *f, uint64_t boot);

/* What is wrong with a message that it has sent; NULL: nothing. */
const char *flags_send(struct witness_flags *f, const struct gossip *g, bool to_group,
                       const struct wire_message *m);

/* After the step. */
void flags_after(struct witness_flags *f, const struct gossip *g);

#endif
