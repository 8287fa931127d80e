/* A little network of members on a virtual clock. Every datagram takes `delay`, unless a filter drops it;
 * every member has a witness, and an owner who pulses. Members are numbered from 0, in the order they were
 * added; their addresses are build_addr(1 + number, 40000). */
#ifndef TEST_SUPPORT_NET_H
#define TEST_SUPPORT_NET_H

#include "forge.h"
#include "prng.h"
#include "truth.h"
#include "witness.h"

#define NET_NODES 16

/* A datagram that was sent. */
struct sent {
    int64_t at;
    struct addr from;
    struct path path;
    uint16_t len;
    uint8_t data[DATAGRAM_MAX];
};

struct node {
    struct gossip *g;
    struct addr addr;
    struct identity self;
    struct host host; /* told with the next net_alive, as are */
    struct tags tags;
    bool paused; /* its timers stand, and what is sent to it waits */
    bool hung;   /* its BEAM does not pulse */
    int64_t pulse_at;
    size_t event_count, event_size;
    struct event *events; /* without heartbeats */
    size_t heartbeats;
    struct witness witness;
};

struct net;

/* Whether the datagram from node `from` to node `to` gets lost. */
typedef bool net_drop(struct net *net, size_t from, size_t to, const struct sent *s);

struct net {
    int64_t now, delay;
    int64_t slept; /* how long all machines have been suspended; `now` stood still meanwhile */
    struct prng prng;
    uint64_t again; /* how often net_again has made a test another network */
    net_drop *drop;
    void (*inside)(bool); /* told when a call of the core begins (true), and when it has ended */
    bool forgetful;       /* no event is kept */
    uint32_t loss;        /* percent, for net_drop_some */
    size_t dark;          /* for net_drop_dark */
    struct effects *fx;   /* every member's, since each call's are drained at once */
    size_t count;
    struct node *nodes[NET_NODES];
    size_t log_count, log_size;
    struct sent *log; /* everything that was ever sent */
    struct truth truth;
    size_t flight_count, flight_size;
    struct flight *flights;
};

/* A network with nobody on it, at a second past the epoch, 100 us of delay; of a new seed, which is printed,
 * or of this one. For net_next see prng_printed_next. */
struct net *net_new(const char *test);
struct net *net_next(const char *test, uint64_t further);
struct net *net_from(uint64_t seed);
void net_free(struct net *net);

/* For tests that have a network of their own as state, freed whatever happens. */
int net_setup(void **state);
int net_teardown(void **state);
/* Frees the test's network and makes it another. The first one has the seed that is given, if one is, for
 * some tests use none before it; those that follow have the next ones. */
struct net *net_again(void **state);
#define NET_TEST(function) cmocka_unit_test_setup_teardown(function, net_setup, net_teardown)

/* Options as they are by default, of build_ring("k"), with the network's randomness. */
struct gossip_options net_options(struct net *net);

/* A new member that is silent until net_alive. */
size_t net_add(struct net *net, const char *name, uint32_t creation, const struct gossip_options *options);

/* A member of default options, announced. */
size_t net_member(struct net *net, const char *name, uint32_t creation);

/* So many more of those: a@host, b@host, and so on by their place. */
void net_members(struct net *net, size_t n);

void net_alive(struct net *net, size_t i);
void net_command(struct net *net, size_t i, uint8_t type);
void net_leave(struct net *net, size_t i, uint8_t reason);
/* Its node has ended the connection to the node of this boot id, on purpose. */
void net_disconnected(struct net *net, size_t i, uint64_t boot);
/* The ring becomes build_ring(bytes). */
void net_keys(struct net *net, size_t i, const char *bytes);

/* The process is killed; its place, name and address are taken by a new one, which is silent. */
void net_restart(struct net *net, size_t i);

/* The process is gone, and says nothing. */
void net_kill(struct net *net, size_t i);

/* All machines are suspended, and wake. */
void net_sleep(struct net *net, int64_t duration);

/* It gets this at once, as from the source `from`, to the group or to itself. */
void net_inject(struct net *net, size_t i, const struct addr *from, uint8_t path_kind, const uint8_t *data,
                size_t len);
/* The same, with all that a path may say. */
void net_inject_path(struct net *net, size_t i, const struct path *path, const uint8_t *data, size_t len);

/* Says this at the network's time, and to that node where it is, unless the message says otherwise. */
void net_say(struct net *net, size_t i, struct forged *f, uint8_t path_kind, const struct wire_message *m);

/* Time passes. */
void net_run(struct net *net, int64_t duration);

/* Until it is so, at most `duration`; whether it came to be so. */
typedef bool net_state(struct net *net);
bool net_wait(struct net *net, int64_t duration, net_state *state);

/* It is told of one seed: so many ports from this one on, where node `at` stands. */
void net_seed(struct net *net, size_t i, size_t at, uint16_t port, uint8_t ports);

/* Filters: the given share; whatever goes to or comes from node `dark`; all unicast; all that goes to the
 * group. */
net_drop net_drop_some, net_drop_dark, net_drop_unicast, net_drop_group;

/* How many peers it lists; whether all list all. */
size_t net_listed(const struct net *net, size_t i);
bool net_whole(struct net *net);

/* Events of this type told to node i; the last of them, or NULL. */
size_t net_events(const struct net *net, size_t i, uint8_t type);
const struct event *net_event(const struct net *net, size_t i, uint8_t type);
void net_forget_events(struct net *net);

/* Datagrams sent since `since` by node i of this type (0: any); the last goes to `m`, if not NULL. */
size_t net_sent(const struct net *net, size_t i, int64_t since, uint8_t type, struct wire_message *m);

/* A forged member answers whatever node i has last asked of it: lists it. */
void net_prove(struct net *net, size_t i, struct forged *f);

/* It asks node i as a stranger, or as a peer who comes from elsewhere: what that asks it there. */
uint64_t net_challenge(struct net *net, size_t i, struct forged *f);

#endif
