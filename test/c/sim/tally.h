/* What is counted in every scenario: datagrams on the wire, and events by what they say. */
#ifndef SIM_TALLY_H
#define SIM_TALLY_H

#include "packet.h"
#include "report.h"

#define WIRE_OVERHEAD 46 /* bytes a datagram: Ethernet 14 and 4, IPv4 20, UDP 8 */

/* A multicast counts once. Bytes are with WIRE_OVERHEAD. */
struct traffic {
    uint64_t packets[PACKET_CLASSES];
    uint64_t bytes[PACKET_CLASSES]; /* with WIRE_OVERHEAD each */
    uint64_t group_packets, group_bytes, unicast_packets, unicast_bytes;
    uint64_t deliveries; /* taken by a member */
};

struct tally {
    int64_t up, update, down_silent, down_left, down_beam_exit;
    int64_t conflict, isolated, recovered, left;
    int64_t conflicts_repeated;        /* told a second time on one node about the same two */
    int64_t conflicts_without_address; /* not telling where both are */
    int64_t takeovers;                 /* a new boot id for the same life of a BEAM, without a down */
    int64_t false_deaths;              /* see judge.h; so the next three */
    int64_t exempt_deaths, separated_deaths;
    int64_t deaths_by_isolated; /* believed by one that calls itself isolated */
    int64_t false_goodbyes;     /* down as left, though it had not */
    int64_t ghosts;             /* up, though that life was over */
    int64_t strangers;          /* events about members that never were */
    int64_t wrong_events;       /* up twice, down or update of one not listed */
    int64_t late_lives, copied_lives, misplaced_lives, forged_lives, misled_addresses, raised_dead,
        kept_dead;                   /* see lives.h */
    int64_t late_deadlines;          /* a deadline that was over when it was given */
    int64_t lost_effects;            /* that found no room */
    int64_t overflowed;              /* datagrams that found no room in the sockets of a paused member */
    int64_t misaddressed;            /* unicast to where nobody listens */
    int64_t links_told, links_false; /* deaf or mute: as it is, and as it is not; only "mute" reports them */
    int64_t foreign, forged, malformed, replayed, refused_full, refused_rate,
        answers_limited; /* gossip_stats */
};

/* Adds what a member has counted. */
void tally_stats(struct tally *t, const struct gossip_stats *s);

/* Adds everything to the report. */
void tally_report(const struct tally *t, struct report *r);
void traffic_report(const struct traffic *t, struct report *r);

/* What was added to `until` since `since`: all packets, or those of a class. */
uint64_t traffic_packets(const struct traffic *since, const struct traffic *until);
uint64_t traffic_class(const struct traffic *since, const struct traffic *until, enum packet_class class);

#endif
