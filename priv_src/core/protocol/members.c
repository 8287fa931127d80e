/* Listed, changed, gone: here the owner is told of it in the same step, so that what the owner was told and
 * what the roster holds cannot part. A name belongs to one member at a time. A second one of the same
 * BEAM takes over without a word (its sidecar was restarted); a second one of another BEAM is a rival
 * until the first has shown life, and is told as a conflict, or has gone, and is its heir. */
#include "protocol/members.h"

#include <string.h>

#include "primitives.h"
#include "protocol/alarm.h"
#include "protocol/far.h"
#include "protocol/send.h"
#include "protocol/tell.h"
#include "protocol/vouch.h"
#include "state/ranks.h"
#include "state/self.h"

static uint8_t judge_cookie(const struct gossip *g, const struct peer *p, const struct wire_message *m)
{
    if (g->cookie_len == 0 || (m->has & HAS_FINGERPRINT) == 0) {
        return p->cookie;
    }
    /* The sender used its first key; in the midst of a rotation that need not be ours. */
    for (int i = 0; i < g->options.keys.count; i++) {
        if (primitives_equal(g->prints[i], m->fingerprint, FINGERPRINT_BYTES)) {
            return COOKIE_SAME;
        }
    }
    return COOKIE_DIFFERS;
}

/* What is not in it there is not. */
static bool says_all(const struct wire_message *m)
{
    return m->type == WIRE_HELLO || (m->flags & WIRE_WHOLE) != 0;
}

/* An answer that must be short leaves it out, which changes nothing. But a beat without it ends what another
 * has told. */
static bool adopt_host(struct peer *p, const struct wire_message *m)
{
    bool says = m->host.len > 0 || (p->host_told && says_all(m));
    if (!says) {
        return false;
    }
    bool changed = !host_same(&p->host, &m->host);
    p->host = m->host;
    p->host_told = false;
    return changed;
}

/* A beat says them all, or that there are none; what must be shorter may leave them out, which changes
 * nothing. Where memory is short, the next one tells. */
static bool adopt_tags(struct gossip *g, struct peer *p, const struct wire_message *m)
{
    bool said = m->tags.len > 0 || says_all(m), has = p->tags != NULL && p->tags->len > 0;
    if (!said || (m->tags.len == 0 && !has)) {
        return false;
    }
    if (m->tags.len == 0) {
        /* So its number is above that of its last ones; what another has told of counts no more. */
        p->tags_said += p->tags->number == p->tags_said;
        p->tags->number = p->tags_said;
        p->tags->len = 0;
        return true;
    }
    bool changed = !has || !tags_same(p->tags, &m->tags);
    bool kept = roster_tags(p, &m->tags);
    p->tags_said = kept ? m->tags.number : p->tags_said;
    g->stats.refused_memory += !kept;
    return kept && changed;
}

/* When it will be heard next, and how many beats may be missed. */
static void adopt_promise(const struct gossip *g, struct peer *p, const struct wire_message *m)
{
    p->miss = promised_miss(m->miss);
    p->interval = promised_interval(m->interval_ms);
    p->interval = p->far ? far_interval(g, p->interval) : p->interval;
}

/* Entries of the far pass on what they say of themselves, as of an incarnation. So that is taken from what
 * says all; what is short tells only that there is something to ask for. */
static void adopt_incarnation(struct gossip *g, struct peer *p, const struct wire_message *m)
{
    bool whole = !p->far || says_all(m);
    if (m->id.incarnation >= INCARNATION_END || m->id.incarnation < p->id.incarnation) {
        return;
    }
    p->behind = !whole && (p->behind || m->id.incarnation > p->id.incarnation);
    if (whole) {
        roster_incarnation(&g->roster, p, m->id.incarnation);
    }
}

/* Takes over what else a message says of its sender; true when the owner ought to know. */
static bool adopt(struct gossip *g, struct peer *p, const struct wire_message *m)
{
    uint8_t cookie = judge_cookie(g, p, m);
    bool changed = p->id.dist_port != m->id.dist_port || p->id.flags != m->id.flags ||
                   (p->cookie != cookie && (p->cookie | cookie) != COOKIE_SAME);
    p->id.dist_port = m->id.dist_port;
    p->id.flags = m->id.flags;
    changed = adopt_host(p, m) || changed;
    changed = adopt_tags(g, p, m) || changed;
    adopt_incarnation(g, p, m);
    p->cookie = cookie;
    bool stalled = m->beam_age_ms * MS_US >= pulse_stalled(p->interval);
    changed = changed || stalled != p->stalled;
    p->stalled = stalled;
    return changed;
}

