/* The hands of an attacker: he hears what is sent, keeps it, says it again from wherever he likes, and passes
 * on what comes to him. Whoever has no key can do no more. */
#ifndef TEST_SUPPORT_ATTACK_H
#define TEST_SUPPORT_ATTACK_H

#include "net.h"

/* Where he is; nobody else lives there. */
#define ATTACKER build_addr(66, 6666)
/* Somebody who has no part in it. */
#define VICTIM build_addr(77, 7777)

/* Members "a@host", "b@host", ... that list one another, and whose beats are far apart. */
void attack_members(struct net *net, size_t n);

/* What node i sent last of this type (0: any) since `since`, to the group or to one, as it went over the
 * wire; false when there is none. */
bool attack_record(const struct net *net, size_t i, uint8_t type, uint8_t path_kind, int64_t since,
                   struct sent *out);

/* Says a recording to node i once more, as it was said, from the source `from`. */
void attack_replay(struct net *net, size_t i, const struct sent *s, const struct addr *from);

/* The number of datagrams sent to the address since `since`; the latest goes to `out`, if that is not NULL.
 */
size_t attack_sent_to(const struct net *net, const struct addr *a, int64_t since, struct sent *out);

/* Bytes of all datagrams since `since` that are for the address, or that go to the group and are no beat: as
 * if all members broadcast, too, and so send twice what need not go out once. */
size_t attack_bytes(const struct net *net, const struct addr *a, int64_t since);

/* What node i lists under this boot id, or this name; false when it does not. */
bool attack_lists(const struct net *net, size_t i, uint64_t boot, struct peer_view *out);
bool attack_lists_name(const struct net *net, size_t i, const char *name, struct peer_view *out);

/* Whether node i believes that this boot id is at the address. */
bool attack_believes(const struct net *net, size_t i, uint64_t boot, const struct addr *a);

#endif
