/* What a datagram passes before it is believed. Is it for this member, and was it sent to where it came? Is
 * it new, and not late? Then its sender is known, gone or a stranger, and each has its own way. */
#include "protocol/receive.h"

#include "protocol/disconnect.h"
#include "protocol/far.h"
#include "protocol/flood.h"
#include "protocol/hearing.h"
#include "protocol/hearsay.h"
#include "protocol/isolate.h"
#include "protocol/join.h"
#include "protocol/members.h"
#include "protocol/mend.h"
#include "protocol/multipath.h"
#include "protocol/pages.h"
#include "protocol/relay.h"
#include "protocol/send.h"
#include "protocol/tell.h"
#include "protocol/verdict.h"

#define RELAYED_TELL 8 /* so many are no accident */

/* What a message passed on its way here. */
struct arrival {
    const struct path *from;
    uint64_t sequence;
    bool newest;         /* none with a higher sequence was heard before */
    enum answer answers; /* to what this member asked */
    struct addr where;   /* where it was asked */
    int64_t made;        /* and since when it could be */
};

/* Whether this member is at the address that a datagram was sent to: it came there, or that is translated. */
static bool sent_here(const struct gossip *g, const struct wire_message *m, const struct path *from)
{
    const struct addr *told = &g->options.advertise;
    bool here = from->local.family != ADDR_NONE ? addr_same(&m->to, &from->local)
                                                : addr_among(&m->to, g->own, g->own_count);
    return here || (told->family != ADDR_NONE && addr_same_host(&m->to, told) &&
                    (told->port == 0 || told->port == m->to.port));
}

static void count_relayed(struct gossip *g, struct effects *fx)
{
    g->stats.relayed++;
    if (g->stats.relayed >= RELAYED_TELL && g->announced && !g->relay_told) {
        g->relay_told = true;
        struct effect *e = effects_push(fx, EFFECT_EVENT);
        if (e != NULL) {
            e->as.event.type = EVENT_RELAYED;
        }
    }
}

/* The destination stands under the seal, so that nobody can pass a datagram on to where it was not sent; nor
 * can it be made to seem said to all, or to one. */
static bool for_me(struct gossip *g, struct effects *fx, const struct wire_message *m,
                   const struct path *from)
{
    bool to_one = (m->has & HAS_TO) != 0, came_to_one = from->kind == PATH_UNICAST;
    bool anybody = m->to_boot == 0 && m->type == WIRE_HELLO && (m->has & HAS_QUESTION) != 0;
    bool to_none = to_one && m->type == WIRE_BYE; /* or its subject could not hear that it is spoken for */
    if (to_none || to_one != came_to_one || !addr_is_endpoint(&from->addr) || from->source == SOURCE_NOBODY ||
        (to_one ? m->to_boot != g->self.boot && !anybody : !wire_for_group(m))) {
        g->stats.misdirected++;
        return false;
    }
    if (to_one && !sent_here(g, m, from)) {
        count_relayed(g, fx);
        return false;
    }
    return true;
}

/* How well it is reached: by what it answers, and by which of its beats come. */
static void measure(struct gossip *g, struct peer *p, const struct wire_message *m, const struct arrival *a)
{
    int64_t took = m->echo_count > 0 ? message_round_trip(g, m) : 0;
    if (took > 0) {
        quality_answered(&p->quality, took);
    }
    if (a->answers != ANSWER_NONE) {
        quality_life(&p->quality);
    }
    if (m->type == WIRE_HELLO && a->from->kind == PATH_GROUP) {
        quality_beat(&p->quality, a->sequence, m->sent_at, p->interval, a->newest);
    }
}

static void reached(struct peer *p, const struct arrival *a)
{
    if (a->answers == ANSWER_HERE) {
        peer_reached(p, &a->where);
    }
}

/* Whether a peer is to be asked at an address where it is not known: now and then. What was said to the group
 * with a question is answered there, by the one whom it names; nothing else may come of it. */
