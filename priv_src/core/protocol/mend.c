/* Vouches get lost, and nobody repeats them. But every datagram carries a digest of its sender's roster, and
 * whoever is proven may be believed that others know more. If it is just one member more, and a stranger fits
 * that digest, or if it is more than one, and stays so, the peer is asked for the page on which a stranger
 * should stand; the stranger itself is not, since each of those who miss it would. In the end the whole
 * roster is pulled; by the young, who have met only some of the others, at once. Nothing of that can be
 * caused by a stranger's datagram. */
#include "protocol/mend.h"

#include "protocol/beat.h"
#include "protocol/join.h"
#include "protocol/pages.h"
#include "state/self.h"

/* The others may be wrong, or know somebody who cannot be known here (a namesake): each time is later than
 * the one before. */
static int64_t next_gap(int64_t gap, int64_t least)
{
    gap = gap < least ? least : 2 * gap;
    return gap < MEND_GAP_MOST ? gap : MEND_GAP_MOST;
}

static bool pull(struct gossip *g, struct effects *fx, const struct peer *p, int64_t least)
{
    if (g->now < g->mend_at || !pages_from(g, fx, p, false)) {
        return false;
    }
    g->mend_gap = next_gap(g->mend_gap, least);
    g->mend_at = g->now + g->mend_gap;
    return true;
}

/* Looks one stranger up, if others may know it. Where no page comes, and it is all that is missing, it is
 * asked by the group, once in T at most: so rarely that it does not matter how many do the same. */
static void look_up(struct gossip *g, struct effects *fx, const struct peer *p, uint64_t more, bool lasts)
{
    uint64_t just_one = join_missed(g, more, false);
    uint64_t boot = just_one != 0 || !lasts ? just_one : join_missed(g, 0, false);
    if (boot == 0) {
        return;
    }
    if (pages_find(g, fx, p, boot)) {
        join_looked_up(g, boot);
    }
    if (just_one != 0 && pages_blocked(g) && g->now >= g->ask_at) {
        g->ask_at = g->now + current_interval(g);
        join_ask(g, fx, boot);
    }
}

/* Of those who started with it a young member has met some only. But who has lived through a T, and lacks
 * just one whom it hears, asks for the page with that one: the others would tell it nothing. */
static void pull_young(struct gossip *g, struct effects *fx, const struct peer *p, uint64_t missed)
{
    bool met = g->now - g->born >= current_interval(g);
    uint64_t just_one = met ? join_missed(g, missed, true) : 0;
    g->mend_gap = 0;
    if (just_one == 0) {
        (void)pull(g, fx, p, MEND_GAP);
    } else if (pages_find(g, fx, p, just_one)) {
        join_looked_up(g, just_one);
    }
}

/* The far are heard of by news, which may get lost, and some of them are linked with this member for good: it
 * compares with each of those, and pulls when both have had time to hear what there was. The other does the
 * same. So two halves become one that had buried each other: who is named by the one that came back, and was
 * buried here, is asked (join_remind). That is done at once, as the young do it. Where its roster differs in
 * the same as when it was pulled last, that was of no use, and will be of none: it is pulled ever more
 * seldom, though others agree with this member, and so nothing else holds it back. */
static void look_far(struct gossip *g, struct effects *fx, struct peer *p, uint64_t differs)
{
    bool healed = g->healed != 0 && g->now - g->healed < YOUNG;
    bool young = g->now - g->born < YOUNG || healed;
    int64_t wait = young ? FAR_PARTED_YOUNG : current_interval(g) / 2;
    if (p->differed != differs) {
        p->differed_gap = 0;
    }
    if (p->parted == 0) {
        p->parted = g->now;
    } else if (p->differed_gap > 0 && g->now - p->differed_at < p->differed_gap) {
        return;
    } else if (g->now - p->parted >= wait && !(young && g->now - g->seen_at < wait)) {
        g->mend_gap = g->mend_version != g->roster.version ? 0 : g->mend_gap; /* the last one was of use */
        g->mend_version = g->roster.version;
        if (pull(g, fx, p, wait)) {
            p->differed = differs;
            p->differed_at = g->now;
            p->differed_gap = next_gap(p->differed_gap, wait);
        }
    }
}

/* What was said while this member could hear nobody is not said again; those whose turn it was to watch have
 * buried the dead long ago, and to itself the silence of all begins anew. So it asks the first who knows
 * better, at once and once; and it beats, for that one may have buried it, and helps nobody who is buried.
 * Who lacks this member alone knows nothing that it does not; and what waited in the sockets is as old as
 * that. */
static void catch_up(struct gossip *g, struct effects *fx, const struct peer *p, uint64_t differs)
{
    bool just_back = g->back != 0 && g->now - g->back < current_interval(g);
    bool waited = g->clock - g->lost_at <= STOPPED_AFTER;
    if (just_back && !waited && differs != roster_digest(g->self.boot, g->self.incarnation) &&
        pages_from(g, fx, p, true)) {
        g->back = 0;
        beat_within(g, random_between(g, 0, current_interval(g) / ASK_SPREAD));
    }
}

void mend_look(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m)
{
    uint64_t mine = g->roster.digest ^ roster_digest(g->self.boot, g->self.incarnation);
    if (m->digest == mine) {
        g->differs = g->mend_gap = 0;
        p->parted = 0;
        pages_same(g, p);
        return;
    }
    if (p->far) {
        look_far(g, fx, p, mine ^ m->digest);
        return;
    }
    uint64_t missed = mine ^ m->digest;
    catch_up(g, fx, p, missed);
    bool more = m->group_size > g->roster.listed + 1;
    if (g->now - g->born < YOUNG && more) {
        pull_young(g, fx, p, missed);
        return;
    }
    int64_t interval = current_interval(g);
    if (g->differs == 0) {
        g->differs = g->now;
    }
    if (m->type == WIRE_ACK && (m->has & HAS_TO) == 0) {
        return; /* by the group a stranger is answered, and a vouch of it is on its way */
    }
    look_up(g, fx, p, missed, more && g->now - g->differs >= VOUCH_WAIT_MAX);
    if (g->now - g->differs >= interval && m->group_size >= g->roster.listed + 1) {
        (void)pull(g, fx, p, interval);
    }
}