static void list(struct gossip *g, struct effects *fx, struct peer *p)
{
    p->since = g->now;
    p->told = false; /* a conflict of it is over */
    roster_state(&g->roster, p, PEER_LISTED);
    tell_up(fx, p);
}

/* A far one that fell silent may be beyond a cut, and no multicast will tell when that is over. It is sought
 * where it has answered, and not where others told that it is: so nobody can be made to ask a stranger. */
static void seek(struct gossip *g, const struct peer *p)
{
    if (p->state == PEER_LISTED && p->far && p->addr_count > 0 && (p->reached & 1) != 0) {
        seeds_lost(&g->seeds, p->id.boot, &p->addrs[0], g->now,
                   g->now + random_between(g, 0, current_interval(g)), random_u32(g));
    }
}

/* A tombstone, unless there are too many. */
static void bury(struct gossip *g, struct peer *p, uint8_t reason)
{
    if (reason == DOWN_SILENT) {
        seek(g, p);
    }
    if (g->roster.gone >= g->options.max_peers) {
        roster_remove(&g->roster, p);
        return;
    }
    p->reason = reason;
    p->told = p->contested = p->suspect = p->stalled = p->replaced = p->owed = false;
    p->watch = WATCH_QUIET;
    p->farewell_at = 0;
    p->ended = 0;
    alarm_sweep(g, p, g->now + TOMBSTONE_LIFE);
    p->since = g->now;
    roster_state(&g->roster, p, PEER_GONE);
}

/* The same BEAM behind a new sidecar: no down, no up. The old one may live on for a moment; if it does
 * longer, they are two, as after a VM was copied. */
static void take_over(struct gossip *g, struct effects *fx, struct peer *old, struct peer *p)
{
    if (g->now - old->heard < old->miss * old->interval) {
        roster_state(&g->roster, old, PEER_RIVAL);
        old->replaced = true;
        old->suspect = old->contested = false;
        old->watch = WATCH_QUIET;
        old->since = g->now;
        alarm_rival(g, old);
    } else {
        old->hearsaid = false;
        bury(g, old, DOWN_LEFT); /* a boot id that was replaced never comes back */
    }
    p->since = g->now;
    p->told = false;
    roster_state(&g->roster, p, PEER_LISTED);
    tell_successor(fx, p);
}

void member_place(struct gossip *g, struct effects *fx, struct peer *p, bool proven)
{
    struct peer *old = roster_namesake(p, PEER_LISTED);
    if (name_same(&p->id.name, &g->self.name)) {
        if (p->id.creation != g->self.creation) {
            struct peer_view own = {.id = g->self, .status = STATUS_ALIVE};
            tell_conflict(fx, p, &own);
        } /* else the ghost of our own last sidecar */
        return;
    }
    if (old == NULL) {
        list(g, fx, p);
    } else if (old->id.creation == p->id.creation) {
        if (proven) {
            take_over(g, fx, old, p);
        } else if (g->now - p->path_tried >= PATH_RETRY) {
            p->path_tried = g->now;
            message_probe_peer(g, fx, p, 0);
        }
    } else if (!old->contested) { /* a twin, or the successor of one that died without a word: who watches
                                     finds out */
        old->contested = true;
        old->contest_at = g->now;
        if (rank_watches(g, old)) {
            alarm_probe(g, old);
        }
    }
}

bool member_may_come(struct gossip *g)
{
    bool may = bucket_take(&g->newcomers, g->now, g->options.max_peers, crowd_rate(g->options.max_peers));
    g->stats.refused_rate += !may;
    return may;
}

struct peer *member_admit(struct gossip *g, struct peer *p, const struct identity *id)
{
    if (p != NULL && roster_room(&g->roster)) {
        roster_state(&g->roster, p, PEER_RIVAL);
        return p;
    }
    if (p == NULL && !member_may_come(g)) {
        return NULL;
    }
    p = p == NULL ? roster_add(&g->roster, id, PEER_RIVAL) : NULL;
    if (p == NULL) {
        bool room = roster_room(&g->roster);
        g->stats.refused_memory += room;
        g->stats.refused_full += !room;
    }
    return p;
}