static bool to_try(const struct gossip *g, const struct peer *p, const struct wire_message *m,
                   const struct arrival *a)
{
    return g->now - p->path_tried >= PATH_RETRY && a->from->source != SOURCE_FAR &&
           (a->from->kind == PATH_UNICAST || ((m->flags & WIRE_ASK) == 0 && join_turn(g, m, a->sequence)));
}

/* The seal does not cover the source. An address at which a peer is not known counts when the peer says under
 * the seal that it is its own, or has answered from there. True when it is to be asked there. */
static bool learn_address(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                          const struct arrival *a)
{
    const struct addr *from = &a->from->addr;
    bool claimed = a->newest && message_claims(m, from), changed = false, ask = false;
    if (a->answers >= ANSWER_CLAIMED) {
        changed = multipath_answered(g, p, m, &a->where);
        reached(p, a);
    } else if (peer_has_address(p, from) || claimed) {
        changed = multipath_heard(g, fx, p, m, from);
    } else if (to_try(g, p, m, a)) {
        p->path_tried = g->now;
        ask = true;
    }
    changed = (a->newest && multipath_claimed(g, p, m)) || changed;
    /* A beat says all that its sender knows of that, also when this is nothing. */
    if (a->newest && (m->own_count > 0 || m->type == WIRE_HELLO) && p->hearsay != 0) {
        changed = peer_own_word(p, m->own, m->own_count) || changed;
    }
    if (changed && p->state == PEER_LISTED) {
        tell_update(g, fx, p);
    }
    return ask;
}

/* What answers it there may have asked it, too. */
static void try_address(struct gossip *g, struct effects *fx, const struct wire_message *m,
                        const struct path *from)
{
    message_probe(g, fx, m->id.boot, &from->addr,
                  from->kind == PATH_UNICAST ? message_may_cause(m) : join_longest(m));
}

/* It was set back, or the digests would never agree; or another lies: the far believe what an entry with a
 * higher incarnation says of one, so that its own word is to have a higher one yet. */
static void believe_of_itself(struct gossip *g, struct effects *fx, uint32_t incarnation)
{
    if (g->roster.far > 0) {
        verdict_refute(g, fx, incarnation);
    } else {
        g->self.incarnation = incarnation;
    }
}

static void believe_entries(struct gossip *g, struct effects *fx, const struct wire_message *m,
                            const struct path *from)
{
    const struct peer *giver = roster_find(&g->roster, m->id.boot);
    bool far = giver != NULL && giver->far;
    for (size_t i = 0; i < m->entry_count; i++) {
        const struct identity *id = &m->entries[i].id;
        if (m->type == WIRE_ROSTER) {
            join_remind(g, fx, &m->entries[i], far);
        }
        if (id->boot == g->self.boot && m->id.boot != g->voucher) {
            g->voucher = m->id.boot;
            g->vouchers = g->vouchers < UINT8_MAX ? (uint8_t)(g->vouchers + 1) : UINT8_MAX;
        }
        if (id->boot == g->self.boot && id->incarnation > g->self.incarnation &&
            id->incarnation < INCARNATION_END) {
            believe_of_itself(g, fx, id->incarnation);
        }
        bool told = m->type != WIRE_ROSTER || g->pull.again; /* a newcomer learns what all know */
        if (hearsay_entry(g, fx, &m->entries[i], from, m->id.boot) && told) {
            flood_entry(g, roster_find(&g->roster, id->boot), m->id.boot, from->kind == PATH_GROUP);
        }
    }
}

/* News goes along with what the far ask and answer. */
static void believe_riders(struct gossip *g, struct effects *fx, const struct peer *p,
                           const struct wire_message *m, const struct path *from)
{
    if (from->kind == PATH_UNICAST && (p->far || p->unheard)) {
        believe_entries(g, fx, m, from);
    }
}

