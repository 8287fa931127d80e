#include "events.h"

#include <stdio.h>

#include "judge.h"

static const char *const event_names[] = {
    [EVENT_SNAPSHOT] = "snapshot", [EVENT_UP] = "up",
    [EVENT_UPDATE] = "update",     [EVENT_DOWN] = "down",
    [EVENT_CONFLICT] = "conflict", [EVENT_SETTLED] = "settled",
    [EVENT_HEALTH] = "health",     [EVENT_HEARTBEAT] = "heartbeat",
    [EVENT_LEFT] = "left",         [EVENT_DISCONNECTED] = "disconnected",
    [EVENT_RELAYED] = "relayed",   [EVENT_HEARD] = "heard",
    [EVENT_LINK] = "link",
};
static const char *const reason_names[] = {
    [DOWN_LEFT] = "left", [DOWN_BEAM_EXIT] = "beam_exit", [DOWN_SILENT] = "silent"};
static const char *const status_names[] = {
    [STATUS_ALIVE] = "alive", [STATUS_SUSPECT] = "suspect", [STATUS_STALLED] = "stalled"};
static const char *const truth_names[] = {[DEATH_TRUE] = "true",
                                          [DEATH_EXEMPT] = "exempt",
                                          [DEATH_SEPARATED] = "separated",
                                          [DEATH_FALSE] = "FALSE"};
static const char *const sighting_names[] = {[SIGHT_NOTHING] = "",    [SIGHT_UP] = "",
                                             [SIGHT_DOWN] = "",       [SIGHT_OLD] = "earlier",
                                             [SIGHT_CHANGE] = "",     [SIGHT_TAKEOVER] = "takeover",
                                             [SIGHT_GHOST] = "GHOST", [SIGHT_STRANGER] = "STRANGER",
                                             [SIGHT_WRONG] = "WRONG"};

static const char *link_name(const struct link_view *link)
{
    return link->deaf > 0 ? link->mute > 0 ? "deaf and mute" : "deaf" : link->mute > 0 ? "mute" : "well";
}

static void trace(const struct cluster *c, uint32_t node, const struct event *e, const char *remark)
{
    int64_t now = cluster_now(c);
    const char *detail = e->type == EVENT_DOWN && e->reason <= DOWN_SILENT ? reason_names[e->reason]
                         : e->type == EVENT_HEALTH                         ? e->health ? "isolated" : "ok"
                         : e->type == EVENT_LINK                           ? link_name(&e->link)
                         : e->type == EVENT_UPDATE && e->peer.status <= STATUS_STALLED
                             ? status_names[e->peer.status]
                             : "";
    printf("%6lld.%06lld node%04u %s %s %.*s %s\n", (long long)(now / SECOND_US),
           (long long)(now % SECOND_US), node + 1, event_names[e->type], detail == NULL ? "" : detail,
           (int)e->peer.id.name.len, e->peer.id.name.text, remark);
}

/* A member's current life was declared gone. */
static const char *death(struct cluster *c, uint32_t node, uint32_t subject, uint8_t reason)
{
    struct tally *t = &c->tally;
    const struct subject *s = &c->observer.subjects[subject];
    int64_t now = cluster_now(c);
    enum verdict_truth truth = judge_death(c, node, subject);
    if (truth == DEATH_TRUE) {
        report_sample(c->report, "detect_us", now - s->stopped_at);
        if (s->known_by == 0) {
            report_sample(c->report, "known_to_all_us", now - s->stopped_at);
        }
        return truth_names[truth];
    }
    if (reason != DOWN_SILENT) {
        t->false_goodbyes++;
        return truth_names[DEATH_FALSE];
    }
    if (c->nodes[node].isolated) {
        t->deaths_by_isolated++;
    }
    if (truth == DEATH_SEPARATED && c->cut_at != NEVER) {
        report_sample(c->report, "separated_us", now - c->cut_at);
    }
    t->false_deaths += truth == DEATH_FALSE;
    t->exempt_deaths += truth == DEATH_EXEMPT;
    t->separated_deaths += truth == DEATH_SEPARATED;
    return truth_names[truth];
}

static const char *count_peer(struct cluster *c, uint32_t node, const struct event *e)
{
    struct tally *t = &c->tally;
    struct sighting s = observer_event(&c->observer, cluster_now(c), node, e);
    lives_event(c, node, e, &s);
    t->up += e->type == EVENT_UP;
    t->update += e->type == EVENT_UPDATE;
    if (e->type == EVENT_DOWN) {
        t->down_silent += e->reason == DOWN_SILENT;
        t->down_left += e->reason == DOWN_LEFT;
        t->down_beam_exit += e->reason == DOWN_BEAM_EXIT;
    }
    t->takeovers += s.kind == SIGHT_TAKEOVER;
    t->ghosts += s.kind == SIGHT_GHOST;
    t->strangers += s.kind == SIGHT_STRANGER;
    t->wrong_events += s.kind == SIGHT_WRONG;
    return s.kind == SIGHT_DOWN ? death(c, node, s.subject, e->reason) : sighting_names[s.kind];
}

/* There are never more than two of a name here, so a node has one conflict to tell of. Its own address it
 * need not know. */
static void count_conflict(struct cluster *c, uint32_t node, const struct event *e)
{
    bool own = e->other.id.boot == c->observer.subjects[node].boot;
    c->tally.conflict++;
    c->tally.conflicts_repeated += c->nodes[node].conflicts++ > 0;
    c->tally.conflicts_without_address += e->peer.addr_count == 0 || (!own && e->other.addr_count == 0);
    report_sample(c->report, "conflict_us", cluster_now(c) - c->cut_at);
}

/* Whether what is told of its link is so. */
static void count_link(struct cluster *c, uint32_t node, const struct link_view *link)
{
    uint8_t lost = c->network.reach[node].lost;
    bool deaf = link->deaf > 0 && (lost & REACH_DEAF) == 0, mute = link->mute > 0 && (lost & REACH_MUTE) == 0;
    c->nodes[node].link_troubled = link->deaf > 0 || link->mute > 0;
    c->tally.links_false += deaf || mute;
    c->tally.links_told += c->nodes[node].link_troubled && !deaf && !mute;
}

void events_take(struct cluster *c, uint32_t node, const struct event *e)
{
    struct node *n = &c->nodes[node];
    const char *remark = "";
    c->events++;
    if (e->type == EVENT_LEFT) {
        c->tally.left++;
        n->left = n->leaving;
    } else if (n->leaving) {
        return; /* it is on its way out: its view counts no more */
    } else if (e->type == EVENT_UP || e->type == EVENT_UPDATE || e->type == EVENT_DOWN) {
        remark = count_peer(c, node, e);
    } else if (e->type == EVENT_CONFLICT) {
        count_conflict(c, node, e);
    } else if (e->type == EVENT_HEALTH) {
        n->isolated = e->health == HEALTH_ISOLATED;
        lives_event(c, node, e, &(struct sighting){0});
        c->tally.isolated += n->isolated;
        c->tally.recovered += !n->isolated;
    }
    if (e->type == EVENT_LINK) {
        count_link(c, node, &e->link);
    }
    if (c->options->trace) {
        trace(c, node, e, remark);
    }
}
