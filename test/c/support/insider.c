#include "insider.h"

#include "attack.h"
#include "test.h"

struct forged insider_among(struct net *net, size_t n)
{
    struct forged f = forge(100, "insider@h3", 1, 50);
    attack_members(net, n);
    for (size_t i = 0; i < n; i++) {
        net_prove(net, i, &f);
    }
    net_forget_events(net);
    return f;
}

struct insider_two insider_two(struct net *net)
{
    struct insider_two t = {.f = forge(100, "f@h3", 1, 10), .g = forge(101, "g@h4", 1, 11)};
    (void)net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    net_prove(net, 0, &t.f);
    net_prove(net, 0, &t.g);
    assert_int_equal(net_listed(net, 0), 2);
    net_forget_events(net);
    return t;
}

void insider_beat(struct net *net, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_HELLO);
    net_say(net, 0, f, PATH_GROUP, &m);
}

void insider_bye(struct net *net, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_BYE);
    m.reason = DOWN_LEFT;
    m.has |= HAS_REASON;
    net_say(net, 0, f, PATH_GROUP, &m);
}

void insider_vouch(struct net *net, struct forged *by, const struct forged *about)
{
    struct wire_message m;
    forge_start(by, &m, WIRE_NEWS);
    forge_entry(&m, about);
    net_say(net, 0, by, PATH_GROUP, &m);
}

void insider_accuse(struct net *net, struct forged *by, uint8_t verdict, uint64_t boot, uint32_t incarnation)
{
    struct wire_message m;
    forge_start(by, &m, WIRE_NEWS);
    forge_verdict(&m, verdict, boot, incarnation);
    net_say(net, 0, by, PATH_GROUP, &m);
}
