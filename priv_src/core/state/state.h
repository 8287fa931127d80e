/* The state of one member: all that it knows. The core has no other. */
#ifndef GOSSIP_STATE_H
#define GOSSIP_STATE_H

#include "bucket.h"
#include "command.h"
#include "effect.h"
#include "kit/copies.h"
#include "kit/intervals.h"
#include "kit/timers.h"
#include "message/wire.h"
#include "setup.h"
#include "state/pending.h"
#include "state/roster.h"
#include "state/seeds.h"
#include "stats.h"

enum timer_kind {
    TIMER_PROBE = 1,  /* a silent peer is probed, again */
    TIMER_PATH,       /* the first address of a peer has had its time to answer */
    TIMER_VOUCH,      /* a vouch is repeated */
    TIMER_DEAD,       /* a verdict is repeated; step: which repetition */
    TIMER_FAREWELL,   /* a goodbye that others told of was not refuted */
    TIMER_DISCONNECT, /* a DISCONNECT is not acknowledged yet; step: which repetition */
    /* What keeps this member alive; see timers.h. */
    TIMER_BEAT = TIMERS_KEPT, /* the next heartbeat; step: question number, BEAT_STEADY or BEAT_FINAL */
    TIMER_SILENCE,            /* some peer may have been silent too long */
    TIMER_SWEEP,              /* a rival may have been, or a tombstone ends */
    TIMER_MISSED,             /* the probe of a peer whose timer found no room */
    TIMER_OWED,               /* what could not be told at once of some peer */
    TIMER_GOODBYE,            /* step: which repetition */
    TIMER_PULL,               /* the next page is asked for, or the last one again */
    TIMER_FAR,                /* some far peer is to be asked whether it lives */
    TIMER_FLOOD,              /* what was gathered is passed on */
    TIMER_SEEDS,              /* a seed is looked at, and asked */
};
#define BEAT_STEADY 255
#define BEAT_FINAL  254 /* one that is not put off: it was already, or it refutes something */

/* A probe on another's behalf. */
struct relay {
    uint64_t target, requester, nonce;
    struct addr to;
    uint16_t most; /* bytes of each of two answers: nobody knows whether the requester is there */
    int64_t until;
};

/* What the next beats carry along. */
struct tale {
    struct wire_verdict verdict;
    uint8_t beats; /* so many more */
};

/* What a member has said last of itself that entries tell, too. */
struct told {
    bool begun; /* it has said something in this life */
    bool stalled;
    uint32_t incarnation, tags;
    uint16_t dist_port;
    uint8_t flags;
    uint8_t own_count;
    struct addr own[PEER_ADDRS];
    struct host host;
};

/* Something that was seen again and again, without a long gap. */
struct span {
    int64_t since, last; /* 0: never */
};

/* How the group's datagrams do on one link: see hearing.c. */
struct link {
    uint32_t ifindex;
    int64_t used;        /* when anything of a peer came in there; 0: it is free */
    struct span far;     /* unicast of peers that are not heard by the group, since anything came by it */
    struct span unheard; /* peers say that of this member */
    bool polled;         /* and others were asked meanwhile */
    struct link_view told;
};

#define LINKS_MAX 32

/* When a nonce went out that is to be echoed. */
struct asked {
    uint64_t nonce; /* 0: none */
    int64_t at;     /* by the clock that stands still for nothing */
    bool again;     /* it may have gone out more than once: nobody can tell which of them is answered */
    bool answered;  /* one that is bound to a peer: an answer to it has come */
};

#define ASKED_KEPT 64 /* of more that are under way at once some are not measured */

#define PULL_ANY UINT16_MAX
/* Somebody has come, or a verdict is new: what is passed on to the far. */
struct news {
    uint64_t boot;        /* whom it is about */
    uint64_t giver;       /* who told it; 0: this member has found it out */
    int64_t at;           /* when */
    uint32_t incarnation; /* in the verdict's words */
    uint8_t verdict;      /* enum verdict; 0: that it lives, as its entry says */
    bool for_group;       /* the group has not heard it */
    bool rides;           /* others pass it on: here it goes along with probes and answers alone */
};