bool member_misnamed(const struct peer *p, const struct wire_message *m)
{
    bool same =
        p->id.creation == m->id.creation && (m->id.name.len == 0 || name_same(&p->id.name, &m->id.name));
    return (p->hearsay & 1) != 0 && !same;
}

/* Another has told of it first, under a name that it has not: whoever that was, there is none of that name.
 */
static void forget_lie(struct gossip *g, struct effects *fx, struct peer *p)
{
    uint64_t boot = p->id.boot;
    if (p->state != PEER_GONE) {
        member_gone(g, fx, p, DOWN_LEFT);
    }
    p = roster_find(&g->roster, boot);
    if (p != NULL) {
        roster_remove(&g->roster, p);
    }
}

struct peer *member_proven(struct gossip *g, struct effects *fx, const struct wire_message *m,
                           uint64_t sequence, const struct addr *where, bool by_group, bool far)
{
    struct peer *p = roster_find(&g->roster, m->id.boot);
    if (p != NULL && member_misnamed(p, m)) {
        forget_lie(g, fx, p);
        p = NULL;
    }
    bool known = p != NULL;
    /* It does not know yet that it was buried, and those who buried it, too, believe a higher incarnation
     * only. */
    bool refuting = known && m->id.incarnation <= p->id.incarnation;
    p = member_admit(g, p, &m->id);
    if (p == NULL) {
        return NULL;
    }
    if (!known) {
        window_start(&p->window, sequence);
        p->answered = sequence;
    }
    struct pending *pending = pending_find(&g->pending, m->id.boot);
    /* Others need our word for whoever asks the group, and for whoever knows fewer than we do; not for those
     * who have answered our own question. */
    bool newcomer = (pending != NULL && pending->mine) || m->group_size <= g->roster.listed + 1;
    /* Who knows nobody but this member has asked it by itself: nobody whose turn it was could be heard. */
    bool first = m->group_size <= 2 && g->now - g->born >= YOUNG;
    bool late = (pending != NULL && pending->mine) || first;
    far = far || (pending != NULL && pending->knocked) || (known && p->far);
    far_begin(g, p, far && !by_group);
    p->heard = p->direct = g->now;
    p->word = 0;
    p->newest = m->sent_at;
    freshness_measure(&p->fresh, m->sent_at, g->clock);
    roster_met(&g->roster, p);
    adopt_promise(g, p, m);
    (void)adopt(g, p, m);
    (void)peer_address(p, where);
    member_place(g, fx, p, true);
    alarm_start(g, p);
    if (newcomer) {
        vouch_for(g, fx, p, late, refuting);
    }
    pending_drop(&g->pending, pending);
    return p;
}

void member_alive(struct gossip *g, struct effects *fx, struct peer *p)
{
    p->heard = g->now;
    p->watch =
        p->watch == WATCH_SUSPECTING ? WATCH_ASKING_RELAYS : p->watch; /* the next probe would end it */
    if (p->suspect) {
        p->suspect = false;
        if (p->state == PEER_LISTED) {
            tell_update(g, fx, p);
        }
    }
}

void member_rival(struct gossip *g, struct effects *fx, struct peer *p, bool answers)
{
    struct peer *listed = roster_namesake(p, PEER_LISTED);
    if (p->replaced) {
        if (listed != NULL && g->now - p->since >= LINGER_MOST) {
            struct peer_view other = tell_view(listed);
            tell_conflict(fx, p, &other);
        }
    } else if (listed == NULL || (answers && listed->id.creation == p->id.creation)) {
        member_place(g, fx, p, true);
        if (p->state == PEER_LISTED) {
            alarm_start(g, p);
        }
    } else if (listed->id.creation == p->id.creation) {
        member_place(g, fx, p, false);
    }
}

