/* Every time of the protocol, and the formulas for those that depend on something. Microseconds, unless a
 * name says otherwise. PROTOCOL.md gives the reasons at length. */
#ifndef GOSSIP_INTERVALS_H
#define GOSSIP_INTERVALS_H

#include <stddef.h>
#include <stdint.h>

#include "units.h"

/* Beats. The group's traffic is held under GROUP_BITS_PER_SECOND: N members send BEAT_BITS each, every 0.875
 * T on average. */
#define GROUP_BITS_PER_SECOND 1000000u
#define BEAT_BITS             1800u /* a beat of 150 bytes with its UDP, IP and Ethernet overhead, over 0.875 T */
#define INTERVAL_MAX          (65535 * MS_US) /* what 16 bits of milliseconds can promise: 36,408 members */
#define JITTER_PART           4 /* beats come up to a 4th of T early, so that they do not gather */
#define MISS_MULTIPLIER       6 /* T of silence promised to be the end, for receivers that cannot probe */
#define RECONSIDER_PART       5 /* a beat is put off by at most a 5th of T when the group has grown meanwhile */
#define CARRY_BEATS           2 /* a verdict goes along with so many beats */

/* What a peer promises is believed within these bounds only: promised_interval, promised_miss. */
#define PROMISE_INTERVAL_MIN (100 * MS_US)
#define PROMISE_MISS_MIN     2
#define PROMISE_MISS_MAX     30

/* Joining. */
#define QUESTION_GAP    (20 * MS_US) /* between the first questions: at 30 % loss 9 of them are enough */
#define QUESTIONS_QUICK 10           /* so many are as close; each later gap is twice as long, up to T */
#define QUESTIONS_KNOWN 4 /* a newcomer whose roster is whole asks so often at most to be vouched for */
#define QUESTION_MUTE                                                                                        \
    3 /* questions from this number on are answered to the group: a firewall may                             \
         pass no unicast */
#define QUESTION_SIZE                                                                                        \
    512 /* bytes of a question's datagram: three answers of half as many are half of what is                 \
           allowed, so that three more, of members who know others, do not pass it */
#define SECOND_BEAT_MIN (40 * MS_US) /* the first beat after the roster is complete comes so soon: */
#define SECOND_BEAT_MAX (80 * MS_US) /* some began to listen while this member joined */
#define JOINED_BEATS    3 /* from that one on, BEAT_AGAIN apart: some missed what was said of this member */
#define BEAT_AGAIN                                                                                           \
    (200 * MS_US) /* what must not be missed is said again after so long: who is deaf now may hear then */
#define ANSWERERS       3 /* ranks that answer one question, vouch, watch, repeat a goodbye */
#define ANSWERERS_BEAT  1 /* ranks that answer a stranger's beat, which is shorter than their answers */
#define VOUCH_WAIT_MIN  (20 * MS_US)  /* who is not to answer waits so long for a vouch, at random, */
#define VOUCH_WAIT_MAX  (120 * MS_US) /* before it takes the word of a peer's digest for one */
#define VOUCH_REPEAT    (10 * MS_US)
#define PENDING_LIFE    (2 * SECOND_US) /* an unproven member counts as live so long, for the young */
#define YOUNG           (5 * SECOND_US) /* a member is young so long: all may have started at once */
#define MEND_GAP        (20 * MS_US)    /* the young ask whoever knows more so often */
#define MEND_GAP_MOST   (60 * SECOND_US)
#define NONCE_LIFE      (1 * SECOND_US) /* a nonce is announced so long, and then accepted as long again */
#define FRESH           (2 * SECOND_US) /* a datagram may be later than its sender's quickest by this, or by 2 T */
#define WINDOW_LIFE     (5 * SECOND_US) /* older than the newest by more than this: not even looked at */
#define PAGE_PACE       500             /* between pages */
#define PAGE_RETRY      (20 * MS_US)  /* a page is asked for again after so long, then after ever twice the */
#define PAGE_RETRY_MOST (160 * MS_US) /* time; or after half as long again as the last one took */
#define PAGE_TRIES      4             /* of one peer; then another is asked */
#define PAGE_PEERS      3             /* so many in vain, and one is asked in T, once */
#define LOOKUPS_VAIN    2 /* single pages that were asked for in vain; then unicast may be blocked */
#define PAGES_QUIET     (5 * SECOND_US) /* a newcomer is silent no longer for pages that come without end */
#define PAGES_OF_ONE    (5 * SECOND_US) /* pages of one peer, then of another: they may come without end */
#define PATH_RETRY      (1 * SECOND_US) /* a new address of a peer is tried so often */
#define PATH_PATIENCE   (300 * MS_US)   /* for an answer from where a peer was, when it is heard elsewhere */

