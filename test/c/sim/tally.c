#include "tally.h"

static const struct {
    const char *name;
    size_t offset;
} names[] = {
    {"up", offsetof(struct tally, up)},
    {"update", offsetof(struct tally, update)},
    {"down_silent", offsetof(struct tally, down_silent)},
    {"down_left", offsetof(struct tally, down_left)},
    {"down_beam_exit", offsetof(struct tally, down_beam_exit)},
    {"conflicts", offsetof(struct tally, conflict)},
    {"conflicts_repeated", offsetof(struct tally, conflicts_repeated)},
    {"conflicts_without_address", offsetof(struct tally, conflicts_without_address)},
    {"isolated", offsetof(struct tally, isolated)},
    {"recovered", offsetof(struct tally, recovered)},
    {"left", offsetof(struct tally, left)},
    {"takeovers", offsetof(struct tally, takeovers)},
    {"false_deaths", offsetof(struct tally, false_deaths)},
    {"exempt_deaths", offsetof(struct tally, exempt_deaths)},
    {"separated_deaths", offsetof(struct tally, separated_deaths)},
    {"deaths_by_isolated", offsetof(struct tally, deaths_by_isolated)},
    {"false_goodbyes", offsetof(struct tally, false_goodbyes)},
    {"ghosts", offsetof(struct tally, ghosts)},
    {"strangers", offsetof(struct tally, strangers)},
    {"wrong_events", offsetof(struct tally, wrong_events)},
    {"late_lives", offsetof(struct tally, late_lives)},
    {"copied_lives", offsetof(struct tally, copied_lives)},
    {"misplaced_lives", offsetof(struct tally, misplaced_lives)},
    {"forged_lives", offsetof(struct tally, forged_lives)},
    {"misled_addresses", offsetof(struct tally, misled_addresses)},
    {"raised_dead", offsetof(struct tally, raised_dead)},
    {"kept_dead", offsetof(struct tally, kept_dead)},
    {"late_deadlines", offsetof(struct tally, late_deadlines)},
    {"lost_effects", offsetof(struct tally, lost_effects)},
    {"overflowed", offsetof(struct tally, overflowed)},
    {"misaddressed", offsetof(struct tally, misaddressed)},
    {"foreign", offsetof(struct tally, foreign)},
    {"forged", offsetof(struct tally, forged)},
    {"malformed", offsetof(struct tally, malformed)},
    {"replayed", offsetof(struct tally, replayed)},
    {"refused_full", offsetof(struct tally, refused_full)},
    {"refused_rate", offsetof(struct tally, refused_rate)},
    {"answers_limited", offsetof(struct tally, answers_limited)},
};

void tally_stats(struct tally *t, const struct gossip_stats *s)
{
    t->foreign += (int64_t)s->foreign;
    t->forged += (int64_t)s->forged;
    t->malformed += (int64_t)s->malformed;
    t->replayed += (int64_t)s->replayed;
    t->refused_full += (int64_t)s->refused_full;
    t->refused_rate += (int64_t)s->refused_rate;
    t->answers_limited += (int64_t)s->answers_limited;
}

void tally_report(const struct tally *t, struct report *r)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        report_count(r, names[i].name, *(const int64_t *)(const void *)((const char *)t + names[i].offset));
    }
}

void traffic_report(const struct traffic *t, struct report *r)
{
    for (unsigned i = 0; i < PACKET_CLASSES; i++) {
        report_count(r, packet_class_name(i), (int64_t)t->packets[i]);
    }
    report_count(r, "group_packets", (int64_t)t->group_packets);
    report_count(r, "group_bytes", (int64_t)t->group_bytes);
    report_count(r, "unicast_packets", (int64_t)t->unicast_packets);
    report_count(r, "unicast_bytes", (int64_t)t->unicast_bytes);
    report_count(r, "deliveries", (int64_t)t->deliveries);
}

uint64_t traffic_packets(const struct traffic *since, const struct traffic *until)
{
    return until->group_packets + until->unicast_packets - since->group_packets - since->unicast_packets;
}

uint64_t traffic_class(const struct traffic *since, const struct traffic *until, enum packet_class class)
{
    return until->packets[class] - since->packets[class];
}
