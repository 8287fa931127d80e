/* What others say of a member: that there is one, that it lives, when they heard it. It is believed as far as
 * it can do no harm: an address for a while, a life once, and never against what the member says itself. */
#include "protocol/hearsay.h"

#include "protocol/alarm.h"
#include "protocol/far.h"
#include "protocol/members.h"
#include "protocol/send.h"
#include "protocol/tell.h"

/* Whether this member may say once more that a peer lives, which is not heard itself. It may have said so
 * last: then it is somebody else's turn, if there is one. Or one liar could keep the dead alive for ever. */
static bool word_counts(const struct gossip *g, struct peer *p, uint64_t by)
{
    if (p->word == by && g->roster.listed > 2) {
        return false;
    }
    p->word = by;
    return true;
}

/* Whether this member has an address of the family; as long as it knows of none, of either. */
static bool speaks(const struct gossip *g, uint8_t family)
{
    size_t i = 0;
    while (i < g->own_count && g->own[i].family != family) {
        i++;
    }
    return i < g->own_count || g->own_count == 0;
}

/* Whether an address that another told of may be one: 127.0.0.1 means something only on the machine that it
 * comes from, and 169.254.1.1 on the link; and of the other family nobody can be asked, so nobody is judged.
 */
static bool credible(const struct gossip *g, const struct addr *a, const struct path *from)
{
    return addr_is_endpoint(a) && speaks(g, a->family) &&
           (!addr_is_loopback(a) || addr_is_loopback(&from->addr)) &&
           (!addr_is_link_local(a) || addr_is_link_local(&from->addr));
}

struct addresses {
    size_t count;
    struct addr items[PEER_ADDRS];
};

/* Who hears the subject on its own link may know of a link-local address alone, which means nothing
 * elsewhere. There it is where its host is: a member has one port for all its addresses. (Of IPv4, where
 * 172.17.0.1 is on every machine that has Docker, nobody is link-local on purpose.) */
static void add_of_host(const struct gossip *g, const struct wire_entry *e, const struct path *from,
                        struct addresses *found)
{
    struct addr all[HOST_ADDRS];
    size_t link_local = 0;
    while (link_local < e->addr_count &&
           (e->addrs[link_local].family != ADDR_IPV6 || !addr_is_link_local(&e->addrs[link_local]))) {
        link_local++;
    }
    size_t count = link_local < e->addr_count ? host_addresses(&e->host, e->addrs[link_local].port, all) : 0;
    for (size_t i = 0; i < count && found->count < PEER_ADDRS; i++) {
        if (all[i].family == ADDR_IPV6 && !addr_is_link_local(&all[i]) && credible(g, &all[i], from)) {
            found->items[found->count++] = all[i];
        }
    }
}

/* Where an ENTRY's subject is, as far as that is credible. Who has both families tells over IPv4 of one that
 * has IPv6 alone, and is link-local there: who has heard the subject itself, where it says that it is, need
 * not be told where. */
static struct addresses addresses_of(const struct gossip *g, const struct wire_entry *e,
                                     const struct path *from, const struct pending *heard)
{
    struct addresses found = {0};
    for (size_t i = 0; i < e->addr_count; i++) {
        struct addr a = e->addrs[i];
        if (credible(g, &a, from)) {
            a.ifindex = from->addr.ifindex; /* which matters for those that exist on every link */
            found.items[found.count++] = a;
        }
    }
    if (found.count == 0 && heard != NULL && heard->claimed) {
        found.items[found.count++] = heard->from;
    }
    if (found.count == 0) {
        add_of_host(g, e, from, &found);
    }
    return found;
}

/* Whether the group does not lead here from it: it does not lead to the one who tells of it, and that one is
 * near, or it does not lead here from that one. */
static bool is_far(const struct gossip *g, const struct wire_entry *e, const struct path *from, uint64_t by)
{
    const struct peer *giver = roster_find(&g->roster, by);
    return e->far != 0 || (from->kind == PATH_UNICAST && giver != NULL && giver->far);
}

/* None, where others tell of none in a newer state of it. */
static bool adopt_tags(struct gossip *g, struct peer *p, const struct tags *tags)
{
    bool has = p->tags != NULL && p->tags->len > 0;
    if (tags->len == 0) {
        if (has) {
            p->tags->len = 0;
        }
        return has;
    }
    bool changed = !has || !tags_same(p->tags, tags);
    bool kept = roster_tags(p, tags);
    g->stats.refused_memory += !kept;
    return kept && changed;
}

/* What a far one says of itself others pass on, who are nearer to it. Where it is, whoever hears it himself
 * knows better. */