/* True when it was answered where it came from; with a question, if that is `ask`ed. */
static bool dispatch(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                     const struct arrival *a, bool ask)
{
    switch (m->type) {
    case WIRE_HELLO:
        return join_answer(g, fx, m, a->from, ask);
    case WIRE_ACK:
        believe_riders(g, fx, p, m, a->from);
        relay_ack(g, fx, m, a->answers != ANSWER_NONE);
        disconnect_acked(p, m);
        if ((m->flags & WIRE_ASK) != 0) {
            pages_known(g, p);
        }
        return join_reply(g, fx, m, a->from, ask);
    case WIRE_PROBE_FOR:
        return relay_request(g, fx, m, a->from, ask);
    case WIRE_ROSTER:
        if (pages_receive(g, fx, p, m, a->from)) {
            believe_entries(g, fx, m, a->from);
        }
        return false; /* a page goes only where the peer is known to be */
    case WIRE_NEWS:
        believe_entries(g, fx, m, a->from);
        return false;
    case WIRE_DISCONNECT:
        return disconnect_heard(g, fx, p, m) && join_reply(g, fx, m, a->from, ask);
    case WIRE_PROBE:
        believe_riders(g, fx, p, m, a->from);
        return join_reply(g, fx, m, a->from, ask);
    default: /* what this version does not know tells of nobody */
        return join_reply(g, fx, m, a->from, ask);
    }
}

/* A fresh datagram of someone who is known and not gone. */
static void from_peer(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                      const struct arrival *a)
{
    bool by_group = a->from->kind == PATH_GROUP;
    uint32_t incarnation = p->id.incarnation;
    bool life = (a->newest || a->answers != ANSWER_NONE) &&
                !message_says_goodbye(m); /* what was overtaken may have been held back */
    if (life) {
        isolate_heard(g, fx);
    }
    if (m->type == WIRE_BYE) {
        uint8_t reason =
            (m->has & HAS_REASON) != 0 && m->reason == DOWN_BEAM_EXIT ? DOWN_BEAM_EXIT : DOWN_LEFT;
        verdict_left(g, fx, p, reason);
        member_gone(g, fx, p, reason);
        return;
    }
    bool ask = learn_address(g, fx, p, m, a);
    measure(g, p, m, a);
    bool first = life && !p->met;
    if (first) {
        roster_met(&g->roster, p);
    }
    if (life) {
        far_heard(g, p, m, by_group);
        /* What is said to this member alone the sender itself may never have heard. */
        bool promises = by_group || a->answers >= ANSWER_CLAIMED;
        member_heard(g, fx, p, m, a->newest, a->answers != ANSWER_NONE, promises);
        if (first && p->state == PEER_LISTED) {
            tell_heard(fx, p);
        }
        hearing_note(g, fx, p, m, a->from);
        relay_answered(g, fx, p);
        if (p->behind) {
            message_ask_all(g, fx, p);
        }
        if (p->id.incarnation > incarnation && p->state == PEER_LISTED) {
            flood_entry(g, p, p->id.boot, by_group); /* it has refuted something */
        }
        if (p->state == PEER_RIVAL) {
            member_rival(g, fx, p, a->answers >= ANSWER_CLAIMED);
        }
    }
    /* Of others only what they hear, too. And what an ACK says of the dead is for the accused, who is back:
     * the others would bury it again. */
    verdict_receive(g, fx, m, !by_group || m->type != WIRE_ACK, by_group);
    if (!dispatch(g, fx, p, m, a, ask) && ask) {
        try_address(g, fx, m, a->from);
    }
    p = roster_find(&g->roster, m->id.boot); /* it may have vouched for its own successor */
    if (p != NULL && p->state == PEER_LISTED && a->newest) {
        mend_look(g, fx, p, m);
    }
}

/* What a datagram may still cause where it came from: three times its bytes, less what went out since. */
static size_t left(const struct gossip *g, const struct wire_message *m, uint64_t before)
{
    size_t sent = (size_t)(g->stats.bytes_sent - before), most = message_may_cause(m);
    return sent < most ? most - sent : 0;
}

/* A datagram of someone unknown, or buried. Holders of the key may be recorded: only an echo of our own nonce
 * counts. */