/* Whom this member watches by rank over the whole roster, and who watches it so. */
#define GRAPH_MOST  24 /* each watches three in the mean */
#define GRAPH_LINKS 10 /* of which so many are told what is new */
struct graph {
    uint64_t version, self; /* the roster, and the boot id, that it is of */
    int64_t at;             /* when it was reckoned */
    size_t count;
    uint64_t boots[GRAPH_MOST];
};

/* The roster being pulled from another. */
struct pull {
    uint64_t from;
    uint64_t door; /* who has let this member in, when others are pulled from since; 0: nobody */
    uint64_t next; /* who has answered meanwhile, and is asked when that one does not; 0: nobody has */
    uint64_t cursor;
    uint64_t nonce; /* of the request that is not answered yet: good for one page; 0: none is */
    uint64_t echo;  /* the nonce of what that one said last: who asks shows that it is where it asks from */
    uint64_t next_echo;
    int64_t due;      /* of the timer that means something */
    int64_t since;    /* when it began, */
    int64_t began;    /* and with that one */
    int64_t asked;    /* when the last request went out, */
    int64_t first;    /* and the first for this page */
    int64_t patience; /* how long a page is waited for, as those before took; 0: none came */
    uint16_t most;    /* bytes that may still be sent where it only says that it is; PULL_ANY: it is there */
    uint16_t next_most;
    uint8_t tries; /* of the peer that is asked now */
    uint8_t vain;  /* peers asked in vain, up to PAGE_PEERS */
    bool there;    /* a page came from there */
    bool known;    /* that one has heard meanwhile where this member is, and was asked again for that */
    bool active;
    bool single;   /* one page is all that is wanted */
    bool again;    /* it was pulled before, and differs: what is new in it may be new to others */
    bool catch_up; /* this member could hear nobody for a while: so whom it leaves out is asked */
    bool turn;     /* the next page is asked of another than the one who has let this member in */
    bool complete; /* the last page has come, or there was none to pull */
};

/* What every datagram touches stands in front, what is large at the end: a simulation holds thousands of
 * these. Beside each group: the file that changes it. */
struct gossip {
    /* gossip.c: at each call */
    int64_t now;     /* the core's own time: the caller's less the lag */
    int64_t lag;     /* time this process was stopped for; the core's own time stands still meanwhile */
    int64_t clock;   /* the caller's time and the machine's sleep: it stands still for nothing */
    int64_t ahead;   /* the machine's sleep, */
    int64_t slept;   /* and what of it is new since the last call */
    int64_t lost;    /* how long the last pause was, with those just before it; it ended ... */
    int64_t lost_at; /* ... then, by `clock` */

    /* receive.c: at each fresh datagram of a peer */
    int64_t heard; /* the last one, of any peer */

    /* self.c adds, gossip.c takes */
    struct timers timers;

    /* announce.c: when distribution starts, stops, or is about to */
    bool announced;
    bool leaving;
    uint8_t leave_reason;
    bool life_owed; /* another has its boot id: the next beat is under a new one */

    /* relay.c: at a request */
    int64_t relaying; /* until then some relay may be under way */

    /* send.c: every NONCE_LIFE; gossip.c, once: the key */
    uint64_t nonce; /* for all, as of ... */
    int64_t nonce_slot;
    uint8_t nonce_key[16];

    /* announce.c, beat.c: with each life, and when it reaches more links than before */
    int64_t born; /* when it was announced, or became a newcomer to others */

    /* mend.c: at each fresh datagram of a peer */
    int64_t differs;           /* since when others know what this member does not; 0: they do not */
    int64_t mend_at, mend_gap; /* when others may be asked for that; and how much later the next time */
    int64_t healed;            /* when one that was buried has come back, far.c; 0: nobody has */
    int64_t back;              /* when it could hear again, isolate.c; 0: what it missed is asked for */
    uint64_t mend_version;     /* of the roster, when a far one's was pulled last */
    int64_t ask_at;            /* when a stranger may be asked for want of pages */