void member_heard(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                  bool newest, bool answers, bool promises)
{
    int64_t promised = p->interval;
    if (newest && promises) {
        adopt_promise(g, p, m);
    }
    bool changed = newest && adopt(g, p, m);
    bool back = !p->far && g->now - p->direct >= p->miss * p->interval;
    changed = changed || p->suspect || back;
    p->suspect = false;
    p->direct = g->now;
    p->word = 0;
    member_alive(g, fx, p);
    if (p->state != PEER_LISTED) {
        return;
    }
    if (p->interval < promised) {
        alarm_sooner(g, p);
    }
    if (changed) {
        tell_update(g, fx, p);
    }
    if (p->contested && (g->now - p->contest_at >= CONTEST_GRACE || answers)) {
        struct peer *rival = roster_namesake(p, PEER_RIVAL);
        struct peer_view other = tell_view(p);
        p->contested = false;
        if (rival != NULL) {
            tell_conflict(fx, rival, &other);
        }
    }
    alarm_later(g, p);
    if (m->type == WIRE_HELLO && g->options.heartbeats) {
        tell_heartbeat(fx, p);
    }
}

/* The rival who inherits a name: one that was heard in person; of the same life, since it was replaced. */
static bool may_inherit(const struct peer *rival)
{
    return rival->state == PEER_RIVAL && rival->met && (!rival->replaced || rival->heard > rival->since);
}

static struct peer *find_heir(struct peer *p)
{
    struct peer *heir = roster_namesake(p, PEER_RIVAL);
    while (heir != NULL && (heir == p || !may_inherit(heir))) {
        heir = heir->name_next;
    }
    return heir;
}

/* Whose successor has gone, and who is no heir, has been replaced by nobody any more. */
static void release(struct peer *rival)
{
    for (rival = roster_namesake(rival, PEER_RIVAL); rival != NULL; rival = rival->name_next) {
        rival->replaced = false;
    }
}

static void gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason, bool hearsaid)
{
    bool listed = p->state == PEER_LISTED;
    struct peer *heir = listed && !g->leaving ? find_heir(p) : NULL,
                *rival = listed ? roster_namesake(p, PEER_RIVAL) : NULL;
    bool same_life = heir != NULL && heir->id.creation == p->id.creation;
    if (listed && !same_life) {
        tell_down(fx, p, reason);
    } else if (p->state == PEER_RIVAL && p->told) {
        tell_settled(fx, p);
    }
    p->hearsaid = hearsaid;
    bury(g, p, reason);
    if (same_life) {
        heir->replaced = heir->told = false;
        heir->since = g->now;
        roster_state(&g->roster, heir, PEER_LISTED);
        tell_successor(fx, heir);
        alarm_start(g, heir);
    } else if (heir != NULL) {
        list(g, fx, heir);
        alarm_start(g, heir);
    } else if (rival != NULL) {
        release(rival);
    }
}

void member_gone(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason)
{
    gone(g, fx, p, reason, false);
}

void member_gone_by_hearsay(struct gossip *g, struct effects *fx, struct peer *p, uint8_t reason)
{
    gone(g, fx, p, reason, true);
}

bool member_may_return(const struct peer *p)
{
    return p->state != PEER_GONE || p->reason == DOWN_SILENT || p->hearsaid;
}

/* What is due, in whatever order; a few at a time, for each may be told of. */
#define SWEEP_MOST 4
#define SWEEP_GAP  (100 * MS_US)

static void sweep_one(struct gossip *g, struct effects *fx, struct peer *p)
{
    if (p->state == PEER_GONE) {
        roster_remove(&g->roster, p);
    } else if (g->now - p->heard >= p->miss * p->interval) {
        member_gone(g, fx, p, DOWN_SILENT); /* no member lists a rival, so nobody needs a verdict */
    } else {
        alarm_rival(g, p);
    }
}

void member_sweep_timer(struct gossip *g, struct effects *fx)
{
    struct peer *due[SWEEP_MOST];
    size_t count = 0;
    int64_t next = NEVER;
    g->sweep_at = 0;
    for (size_t i = 0; i < g->roster.by_boot.size; i++) {
        struct peer *p = g->roster.by_boot.slots[i].value;
        if (p == NULL || p->state == PEER_LISTED) {
            continue;
        }
        if (p->alarm <= g->now && count < SWEEP_MOST) {
            due[count++] = p;
        } else {
            next = p->alarm < next ? p->alarm : next;
        }
    }
    for (size_t i = 0; i < count; i++) {
        sweep_one(g, fx, due[i]);
    }
    if (next != NEVER && (g->sweep_at == 0 || next < g->sweep_at)) {
        int64_t wait = next - g->now, least = count == SWEEP_MOST ? 0 : SWEEP_GAP;
        g->sweep_at = set_timer(g, wait > least ? wait : least, TIMER_SWEEP, 0, 0);
    }
}
