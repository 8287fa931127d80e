/* Joining: all at once, or some to the others. */
#include "scenario.h"
#include "wire.h"

#define JOIN_LIMIT (20 * SECOND_US)

/* Counts what the newcomers cause: all that they send or are sent, and what the others tell each other about
 * them. Plain beats belong to the interval law; pages and requests for them are counted apart. */
struct meter {
    const struct cluster *c;
    uint32_t residents;
    int64_t caused;
};

static bool is_newcomer(const struct meter *m, uint64_t boot)
{
    for (uint32_t i = m->residents; i < m->c->size; i++) {
        if (m->c->observer.subjects[i].boot == boot) {
            return true;
        }
    }
    return false;
}

static bool tells_of_newcomer(const struct meter *m, const struct packet *p)
{
    uint8_t plain[DATAGRAM_MAX];
    struct wire_message message;
    int len = m->c->sealing->open(&m->c->keys, 0, p->data, p->len, plain);
    if (len < 0 || wire_decode(&message, plain, (size_t)len) != 0) {
        return false;
    }
    bool tells = (message.has & HAS_TARGET) != 0 && is_newcomer(m, message.target);
    for (size_t i = 0; i < message.verdict_count; i++) {
        tells = tells || is_newcomer(m, message.verdicts[i].boot);
    }
    for (size_t i = 0; i < message.entry_count; i++) {
        tells = tells || is_newcomer(m, message.entries[i].id.boot);
    }
    return tells;
}

static void count_caused(void *context, uint32_t packet, uint32_t from, uint32_t to)
{
    struct meter *m = context;
    const struct packet *p = packets_at(&m->c->packets, packet);
    if (p->class == PACKET_BEAT || p->class == PACKET_PAGE || p->class == PACKET_PAGE_REQUEST) {
        return;
    }
    bool met = from >= m->residents || (to >= m->residents && to < m->c->size);
    m->caused += met || tells_of_newcomer(m, p);
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

/* Each newcomer's own two moments. */
static void report_newcomer(struct cluster *c, uint32_t node, int64_t start)
{
    const struct subject *s = &c->observer.subjects[node];
    int64_t known = s->known_to_all_at - start, knows = s->knows_all_at - start;
    if (s->known_to_all_at == NEVER || s->knows_all_at == NEVER) {
        return;
    }
    report_sample(c->report, "known_to_all_us", known);
    report_sample(c->report, "knows_all_us", knows);
    report_sample(c->report, "both_us", known > knows ? known : knows);
}

static void some_join(struct cluster *c, uint32_t newcomers)
{
    uint32_t residents = c->size - newcomers;
    struct meter meter = {.c = c, .residents = residents};
    scenario_settle(c, residents);
    int64_t start = cluster_now(c) + rng_between(&c->rng, 0, SECOND_US);
    cluster_run(c, start);
    struct traffic before = c->traffic;
    c->sent = count_caused;
    c->sent_context = &meter;
    for (uint32_t i = 0; i < newcomers; i++) {
        cluster_start(c, residents + i, 1);
    }
    bool complete = cluster_run_until(c, start + SECOND_US, cluster_complete);
    int64_t completed = cluster_now(c);
    cluster_run(c, start + SECOND_US);
    report_sample(c->report, "caused_packets", meter.caused);
    c->sent = NULL;
    if (!complete) {
        complete = cluster_run_until(c, start + JOIN_LIMIT, cluster_complete);
        completed = cluster_now(c);
    }
    report_expect(c->report, "complete_us");
    report_count(c->report, "incomplete", !complete);
    if (complete) {
        report_sample(c->report, "complete_us", completed - start);
    }
    int64_t pages = (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE);
    report_sample(c->report, "join_pages", pages);
    report_count(c->report, "join_pages_total", pages);
    report_sample(c->report, "join_page_requests",
                  (int64_t)traffic_class(&before, &c->traffic, PACKET_PAGE_REQUEST));
    for (uint32_t i = 0; i < newcomers; i++) {
        report_newcomer(c, residents + i, start);
    }
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
        some_join(c, newcomers);
    }
}

/* All at once, and then what a large cluster costs: its processor time is what is looked at. */
void scenario_speed(struct cluster *c)
{
    for (uint32_t i = 0; i < c->size; i++) {
        cluster_run(c, (int64_t)i * MS_US / c->size);
        cluster_start(c, i, 1);
    }
    cluster_run(c, scenario_length(c, 60));
    report_count(c->report, "incomplete", !cluster_complete(c));
}