static void from_stranger(struct gossip *g, struct effects *fx, const struct peer *gone,
                          const struct wire_message *m, const struct arrival *a)
{
    bool nameless = m->id.name.len == 0; /* it has left it out, for an answer must be short */
    if (m->type == WIRE_BYE || (nameless && (m->flags & WIRE_ASK) == 0) ||
        m->id.incarnation >= INCARNATION_END || (gone != NULL && !member_may_return(gone))) {
        g->stats.unproven++;
        return;
    }
    if (a->answers == ANSWER_NONE) {
        join_stranger(g, fx, m, a->sequence, a->from);
        return;
    }
    if (a->answers == ANSWER_ALIVE || nameless) {
        g->stats.unproven++; /* it lives, but where, and who is it? */
        join_verify(g, fx, m, a->from);
        return;
    }
    bool accuse = gone != NULL && m->id.incarnation <= gone->id.incarnation;
    uint32_t incarnation = gone != NULL ? gone->id.incarnation : 0;
    verdict_receive(g, fx, m, false, false); /* it may have buried us: refute before answering */
    bool far = (m->flags & WIRE_FAR) != 0 || seeds_have(&g->seeds, &a->where);
    struct peer *p = member_proven(g, fx, m, a->sequence, &a->where, a->from->kind == PATH_GROUP, far);
    if (p == NULL) {
        return;
    }
    reached(p, a);
    measure(g, p, m, a);
    isolate_heard(g, fx);
    uint64_t before = g->stats.bytes_sent;
    bool wanted = pages_wanted(g);
    if (m->type == WIRE_ROSTER) {
        (void)pages_receive(g, fx, p, m, a->from);
    }
    if (accuse) {
        join_accuse(g, fx, m, incarnation, a->from, left(g, m, before));
        return;
    }
    if (m->type != WIRE_ROSTER && (!wanted || a->from->kind == PATH_GROUP)) {
        (void)join_reply(g, fx, m, a->from, false); /* who asks by the group may hear nothing else */
    }
    size_t most = a->answers == ANSWER_HERE ? PULL_ANY : left(g, m, before);
    if (wanted) {
        pages_begin(g, fx, m, &a->where, most);
    } else {
        pages_instead(g, m, most);
    }
}

/* Who is late, or calls itself otherwise than others do, is asked, once a second: its clock may have stood
 * still, or another has lied. Where only others have told where it is, it is asked where it says so itself,
 * at the rate that holds for what others tell. */
static void ask_itself(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                       const struct path *from)
{
    bool hearsay = (p->hearsay & 1) != 0;
    if (p->addr_count == 0 || g->now - p->path_tried < PATH_RETRY) {
        return;
    }
    p->path_tried = g->now;
    if (!hearsay || from->source == SOURCE_FAR || !message_claims(m, &from->addr)) {
        message_probe_peer(g, fx, p, 0);
    } else if (message_may_name(g, &from->addr)) {
        message_probe(g, fx, p->id.boot, &from->addr, message_may_cause(m));
    }
}

/* Whether it was said before another told of its sender: all the numbers of that time are new to this member,
 * and what was true then may be over since. Those who were told so have tombstones, but this member has none.
 */
static bool before_vouched(const struct peer *p, const struct wire_message *m, const struct arrival *a)
{
    return (!a->newest || p->window.top == 0) && m->sent_at < p->vouched;
}

/* Whether a datagram is overtaken by too much. */
static bool overtaken(const struct peer *p, const struct wire_message *m, const struct arrival *a)
{
    return !a->newest && p->newest > m->sent_at && p->newest - m->sent_at > (uint64_t)WINDOW_LIFE;
}

/* Whether a datagram of a known sender is no later than it may be. One's own pause makes all that waited
 * meanwhile late, and is nobody's fault. An answer sets the measure anew. */
static bool is_fresh(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_message *m,
                     const struct arrival *a)
{
    int64_t allowed = fresh_within(p->interval) + (g->clock - g->lost_at <= STOPPED_AFTER ? g->lost : 0);
    if (p->state == PEER_GONE) {
        return true; /* as of a stranger, nothing is believed; and its clock may have stood still */
    }
    if (a->answers != ANSWER_NONE) {
        freshness_measure(&p->fresh, m->sent_at, g->clock);
        p->vouched = p->vouched < m->sent_at ? p->vouched : m->sent_at; /* a clock that was set back, too */
    } else if (overtaken(p, m, a) || before_vouched(p, m, a) ||
               !freshness_check(&p->fresh, m->sent_at, g->clock, allowed)) {
        g->stats.stale++;
        if (a->newest && (p->state == PEER_LISTED || (p->hearsay & 1) != 0)) {
            ask_itself(g, fx, p, m, a->from);
        }
        return false;
    }
    return true;
}

