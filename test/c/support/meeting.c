#include "meeting.h"

#include "build.h"

struct meeting meeting_start(const struct gossip_sealing *sealing)
{
    struct meeting m = {.net = net_from(3), .f = forge(100, "f@h3", 1, 5), .g = forge(101, "g@h4", 1, 6)};
    struct gossip_options options = net_options(m.net);
    options.max_peers = 4;
    options.heartbeats = 1;
    options.sealing = m.f.sealing = m.g.sealing = sealing;
    m.net->forgetful = true;
    net_alive(m.net, net_add(m.net, "a@h1", 1, &options));
    net_run(m.net, 10 * MS_US);
    net_prove(m.net, 0, &m.f);
    net_prove(m.net, 0, &m.g);
    return m;
}

void meeting_end(struct meeting *m, uint8_t way, const uint8_t *data, size_t len)
{
    const struct addr elsewhere = build_addr(9, 9);
    const struct addr *from = way & 4 ? &elsewhere : way & 2 ? &m->g.addr : &m->f.addr;
    net_inject(m->net, 0, from, way & 1 ? PATH_GROUP : PATH_UNICAST, data, len);
    net_run(m->net, way & 8 ? 3 * SECOND_US : 30 * MS_US);
    net_free(m->net);
}
