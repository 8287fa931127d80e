/* Who holds the key, and what he says to node 0 by the group: as members do, or as they never would. */
#ifndef TEST_SUPPORT_INSIDER_H
#define TEST_SUPPORT_INSIDER_H

#include "forge.h"
#include "net.h"

/* n members as attack_members has them, and one who holds the key and is listed by each. */
struct forged insider_among(struct net *net, size_t n);

struct insider_two {
    struct forged f, g;
};

/* The member "a@h1", node 0, and two whom it lists: "f@h3" with boot id 100, "g@h4" with 101. */
struct insider_two insider_two(struct net *net);

void insider_beat(struct net *net, struct forged *f);

/* That it has left. */
void insider_bye(struct net *net, struct forged *f);

/* An entry about another. */
void insider_vouch(struct net *net, struct forged *by, const struct forged *about);

/* A verdict about this boot id. */
void insider_accuse(struct net *net, struct forged *by, uint8_t verdict, uint64_t boot, uint32_t incarnation);

#endif