/* An answer so far below the highest number that the window cannot tell whether it was heard. */
static bool is_far_below(const struct peer *p, const struct arrival *a)
{
    return p->state != PEER_GONE && p->window.top - a->sequence >= WINDOW_BITS;
}

/* An answer whose number was heard, or is too low. If it answers what was asked after the last datagram that
 * was heard, then it was made later than that one, and is no copy: its sender counts from a lower number than
 * before (a VM that was set back to a snapshot). If it is far too low, and yet says that it was sent later
 * than the one with the highest number, then another has spoken in the sender's name. */
static bool counts_anew(const struct gossip *g, const struct peer *p, const struct wire_message *m,
                        const struct arrival *a)
{
    int64_t heard = g->clock - (g->now - p->direct); /* or before that, if this member was stopped since */
    bool later = a->made > heard || (is_far_below(p, a) && m->sent_at > p->newest);
    return a->answers >= ANSWER_CLAIMED && later;
}

/* An answer that was overtaken by more than the window is wide tells that its sender lives, though not where
 * its numbers are; nor can the window tell it from a copy, so each has a higher number than all before. */
static bool was_overtaken(const struct peer *p, const struct arrival *a)
{
    return is_far_below(p, a) && a->answers == ANSWER_HERE && a->sequence > p->answered;
}

/* Whether it is new to this member; the buried are asked like strangers, whatever number they begin with. */
static bool is_new(struct gossip *g, struct peer *p, const struct wire_message *m, struct arrival *a)
{
    enum window_verdict seen = window_look(&p->window, a->sequence);
    if (seen == WINDOW_REPLAY && counts_anew(g, p, m, a)) {
        window_start(&p->window, a->sequence - 1);
        p->answered = 0;
        seen = WINDOW_NEWEST;
    } else if (seen == WINDOW_REPLAY && was_overtaken(p, a)) {
        seen = WINDOW_OLDER;
    }
    a->newest = seen == WINDOW_NEWEST;
    return seen != WINDOW_REPLAY || (p->state == PEER_GONE && m->type == WIRE_HELLO);
}

/* The highest number of those that came with an answer from where it was asked. */
static void note_answer(struct peer *p, const struct arrival *a)
{
    if (a->answers == ANSWER_HERE && a->sequence > p->answered) {
        p->answered = a->sequence;
    }
}

bool receive_message(struct gossip *g, struct effects *fx, const struct wire_message *m, uint64_t sequence,
                     const struct path *from)
{
    if (!for_me(g, fx, m, from)) {
        return false;
    }
    struct peer *p = roster_find(&g->roster, m->id.boot);
    struct arrival a = {.from = from, .sequence = sequence, .newest = true};
    a.answers = message_answers(g, m, from, &a.where, &a.made);
    if (p != NULL && !is_new(g, p, m, &a)) {
        g->stats.replayed++;
        return true;
    }
    if (!g->announced || g->leaving) {
        g->stats.unproven++;
        return true;
    }
    if (p != NULL) {
        if (!is_fresh(g, fx, p, m, &a)) {
            return true;
        }
        (void)window_accept(&p->window, sequence);
        note_answer(p, &a);
        p->newest = a.newest ? m->sent_at : p->newest;
    }
    if (p == NULL || p->state == PEER_GONE) {
        from_stranger(g, fx, p, m, &a);
    } else if (!member_misnamed(p, m)) {
        from_peer(g, fx, p, m, &a);
    } else if (a.answers != ANSWER_NONE) {
        from_stranger(g, fx, NULL, m, &a);
    } else {
        ask_itself(g, fx, p, m, from);
    }
    return true;
}
