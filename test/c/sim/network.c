#include "network.h"

#include <math.h>
#include <stdlib.h>

#include "memory.h"

#define HELD_BACK_MIN MS_US
#define HELD_BACK_MAX (20 * MS_US)

struct burst_state {
    int64_t at; /* when it was looked at last */
    bool bad, known;
};

static void set_plain(struct network *n)
{
    n->plain = n->loss == 0 && n->duplicate == 0 && n->reorder == 0 && !n->islands;
    for (int a = 0; a < NETWORK_SIDES; a++) {
        for (int b = 0; b < NETWORK_SIDES; b++) {
            n->plain = n->plain && !n->cut[a][b];
        }
    }
    for (uint32_t i = 0; i < n->nodes && n->plain; i++) {
        n->plain = n->reach[i].lost == 0;
    }
}

void network_init(struct network *n, const struct options *o, uint64_t seed)
{
    *n = (struct network){.nodes = o->nodes,
                          .links = 1,
                          .loss = rng_odds(o->loss),
                          .duplicate = rng_odds(o->duplicate),
                          .reorder = rng_odds(o->reorder),
                          .delay_min = o->delay_min,
                          .delay_span = (uint32_t)(o->delay_max - o->delay_min + 1)};
    rng_seed(&n->rng, seed, UINT64_C(1) << 40);
    n->reach = memory_new(o->nodes, sizeof *n->reach);
    for (uint32_t i = 0; i < o->nodes; i++) {
        n->reach[i].could_not_send = INT64_MIN;
    }
    for (int a = 0; a < NETWORK_SIDES; a++) {
        for (int b = 0; b < NETWORK_SIDES; b++) {
            n->was_cut[a][b] = INT64_MIN;
        }
    }
    if (o->burst_ms > 0 && o->loss > 0 && o->loss < 100) {
        n->mean_loss = o->loss / 100;
        n->burst_us = o->burst_ms * 1000;
        n->relax = 1 / n->burst_us + n->mean_loss / ((1 - n->mean_loss) * n->burst_us);
        n->burst_per_link = o->burst_at == BURST_AT_LINK;
        size_t links = n->burst_per_link ? (size_t)o->nodes * o->nodes : o->nodes;
        n->bursts = memory_new(links, sizeof *n->bursts);
    }
    set_plain(n);
}

void network_free(struct network *n)
{
    free(n->bursts);
    free(n->reach);
    *n = (struct network){0};
}

void network_lose(struct network *n, int64_t now, uint32_t node, uint8_t lost)
{
    struct reach *r = &n->reach[node];
    if ((r->lost & REACH_NO_SENDING) != 0) {
        r->could_not_send = now;
    }
    r->lost = lost;
    set_plain(n);
}

void network_island(struct network *n, uint32_t node, uint32_t island)
{
    n->reach[node].island = island;
    n->islands = true;
    n->plain = false;
}

void network_cut_link(struct network *n, uint32_t node, uint8_t link)
{
    n->reach[node].dead = (uint8_t)(n->reach[node].dead | 1u << link);
}

bool network_links(const struct network *n, uint32_t from, uint32_t to, uint8_t link)
{
    return from == to || ((n->reach[from].dead | n->reach[to].dead) & 1u << link) == 0;
}

void network_cut(struct network *n, int64_t now, uint8_t from, uint8_t to, bool cut)
{
    if (n->cut[from][to]) {
        n->was_cut[from][to] = now;
    }
    n->cut[from][to] = cut;
    set_plain(n);
}

bool network_reaches(const struct network *n, uint32_t from, uint32_t to, uint8_t kind)
{
    const struct reach *a = &n->reach[from], *b = &n->reach[to];
    if (from == to) {
        return true;
    }
    if (kind == PATH_GROUP && a->island != b->island) {
        return false;
    }
    uint8_t sender = kind == PATH_GROUP ? REACH_NO_SENDING | REACH_MUTE : REACH_NO_SENDING;
    uint8_t hearer = REACH_NO_HEARING | (kind == PATH_GROUP ? REACH_DEAF : REACH_NO_UNICAST);
    return (a->lost & sender) == 0 && (b->lost & hearer) == 0 && !n->cut[a->side][b->side];
}

static bool lost_in_burst(struct network *n, int64_t now, uint32_t from, uint32_t to)
{
    struct burst_state *b = &n->bursts[n->burst_per_link ? (size_t)to * n->nodes + from : to];
    double bad = n->mean_loss;
    if (b->known) {
        double kept = exp(-(double)(now - b->at) * n->relax);
        bad = b->bad ? n->mean_loss + (1 - n->mean_loss) * kept : n->mean_loss * (1 - kept);
    }
    b->bad = rng_chance(&n->rng, rng_odds(bad * 100));
    b->known = true;
    b->at = now;
    return b->bad;
}

static int64_t arrival(struct network *n, int64_t now)
{
    int64_t due = now + n->delay_min + rng_below(&n->rng, n->delay_span);
    if (rng_chance(&n->rng, n->reorder)) {
        due += rng_between(&n->rng, HELD_BACK_MIN, HELD_BACK_MAX);
    }
    return due;
}

unsigned network_deliver(struct network *n, int64_t now, uint32_t from, uint32_t to, uint8_t kind,
                         int64_t due[static 2])
{
    if (n->plain || from == to) {
        due[0] = now + n->delay_min + rng_below(&n->rng, n->delay_span);
        return 1;
    }
    if (!network_reaches(n, from, to, kind)) {
        return 0;
    }
    if (n->bursts != NULL ? lost_in_burst(n, now, from, to) : rng_chance(&n->rng, n->loss)) {
        return 0;
    }
    due[0] = arrival(n, now);
    if (!rng_chance(&n->rng, n->duplicate)) {
        return 1;
    }
    due[1] = arrival(n, now);
    return 2;
}

static bool lately(int64_t now, int64_t then)
{
    return then != INT64_MIN && now - then < NETWORK_HEALED;
}

bool network_was_silenced(const struct network *n, int64_t now, uint32_t node)
{
    const struct reach *r = &n->reach[node];
    return (r->lost & REACH_NO_SENDING) != 0 || lately(now, r->could_not_send);
}

bool network_was_separated(const struct network *n, int64_t now, uint32_t from, uint32_t to)
{
    uint8_t a = n->reach[from].side, b = n->reach[to].side;
    return n->cut[a][b] || lately(now, n->was_cut[a][b]);
}
