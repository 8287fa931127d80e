/* Every member has two links, and is heard over both. One falls silent: whoever used it goes over to the
 * other, and nobody is missed. */
#include "scenario.h"

#define DEAD 0 /* the link that dies: it was the first to be told, and whoever has a choice uses either */

struct use {
    const struct cluster *c;
    uint32_t watched; /* whose link it is; the number of members: everybody's */
    uint32_t node;
    size_t of_dead; /* how many peers are asked first over a link that is dead */
};

static int count_use(void *context, const struct peer_view *v)
{
    struct use *use = context;
    uint32_t subject = 0;
    bool known = v->addr_count > 0 && cluster_owner(use->c, &v->addrs[0], &subject);
    bool concerned = use->watched == use->c->size || use->watched == subject || use->watched == use->node;
    use->of_dead += known && concerned && cluster_link(&v->addrs[0]) == DEAD;
    return 0;
}

static size_t uses(const struct cluster *c)
{
    struct use use = {.c = c, .watched = c->watched};
    for (use.node = 0; use.node < c->size; use.node++) {
        (void)gossip_peers(c->nodes[use.node].g, count_use, &use);
    }
    return use.of_dead;
}

static bool none_uses_it(const struct cluster *c)
{
    return uses(c) == 0;
}

void scenario_links(struct cluster *c)
{
    bool all = scenario_variant(c, "all");
    c->network.links = NETWORK_LINKS;
    scenario_settle(c, c->size);
    cluster_run(c, cluster_now(c) + 3 * scenario_interval(c) + rng_between(&c->rng, 0, scenario_interval(c)));
    c->watched = all ? c->size : scenario_draw(c);
    report_count(c->report, "used_before", (int64_t)uses(c));
    int64_t cut = cluster_now(c);
    for (uint32_t i = 0; i < c->size; i++) {
        if (all || i == c->watched) {
            network_cut_link(&c->network, i, DEAD);
        }
    }
    scenario_await(c, "over_us", "never_over", cut, 60 * SECOND_US, none_uses_it);
    cluster_run(c, cut + scenario_length(c, 60));
    report_count(c->report, "used_after", (int64_t)uses(c));
    report_count(c->report, "incomplete_after", !cluster_complete(c));
}
