/* Who has proven a member spares the others. Without it, each of N members would ask each newcomer for an
 * echo; with it the first three by rank, those who answered it in their turn, or the one whom it meets first,
 * tell the group, twice, since one datagram in ten may be lost. A vouch from a sender that is not listed
 * counts for nothing, or two recordings could vouch for each other. */
#include "protocol/vouch.h"

#include "protocol/entry.h"
#include "protocol/flood.h"
#include "protocol/send.h"
#include "state/ranks.h"
#include "state/self.h"

static void say(struct gossip *g, struct effects *fx, const struct peer *p)
{
    struct wire_message m WIRE_ROOM;
    message_start(g, &m, WIRE_NEWS);
    entry_about(g, p, &m.entries[m.entry_count++]);
    message_to_group(g, fx, &m);
}

void vouch_for(struct gossip *g, struct effects *fx, const struct peer *p, bool late, bool refuting)
{
    size_t live;
    size_t rank = rank_among_live(g, p->id.boot, ANSWERERS, &live);
    if ((rank >= ANSWERERS && !late) || live <= 2) {
        return;
    }
    if (!refuting) {
        say(g, fx, p);
        flood_entry(g, p, 0, true);
    }
    (void)set_timer(g, VOUCH_REPEAT, TIMER_VOUCH, p->id.boot, refuting ? 1 : 0);
}

void vouch_timer(struct gossip *g, struct effects *fx, const struct timer *t)
{
    const struct peer *p = roster_find(&g->roster, t->boot);
    if (p == NULL || p->state != PEER_LISTED) {
        return;
    }
    say(g, fx, p);
    if (t->step > 0) {
        flood_entry(g, p, 0, true);
        (void)set_timer(g, VOUCH_REPEAT, TIMER_VOUCH, p->id.boot, (uint8_t)(t->step - 1));
    }
}
