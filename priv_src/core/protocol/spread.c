/* To all is to the group, and to those who do not hear it: to each of the far in the watch graph, who pass on
 * what it changes. A goodbye is final where its subject hears it, too, and can gainsay it: to the far it is
 * said as a verdict of the sender's about itself, of which they see first whether it is true. */
#include "protocol/spread.h"

#include "protocol/send.h"
#include "state/graph.h"

static void farewell(const struct gossip *g, struct wire_message *m)
{
    m->type = WIRE_NEWS;
    m->has = (uint16_t)(m->has & ~HAS_REASON);
    message_verdict(m, m->reason == DOWN_BEAM_EXIT ? VERDICT_BEAM_EXIT : VERDICT_LEFT, g->self.boot,
                    g->self.incarnation);
}

void message_spread(struct gossip *g, struct effects *fx, struct wire_message *m)
{
    struct peer *links[GRAPH_LINKS];
    message_to_group(g, fx, m);
    if (g->roster.far == 0) {
        return;
    }
    if (m->type == WIRE_BYE) {
        farewell(g, m);
    }
    graph_look(g);
    for (size_t i = 0, n = graph_links(g, links); i < n; i++) {
        m->nonce = 0;
        if (message_may_reach(g, links[i], 0)) {
            message_to(g, fx, links[i]->id.boot, &links[i]->addrs[0], m);
        }
    }
}