/* Seeds. */
#define SEED_GAP_MOST (30 * SECOND_US)       /* who is asked in vain is asked so seldom in the end */
#define SEED_LOST     (QUESTIONS_QUICK + 6)  /* whoever stood there has gone: on from this question, 1.28 s */
#define SEED_ASKED    (QUESTIONS_QUICK + 20) /* questions are not counted further */
#define LOST_LIFE     (86400 * SECOND_US)    /* far peers that fell silent are asked for so long, */
#define LOST_GAP_MOST (60 * SECOND_US)       /* so seldom in the end */
#define LOST_MAX      64                     /* and so many at most */
#define SEED_BURST    32                     /* seeds asked at once, whatever they are; then one in */
#define SEED_PERIOD   (10 * MS_US)           /* each */

/* Failure. */
#define PROBE_EVERY       (100 * MS_US)
#define PROBES_ALONE      3 /* then relays help */
#define RELAYS_AT_ONCE    2
#define PROBES_ISOLATED   7             /* no word from anyone by then: it is me */
#define SUSPICION         (350 * MS_US) /* from SUSPECT to DEAD */
#define WITNESSES         3 /* probes of a suspect at which a relay must say that it does not hear it either, */
#define WITNESS_LIFE      (125 * MS_US) /* the last so lately: one of four may get lost, but not the last */
#define ISOLATED_PATIENCE 30            /* T of silence after which the isolated bury */
#define BACKSTOP          4             /* T of silence that make any member a watcher */
#define RECHECK_PART                                                                                         \
    4 /* who does not watch a silent peer looks again every 4th of T whether it is its turn */
#define LOOK_GAP        (25 * MS_US) /* between two looks at all peers, or if that is longer: */
#define LOOK_PART       32           /* a 32nd of T */
#define LOOK_AHEAD_PART 4            /* at a look, those due within a 4th of T are reckoned anew */
#define DEAD_REPEAT     (100 * MS_US)
#define DEAD_REPEATS    2
#define CONFIRM_MIN                                                                                          \
    (20 * MS_US) /* a watcher who believes a DEAD repeats it once, so much later at random                   \
                  */
#define CONFIRM_MAX (80 * MS_US)
#define INCARNATION_END                                                                                      \
    UINT32_C(0x80000000)            /* no member has one as high: it begins anew under another boot id */
#define REFUTE_GAP    (50 * MS_US)  /* between two refutations */
#define REFUTE_BEATS  2             /* that say so, BEAT_AGAIN apart */
#define CONTEST_GRACE (100 * MS_US) /* what a peer sent before its name was claimed has come by then */
#define RELAY_LIFE    (1 * SECOND_US)
#define STALL_MIN     (2 * SECOND_US) /* a pulse older than this, and than 2 T, is a stalled BEAM */
#define STOPPED_AFTER                                                                                        \
    (100 * MS_US) /* a timer so late means that this process was stopped: all deadlines shift */

/* Those who do not hear each other by the group. */
#define GRAPH_GAP                                                                                            \
    (10 * MS_US)        /* after a change of the roster, until it is reckoned anew who watches whom          \
                         */
#define ASK_LATER    8  /* a far peer is asked an 8th of T later than every T, for its silence is 1.25 T; */
#define ASK_SPREAD   16 /* and up to a 16th later than that, so that questions do not gather */
#define FLOOD_GATHER (2 * MS_US)     /* what is new is gathered for so long before it is passed on */
#define NEWS_LIFE    (5 * SECOND_US) /* and goes along with probes and answers for so long */
#define NEWS_KEPT    1024
#define FAR_PARTED_YOUNG                                                                                     \
    (50 * MS_US)    /* the young pull a far one's roster that differs for so long; others: T/2 */
#define FAR_HEARD 4 /* T, for which one was heard by unicast alone, before it is far */
#define ASK_FIRST                                                                                            \
    (40 * MS_US)     /* a new link is asked after so long again, and then after ever twice the time */
#define FAR_LOOKS 10 /* T, until a far peer is looked at again that others watch */
#define FAR_WAIT                                                                                             \
    (300 * MS_US) /* suspected for so long, a far one has heard of it, and could have said so                \
                   */
#define FAR_FAREWELL (400 * MS_US) /* and so long where nobody suspected it before */

/* Links on which the group's datagrams do not arrive. In T. */
#define DEAF_SPAN    2 /* peers that are not heard by the group for long answer by unicast for so long */
#define MUTE_SPAN    4 /* some say for so long that they do not hear this member; the deaf know it by then */
#define SPAN_GAP     3 /* who is not heard by the group speaks more often, since it is asked */
#define WORDS_LIFE   6 /* what a peer has said of it counts so long, */
#define WORDS_AGAIN  3 /* is asked for again after so long, so that one answer may be lost, */
#define WORDS_FRESH  2 /* and so long where that may be over */
#define WORDS_ENOUGH 3 /* peers that are asked at a time, and whose words are enough */