    /* receive.c */
    uint64_t voucher; /* who vouched for this member last, */
    uint8_t vouchers; /* and how many did */
    bool relay_told;  /* that datagrams are relayed, or addresses translated */

    bool locked; /* gossip.c: in memory */

    /* gossip.c: whenever the owner says so */
    uint8_t own_count;
    struct addr own[PEER_ADDRS];

    /* counted where it happens; health: isolate.c */
    struct gossip_stats stats;

    /* gossip.c: once, but for the keys, which the owner changes */
    struct gossip_options options;

    /* announce.c: with each life, and what the owner says of the node; the incarnation: verdict.c */
    struct identity self;
    uint8_t prints[KEYRING_MAX][FINGERPRINT_BYTES]; /* of our cookie, by key */
    uint8_t cookie_len;
    uint8_t cookie[COOKIE_MAX];
    struct host host;
    struct tags tags;
    int64_t pulse; /* last sign of life of the BEAM; gossip.c, too */

    /* beat.c: at each beat */
    int64_t beat_at, beat_due;
    uint8_t again_beats; /* so many beats are to come BEAT_AGAIN apart; verdict.c, too */
    struct bucket extra; /* beats out of turn */
    struct told told;    /* by the last one */

    /* alarm.c, watch.c: at each look */
    int64_t sweep_at;  /* when rivals and tombstones are looked at; 0: there are none */
    int64_t missed_at; /* when the first probe is due that found no room for its timer; 0: there is none */
    int64_t look_at;   /* when the peers are looked at; 0: nobody is listed */

    /* tell.c */
    int64_t owed_at; /* when the first is due who could not be told of at once; 0: there is none */

    /* verdict.c */
    int64_t refuted; /* last refutation */

    /* graph.c */
    struct graph graph;

    /* far.c, flood.c: when the first far peer is asked next, and what was gathered is passed on; 0: never */
    int64_t far_at, flood_at;
    uint64_t news_count, news_said; /* so many in all; so many of them are passed on */
    uint64_t seen_version;          /* of the roster, and when it was another last */
    int64_t seen_at;
    struct bucket floods;
    struct news news[NEWS_KEPT];

    /* send.c: at each datagram; a new life begins anew */
    uint64_t sequence;
    uint64_t said[SAID_KEPT];       /* the random part of the latest nonces, by sequence */
    struct bucket lives;            /* new boot ids that others may make it take */
    struct asked asked[ASKED_KEPT]; /* by nonce */

    /* gossip.c: at each datagram that is taken */
    struct copies copies;

    /* gossip.c: once */
    uint64_t salt;

    /* pages.c; beat.c begins anew */
    struct pull pull;
    uint8_t lookups_vain; /* single pages in a row that did not come, up to LOOKUPS_VAIN */

    /* join.c, members.c, pages.c, relay.c, join.c: what each of them may still do */
    struct bucket answers, newcomers, pages, relayed, doubts;
    struct bucket again;       /* beat.c: how often it may begin to ask anew */
    struct bucket disconnects; /* disconnect.c: what it may still say to the group */
    struct sources sources, named;

    /* tales.c: at a verdict, and at each beat */
    struct tale tales[WIRE_VERDICTS];
    size_t tale_count;

    /* relay.c: at a request, and at an answer */
    size_t relay_next;
    struct relay relays[RELAYS_MAX];

    /* bootstrap.c */
    int64_t seeds_due; /* of the timer that means something */
    struct bucket seed_asks;
    struct seeds seeds;

    /* announce.c: the life that follows this goodbye (COMMAND_ALIVE), or none (0) */
    struct command next;

    /* From here on there is nothing secret: see gossip_lock. */

    /* members.c lists, changes and buries; whose field is whose: peer.h */
    struct roster roster;

    /* join.c notes, members.c drops, beat.c expires */
    struct pendings pending;

    /* hearing.c */
    int64_t links_look; /* when it looks next */
    struct link links[LINKS_MAX];
};

#endif
