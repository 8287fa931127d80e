/* Joining: all at once, or some to the others, one after the other. */
#include "message/wire.h"
#include "scenario.h"

#define JOIN_LIMIT (20 * SECOND_US)

/* Counts what a newcomer causes: all that it sends or is sent, and what the others tell each other about it.
 * Plain beats belong to the interval law; pages and requests for them are counted apart. */
struct meter {
    const struct cluster *c;
    uint32_t newcomer;
    int64_t until; /* its first second is over; pages are counted on */
    int64_t caused;
    int64_t pages, lookups; /* pages to it; to others, most of whom have missed what was said of it */
};

static bool tells_of_newcomer(const struct meter *m, const struct packet *p)
{
    uint8_t plain[DATAGRAM_MAX];
    struct wire_message message WIRE_ROOM;
    int len = m->c->sealing->open(&m->c->keys, 0, p->data, p->len, plain);
    if (len < 0 || wire_decode(&message, plain, (size_t)len) != 0) {
        return false;
    }
    uint64_t boot = m->c->observer.subjects[m->newcomer].boot;
    bool tells = (message.has & HAS_TARGET) != 0 && message.target == boot;
    for (size_t i = 0; i < message.verdict_count; i++) {
        tells = tells || message.verdicts[i].boot == boot;
    }
    for (size_t i = 0; i < message.entry_count; i++) {
        tells = tells || message.entries[i].id.boot == boot;
    }
    return tells;
}

static void count_caused(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct meter *m = context;
    const struct packet *p = packets_at(&m->c->packets, packet);
    if (p->class == PACKET_PAGE) {
        m->pages += to == m->newcomer;
        m->lookups += to != m->newcomer;
    }
    if (p->class == PACKET_BEAT || p->class == PACKET_PAGE || p->class == PACKET_PAGE_REQUEST ||
        cluster_now(m->c) > m->until) {
        return;
    }
    m->caused += from == m->newcomer || to == m->newcomer || tells_of_newcomer(m, p);
}

static void all_at_once(struct cluster *c)
{
    struct traffic before = c->traffic;
    int64_t start = cluster_now(c);
    for (uint32_t i = 0; i < c->size; i++) {
        cluster_run(c, start + (int64_t)i * MS_US / c->size);
        cluster_start(c, i, 1);
    }
    scenario_await(c, "complete_us", "incomplete", start, JOIN_LIMIT, cluster_complete);
    report_sample(c->report, "packets_until_complete", (int64_t)traffic_packets(&before, &c->traffic));
    cluster_run(c, start + SECOND_US);
    report_sample(c->report, "packets_first_second", (int64_t)traffic_packets(&before, &c->traffic));
}

/* Its own two moments. */
static void report_newcomer(struct cluster *c, uint32_t node, int64_t start)
{
    const struct subject *s = &c->observer.subjects[node];
    report_count(c->report, "incomplete", s->known_to_all_at == NEVER || s->knows_all_at == NEVER);
    if (s->known_to_all_at == NEVER || s->knows_all_at == NEVER) {
        return;
    }
    int64_t known = s->known_to_all_at - start, knows = s->knows_all_at - start;
    report_sample(c->report, "known_to_all_us", known);
    report_sample(c->report, "knows_all_us", knows);
    report_sample(c->report, "both_us", known > knows ? known : knows);
}

static void one_joins(struct cluster *c, uint32_t node)
{
    int64_t start = cluster_now(c) + rng_between(&c->rng, 0, scenario_interval(c));
    struct meter meter = {.c = c, .newcomer = node, .until = start + SECOND_US};
    cluster_run(c, start);
    struct traffic before = c->traffic;
    c->sent = count_caused;
    c->sent_context = &meter;
    cluster_start(c, node, 1);
    cluster_run(c, meter.until);
    report_sample(c->report, "caused_packets", meter.caused);
    (void)cluster_run_until(c, start + JOIN_LIMIT, cluster_complete);
    c->sent = NULL;
    report_sample(c->report, "newcomer_pages", meter.pages);
    report_sample(c->report, "lookup_pages", meter.lookups);
    int64_t pages = (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE);
    report_sample(c->report, "join_pages", pages);
    report_count(c->report, "join_pages_total", pages);
    report_sample(c->report, "join_page_requests",
                  (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE_REQUEST));
    report_newcomer(c, node, start);
}

void scenario_join(struct cluster *c)
{
    uint32_t newcomers = c->options->newcomers;
    report_expect(c->report, "known_to_all_us");
    report_expect(c->report, "knows_all_us");
    report_count(c->report, "page_bytes_max", 0);
    report_expect(c->report, "page_gap_us");
    if (newcomers == 0 || newcomers >= c->size) {
        all_at_once(c);
    } else {
        scenario_settle(c, c->size - newcomers);
        for (uint32_t i = c->size - newcomers; i < c->size; i++) {
            one_joins(c, i);
        }
    }
}

/* All at once, and then what a large cluster costs: its processor time is what is looked at, and nothing
 * else. */
void scenario_speed(struct cluster *c)
{
    lives_free(c);
    for (uint32_t i = 0; i < c->size; i++) {
        cluster_run(c, (int64_t)i * MS_US / c->size);
        cluster_start(c, i, 1);
    }
    cluster_run(c, scenario_length(c, 60));
    report_count(c->report, "incomplete", !cluster_complete(c));
}