static bool adopt(struct gossip *g, struct peer *p, const struct wire_entry *e, const struct addresses *at)
{
    bool stalled = e->stalled != 0,
         changed = p->id.dist_port != e->id.dist_port || p->id.flags != e->id.flags || p->stalled != stalled;
    p->id.dist_port = e->id.dist_port;
    p->id.flags = e->id.flags;
    p->stalled = stalled;
    p->behind = false;
    if (e->host.len > 0 && !host_same(&p->host, &e->host)) {
        p->host = e->host;
        p->host_told = changed = true;
    }
    changed = adopt_tags(g, p, &e->tags) || changed;
    if (g->now - p->direct >= silence_to_probe(p->interval)) {
        changed = peer_told(p, at->items, at->count) || changed;
    }
    return changed;
}

/* It has refuted something that we may have heard. What the same one says again does not count; of the far,
 * whom few tell of, that is asked for: it may be so. */
static bool refuted(struct gossip *g, struct effects *fx, struct peer *p, const struct wire_entry *e,
                    const struct path *from, uint64_t by)
{
    if (e->id.incarnation <= p->id.incarnation || e->id.incarnation >= INCARNATION_END) {
        return false;
    }
    if (word_counts(g, p, by)) {
        struct addresses at = addresses_of(g, e, from, NULL);
        bool changed = p->far && p->state == PEER_LISTED && adopt(g, p, e, &at);
        roster_incarnation(&g->roster, p, e->id.incarnation);
        member_alive(g, fx, p);
        p->farewell_at = 0; /* the verdict may have come in the same datagram */
        if (changed) {
            tell_update(g, fx, p);
        }
        return true;
    }
    if (p->far) {
        message_ask_all(g, fx, p);
    }
    return false;
}

bool hearsay_entry(struct gossip *g, struct effects *fx, const struct wire_entry *e, const struct path *from,
                   uint64_t by)
{
    struct peer *p = roster_find(&g->roster, e->id.boot);
    if (e->id.boot == g->self.boot) {
        return false;
    }
    if (p != NULL && p->state != PEER_GONE) {
        return refuted(g, fx, p, e, from, by);
    }
    bool known = p != NULL;
    if (known && (!member_may_return(p) || e->id.incarnation <= p->id.incarnation)) {
        return false; /* an echo of the time before its death */
    }
    struct addresses at = addresses_of(g, e, from, pending_find(&g->pending, e->id.boot));
    if (e->id.incarnation >= INCARNATION_END || at.count == 0 ||
        (known && !name_same(&e->id.name, &p->id.name))) {
        return false; /* not to be reached, so not to be judged; or a lie: a boot id has one name for life */
    }
    if (known && !member_may_come(g)) {
        return false; /* who comes back on another's word is no more than a newcomer */
    }
    p = member_admit(g, p, &e->id);
    if (p == NULL) {
        return false;
    }
    far_begin(g, p, is_far(g, e, from, by));
    if (!known && e->clock != 0) {
        freshness_measure(&p->fresh, e->clock, g->clock);
    }
    p->vouched = e->clock;
    struct pending *pending = pending_find(&g->pending, e->id.boot);
    if (pending != NULL) {
        roster_met(&g->roster, p);
    }
    roster_incarnation(&g->roster, p, e->id.incarnation);
    p->id.dist_port = e->id.dist_port;
    p->id.flags = e->id.flags;
    p->host = e->host;
    p->host_told = e->host.len > 0;
    p->stalled = p->far && e->stalled != 0;
    p->behind = false;
    if (e->tags.len > 0 && (p->tags == NULL || e->tags.number > p->tags->number)) {
        g->stats.refused_memory += !roster_tags(p, &e->tags); /* then its own word tells, when it is heard */
    }
    p->miss = MISS_MULTIPLIER;
    p->interval = promised_interval(e->interval_ms);
    p->interval = p->far ? far_interval(g, p->interval) : p->interval;
    p->heard = p->direct = g->now; /* of the latter we know nothing yet; its first silence begins now */
    for (size_t i = 0; i < at.count; i++) {
        peer_hearsay(p, &at.items[i]);
    }
    member_place(g, fx, p, false);
    alarm_start(g, p);
    pending_drop(&g->pending, pending);
    return p->state == PEER_LISTED;
}

void hearsay_alive(struct gossip *g, struct effects *fx, struct peer *p, uint64_t by)
{
    if (word_counts(g, p, by)) {
        member_alive(g, fx, p);
    }
}

void hearsay_heard(struct gossip *g, struct effects *fx, struct peer *p, int64_t when, uint64_t by)
{
    if (when <= p->heard || !word_counts(g, p, by)) {
        return;
    }
    p->heard = when;
    p->watch = WATCH_QUIET;
    if (p->suspect) {
        p->suspect = false;
        tell_update(g, fx, p);
    }
}
