/* Somebody means harm: he repeats, relays and holds back without the key, or says what he likes with it. */
#include <stdlib.h>

#include "attack.h"
#include "crowd.h"
#include "memory.h"
#include "scenario.h"

static bool none_lists_it(const struct cluster *c)
{
    return c->observer.subjects[c->watched].known_by == 0;
}

/* What a member has said since he began to listen. */
struct stock {
    struct cluster *c;
    uint32_t victim, count;
    uint32_t (*sent)[2]; /* packet, to */
};

static struct stock begin_stock(struct cluster *c)
{
    return (struct stock){.c = c, .victim = scenario_draw(c), .sent = memory_new(4096, sizeof(uint32_t[2]))};
}

static void end_stock(struct stock *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        packets_drop(&s->c->packets, s->sent[i][0]);
    }
    free(s->sent);
}

static void keep(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct stock *s = context;
    if (from == s->victim && s->count < 4096) {
        packets_at(&s->c->packets, packet)->refs++;
        s->sent[s->count][0] = packet;
        s->sent[s->count++][1] = to;
    }
}

/* Its cable is cut behind him: what it says he passes on at half its speed, later and later. Then it dies. */
static void hold_back(struct cluster *c)
{
    scenario_settle(c, c->size);
    struct stock s = begin_stock(c);
    int64_t since = cluster_now(c), length = scenario_length(c, 10);
    uint32_t said = 0;
    c->everything = keep;
    c->everything_context = &s;
    c->watched = s.victim;
    network_lose(&c->network, since, s.victim, REACH_NO_SENDING);
    for (int64_t now = since; now < since + 2 * length; now = cluster_now(c)) {
        if (now >= since + length) {
            cluster_crash(c, s.victim);
        }
        while (said < s.count && 2 * packets_at(&c->packets, s.sent[said][0])->origin.said <= since + now) {
            const struct packet *p = packets_at(&c->packets, s.sent[said][0]);
            attack_repeat(c, &p->from, p, s.sent[said][1]);
            said++;
        }
        cluster_run(c, now + MS_US);
        if (none_lists_it(c)) {
            break;
        }
    }
    c->everything = NULL;
    report_count(c->report, "held_back", said);
    scenario_await(c, "gone_us", "never_gone", since, 20 * SECOND_US, none_lists_it);
    end_stock(&s);
}

/* It dies; he says all of that again, to whom it was said, to all, and by unicast to each, once in 50 ms. */
void scenario_harvest(struct cluster *c)
{
    if (scenario_variant(c, "held")) {
        hold_back(c);
        return;
    }
    scenario_settle(c, c->size);
    struct stock s = begin_stock(c);
    c->everything = keep;
    c->everything_context = &s;
    for (int i = 0; i < 60; i++) { /* and he has it answer: its sidecar's restarts and others' joins */
        cluster_run(c, cluster_now(c) + SECOND_US);
    }
    c->everything = NULL;
    c->watched = s.victim;
    int64_t since = cluster_now(c);
    cluster_crash(c, s.victim);
    for (uint32_t i = s.count; i > 0 && !none_lists_it(c); i--) {
        const struct packet *p = packets_at(&c->packets, s.sent[i - 1][0]);
        struct path from = p->from;
        attack_repeat(c, &from, p, s.sent[i - 1][1]);
        from.kind = PATH_GROUP;
        attack_repeat(c, &from, p, c->size);
        for (uint32_t to = 0; to < c->size; to++) {
            from = (struct path){.kind = PATH_UNICAST, .addr = p->from.addr, .local = cluster_address(c, to)};
            if (c->nodes[to].g != NULL) {
                attack_repeat(c, &from, p, to);
            }
        }
        cluster_run(c, cluster_now(c) + 50 * MS_US);
    }
    scenario_await(c, "gone_us", "never_gone", since, 20 * SECOND_US, none_lists_it);
    end_stock(&s);
}

/* He stands between the members: whatever one says he says again at once, from where he is, and what comes to
 * him he passes on to whom it concerns. */
struct relayer {
    struct cluster *c;
    uint32_t asker; /* who wrote to him last */
    uint32_t said;  /* and whose datagram he passed on last */
    bool busy;
};

static void relay(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct relayer *r = context;
    const struct packet *p = packets_at(&r->c->packets, packet);
    struct addr here = attack_address();
    if (r->busy) {
        return;
    }
    r->busy = true;
    if (p->from.kind == PATH_GROUP) {
        struct path path = {.kind = PATH_GROUP, .addr = here};
        r->said = from;
        attack_repeat(r->c, &path, p, to);
    } else if (addr_same(&p->from.local, &here)) {
        uint32_t next = from == r->said ? r->asker : r->said;
        struct path path = {.kind = PATH_UNICAST, .addr = here, .local = cluster_address(r->c, next)};
        r->asker = from;
        if (r->c->nodes[next].g != NULL) {
            attack_repeat(r->c, &path, p, next);
        }
    }
    r->busy = false;
}

void scenario_relay(struct cluster *c)
{
    struct relayer r = {.c = c};
    c->everything = relay;
    c->everything_context = &r;
    scenario_settle(c, c->size);
    cluster_run(c, cluster_now(c) + scenario_length(c, 60));
    report_count(c->report, "relay_believed", attack_believed(c));
    report_count(c->report, "incomplete", !cluster_complete(c));
    c->everything = NULL;
}

/* The last member holds the key and says of the others what is not so. */
void scenario_insider(struct cluster *c)
{
    uint32_t insider = c->size - 1;
    for (uint32_t i = 0; i < insider; i++) {
        cluster_start(c, i, 1);
    }
    cluster_run(c, cluster_now(c) + 3 * SECOND_US);
    crowd_start(c, insider, MS_US);
    cluster_run(c, cluster_now(c) + 5 * SECOND_US);
    int64_t strangers = 0; /* to whom nothing that it says would matter */
    for (uint32_t i = 0; i < insider; i++) {
        strangers += gossip_stats(c->nodes[i].g).listed < insider;
    }
    report_count(c->report, "insider_unknown", strangers);
    int64_t until = cluster_now(c) + scenario_length(c, 60),
            downs = c->tally.down_silent + c->tally.down_left;
    while (cluster_now(c) < until) {
        uint32_t victim = rng_below(&c->rng, insider);
        crowd_accuse(c, insider, (uint8_t)(2 + rng_below(&c->rng, 4)), gossip_boot(c->nodes[victim].g),
                     rng_chance(&c->rng, rng_odds(50)) ? 0 : (uint32_t)rng_u64(&c->rng));
        cluster_run(c, cluster_now(c) + 100 * MS_US);
    }
    report_count(c->report, "insider_downs", c->tally.down_silent + c->tally.down_left - downs);
    cluster_run(c, cluster_now(c) + 3 * SECOND_US);
    int64_t missing = 0;
    for (uint32_t i = 0; i < insider; i++) {
        missing += (int64_t)(insider - 1) - (int64_t)gossip_stats(c->nodes[i].g).listed > 0;
    }
    report_count(c->report, "insider_incomplete", missing);
    c->watched = 0;
    int64_t since = cluster_now(c);
    cluster_crash(c, 0);
    scenario_await(c, "gone_us", "never_gone", since, 20 * SECOND_US, none_lists_it);
}