/* Leaving. */
#define GOODBYES       3                /* a BYE is said so many times */
#define GOODBYE_GAP    (5 * MS_US)      /* apart, so that one full buffer does not lose them all */
#define FAREWELL_WAIT  (150 * MS_US)    /* whom others say to be gone has so long to be heard */
#define FAREWELL_GAP   (50 * MS_US)     /* in which it is asked so often, from the second moment on */
#define LINGER_MOST    (2500 * MS_US)   /* a sidecar whose BEAM has another one goes on no longer */
#define TOMBSTONE_LIFE (60 * SECOND_US) /* how long the gone are remembered, and count for T */

/* Connections that are ended on purpose. */
#define DISCONNECT_GAP (20 * MS_US) /* before it is said again; each later gap is twice as long: */
#define DISCONNECTS    7            /* so often in all, over 1.26 s: five times before anybody dials again */
#define DISCONNECT_MUTE                                                                                      \
    3 /* from this repetition on every other one goes to the group: a firewall may pass no unicast */
#define DISCONNECT_LIFE                                                                                      \
    (2 * SECOND_US)         /* what was ended longer ago is not believed: nobody says it so late */
#define DISCONNECT_RATE  32 /* of those to the group, so many a second */
#define DISCONNECT_BURST 64 /* and the burst */

/* Bounds. */
#define EXTRA_BURST     4  /* beats at once since its tags changed; then one in T, the others with the next */
#define UPDATE_BURST    8  /* changes of one peer told at once; then one in T, the others as one */
#define WORD_RATE       8  /* words of one peer that it has ended the connection, a second, */
#define WORD_BURST      16 /* and the burst */
#define ANSWER_RATE     200  /* answers a second to one source, and the burst */
#define ANSWER_RATE_ALL 2000 /* to all sources together */
#define PAGE_RATE       4000 /* pages a second */
#define RELAY_RATE      1000 /* probes a second on others' behalf */
#define NAMED_RATE      32   /* probes a second to one host that only others tell of, */
#define NAMED_BURST     64   /* and the burst */
#define DOUBT_RATE      32   /* far peers a second that are asked since a page leaves them out, */
#define DOUBT_BURST     64   /* and the burst */
#define SAID_KEPT       256  /* own datagrams that are known again */
#define LIVES_BURST     10   /* new boot ids at once that others may make a member take; */
#define LIVES_RATE      1    /* then so many a second */
#define AGAIN_BURST     4    /* times at once that a member begins to ask anew, for a link that came; */
#define AGAIN_RATE      1    /* then so often a second */
#define CROWD_PART      10 /* newcomers listed, and news for the far: max_peers at once, then a 10th of it */
#define CROWD_LEAST     10 /* and 10 a second */
#define CAUSED_TIMES    3  /* bytes that one may cause where nobody has answered: RFC 9000, section 8.1 */
#define RELAYS_MAX      64 /* of which so many at once */
#define PENDING_FORGET  (10 * SECOND_US) /* unproven members not heard for so long are forgotten */
#ifndef PENDING_MAX                      /* a build for fuzzers has few, so that they get full */
#define PENDING_MAX 1024                 /* unproven members remembered */
#endif

/* T for a group of so many members, microseconds: max(T_min, N * L / B), INTERVAL_MAX at most. */
int64_t interval_for(int64_t shortest, size_t members);

/* The same, for beats that are longer than others by so many bytes. */
int64_t interval_longer(int64_t shortest, size_t members, size_t bytes);

/* One beat's distance to the next: T less up to a JITTER_PART of it; `random` is uniform. */
int64_t interval_jittered(int64_t interval, uint32_t random);

/* When question number `k` follows question k-1: QUESTION_GAP at first, then ever later, up to T. */
int64_t question_gap(uint8_t k, int64_t interval);

/* How long a page is waited for before it is asked for again, where it was so often before: as long as those
 * before take to come, if that is known (0: it is not), within these bounds. */
int64_t page_retry(int64_t patience, unsigned before);

/* What is believed of a T that a peer promises, in the wire's milliseconds, and of the number of T that it
 * promises to be heard within. */
int64_t promised_interval(uint16_t ms);
uint8_t promised_miss(uint8_t miss);

/* Silence after which a watcher begins to probe a peer that promised T, and before which no verdict about it
 * is believed unseen: 1.25 T. */
int64_t silence_to_probe(int64_t interval);

/* How much later than its quickest a datagram of a peer that promised T may be, and still be fresh. */
int64_t fresh_within(int64_t interval);

/* Newcomers a second, and news passed on, of a roster of so many at most. */
uint32_t crowd_rate(uint32_t max_peers);

/* The least time between two looks at all peers. */
int64_t look_gap(int64_t interval);

/* Age of the pulse from which a BEAM with this T counts as stalled. */
int64_t pulse_stalled(int64_t interval);

#endif
