/* Datagrams on their way out: counted once, stored once, and delivered to whom the network lets have them. */
#include <string.h>

#include "cluster.h"
#include "crowd.h"

static void deliver(struct cluster *c, uint32_t number, struct packet *p, uint32_t from, uint32_t to)
{
    int64_t due[2];
    if (c->network.links > 1 && !network_links(&c->network, from, to, cluster_link(&p->from.addr))) {
        return;
    }
    unsigned copies = network_deliver(&c->network, cluster_now(c), from, to, p->from.kind, due);
    for (unsigned i = 0; i < copies; i++) {
        p->refs++;
        queue_add(&c->queue, due[i],
                  (struct queue_event){.kind = CLUSTER_DELIVER, .node = to, .packet = number});
    }
}

/* To the group: everybody who runs, the sender too, for it hears its own multicast. */
static void dispatch(struct cluster *c, uint32_t number, uint32_t from, uint32_t to)
{
    struct packet *p = packets_at(&c->packets, number);
    if (to < c->size) {
        deliver(c, number, p, from, to);
        return;
    }
    for (uint32_t i = 0; i < c->size; i++) {
        if (c->nodes[i].g != NULL) {
            deliver(c, number, p, from, i);
        }
    }
}

/* The member that listens at this address; false when nobody does. */
static bool listener(struct cluster *c, const struct addr *a, uint32_t *to)
{
    bool there = cluster_owner(c, a, to) && (c->nodes[*to].g != NULL || crowd_has(c, *to));
    if (!there) {
        return false; /* it is dead: nothing is wrong with the address */
    }
    if (a->port != c->nodes[*to].port && a->port != GROUP_PORT) {
        c->tally.misaddressed++;
        return false;
    }
    return true;
}

static void count_page(struct cluster *c, uint32_t from, const struct packet *p)
{
    struct node *n = &c->nodes[from];
    int64_t now = cluster_now(c);
    if (n->page_at != NEVER) {
        report_sample(c->report, "page_gap_us", now - n->page_at);
    }
    n->page_at = now;
    report_max(c->report, "page_bytes_max", p->len);
}

static void count(struct cluster *c, uint32_t from, struct packet *p)
{
    uint8_t plain[DATAGRAM_MAX];
    int len = c->sealing->open(&c->keys, 0, p->data, p->len, plain);
    packet_describe(p, plain, len < 0 ? 0 : (size_t)len);
    c->traffic.packets[p->class]++;
    c->traffic.bytes[p->class] += p->len + WIRE_OVERHEAD;
    if (p->from.kind == PATH_GROUP) {
        c->traffic.group_packets++;
        c->traffic.group_bytes += p->len + WIRE_OVERHEAD;
    } else {
        c->traffic.unicast_packets++;
        c->traffic.unicast_bytes += p->len + WIRE_OVERHEAD;
    }
    if (p->class == PACKET_PAGE) {
        count_page(c, from, p);
    }
}

/* Over one link. */
static void send_on(struct cluster *c, uint32_t from, uint8_t link, const struct path *path,
                    const uint8_t *data, size_t len)
{
    uint32_t number = packets_new(&c->packets);
    struct packet *p = packets_at(&c->packets, number);
    p->from =
        (struct path){.kind = path->kind, .addr = cluster_address_on(c, from, link), .local = path->addr};
    p->origin = (struct origin){.said = cluster_now(c),
                                .by = from,
                                .life = c->nodes[from].life,
                                .number = c->nodes[from].said,
                                .kind = path->kind,
                                .to = path->addr};
    p->boot = c->observer.subjects[from].boot;
    p->len = (uint16_t)len;
    memcpy(p->data, data, len);
    count(c, from, p);
    uint32_t to = c->size;
    if (c->everything != NULL) {
        c->everything(c->everything_context, number, from,
                      path->kind == PATH_GROUP || !cluster_owner(c, &path->addr, &to) ? c->size : to);
        to = c->size;
        p = packets_at(&c->packets, number);
    }
    if (path->kind == PATH_GROUP || listener(c, &path->addr, &to)) {
        if (c->sent != NULL) {
            c->sent(c->sent_context, number, from, to);
        }
        dispatch(c, number, from, to);
    }
    packets_drop(&c->packets, number);
}

/* To the group over each link, or the one that is named; to one over that of its address. */
void cluster_send(struct cluster *c, uint32_t from, const struct path *path, const uint8_t *data, size_t len)
{
    c->nodes[from].said++;
    if (path->kind != PATH_GROUP) {
        uint8_t link = cluster_link(&path->addr);
        send_on(c, from, link < c->network.links ? link : 0, path, data, len);
        return;
    }
    for (uint8_t link = 0; link < c->network.links; link++) {
        if (path->addr.ifindex == 0 || path->addr.ifindex == 1u + link || c->network.links == 1) {
            send_on(c, from, link, path, data, len);
        }
    }
}

void cluster_inject(struct cluster *c, uint32_t packet, uint32_t from, uint32_t to)
{
    dispatch(c, packet, from, to);
}

void cluster_replay(struct cluster *c, uint32_t packet, uint32_t to)
{
    uint32_t from = 0;
    const struct packet *p = packets_at(&c->packets, packet);
    if (cluster_owner(c, &p->from.addr, &from)) {
        dispatch(c, packet, from, to);
    }
}
