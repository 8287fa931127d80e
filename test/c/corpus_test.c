/* The seeds of the core's fuzzers. They are made here and checked in under corpus/, so that every run of a
 * fuzzer begins with messages of every type and with whole stories; this test holds the files against their
 * makers.
 *
 *     GOSSIP_WRITE_CORPUS=1 ./corpus_test      writes them anew
 *
 * Files named otherwise than "seed-..." were found by the fuzzers, and stay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "forge.h"
#include "meeting.h"
#include "plain.h"
#include "script.h"
#include "test.h"

static void hold(const char *stem, const char *name, const uint8_t *data, size_t len)
{
    char path[512];
    uint8_t found[4096];
    (void)snprintf(path, sizeof path, "%s/corpus/%s/seed-%s", GOSSIP_TEST_DIR, stem, name);
    if (getenv("GOSSIP_WRITE_CORPUS") != NULL) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(data, 1, len, out), len);
        assert_int_equal(fclose(out), 0);
    }
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        fail_msg("%s is missing; GOSSIP_WRITE_CORPUS=1 writes it", path);
        return;
    }
    size_t size = fread(found, 1, sizeof found, in);
    assert_int_equal(fclose(in), 0);
    if (size != len || memcmp(found, data, len) != 0) {
        fail_msg("%s is not what this test makes; GOSSIP_WRITE_CORPUS=1 writes it anew", path);
    }
}

static const char *const TYPES[] = {"unknown", "hello", "probe", "ack",       "probe_for",
                                    "roster",  "bye",   "news",  "disconnect"};

/* One message of each type with a bit of everything, and one with nothing. */
static void messages(void **state)
{
    (void)state;
    struct prng p = prng_from(7);
    struct wire_message m;
    uint8_t data[1 + WIRE_MESSAGE_MAX];
    for (uint8_t type = 0; type < COUNT(TYPES); type++) {
        do {
            build_random_message(&p, &m, type);
        } while (m.entry_count == 0 || m.echo_count == 0 || m.verdict_count == 0 || m.id.name.len > 40);
        m.entry_count = 1;
        size_t len = wire_encode(&m, data, WIRE_MESSAGE_MAX);
        hold("wire", TYPES[type], data, len);
    }
    wire_clear(&m);
    m.id.boot = 1;
    hold("wire", "least", data, wire_encode(&m, data, sizeof data));
    do {
        build_random_message(&p, &m, WIRE_ROSTER);
    } while (m.entry_count < 8);
    hold("wire", "page", data, wire_encode(&m, data, WIRE_MESSAGE_MAX));
}

/* What a member might say to the one that the datagram fuzzers have; see support/meeting.h. */
static void datagrams(void **state)
{
    (void)state;
    static const uint8_t has[] = {
        0, HAS_QUESTION, 0, HAS_TARGET | HAS_RELAY, HAS_TARGET, HAS_CURSOR, HAS_REASON, 0, HAS_TARGET};
    for (uint8_t type = 0; type < COUNT(TYPES); type++) {
        struct wire_message m;
        uint8_t plain[1 + WIRE_MESSAGE_MAX] = {type}, datagram[1 + DATAGRAM_MAX] = {type};
        struct forged f = forge(100, "f@h3", 1, 5), other = forge(101, "g@h4", 1, 6);
        struct meeting meeting = meeting_start(&plain_sealing);
        const struct node *n = meeting.net->nodes[0];
        f.sealing = &plain_sealing;
        f.sequence = 50;
        forge_start(&f, &m, type);
        m.flags = type % 2 ? WIRE_ASK : 0;
        m.has = has[type];
        m.target = m.relay = 101;
        m.reason = DOWN_BEAM_EXIT;
        m.has |= type == WIRE_DISCONNECT ? HAS_DISCONNECT : 0;
        m.ended = (uint64_t)(meeting.net->now - SECOND_US);
        m.sent_at = (uint64_t)meeting.net->now;
        if (type % 2 == 0) {
            forge_to(&m, gossip_boot(n->g), &n->addr);
        }
        forge_echo(&m, gossip_boot(n->g), witness_nonce(&n->witness));
        forge_verdict(&m, VERDICT_DEAD, 101, 1);
        forge_entry(&m, &other);
        size_t len = wire_encode(&m, plain + 1, WIRE_MESSAGE_MAX);
        hold("datagram_sealed", TYPES[type], plain, 1 + len);
        len = forge_seal(&f, &m, datagram + 1);
        hold("datagram", TYPES[type], datagram, 1 + len);
        net_free(meeting.net);
    }
}

/* Steps of stories, as script.h has them. */
#define SAY(who, forged, way, type, has, echoes, verdicts, entries)                                          \
    SCRIPT_SAY, who, forged, way, type, has, echoes, verdicts, entries
#define ASK          16                        /* the flag, in the type's upper half */
#define BOOT(forged) (SCRIPT_NODES + (forged)) /* boot id of a forged member */

#define STORY(name, ...)                                                                                     \
    {                                                                                                        \
        static const uint8_t story[] = {__VA_ARGS__};                                                        \
        hold("gossip", name, story, sizeof story);                                                           \
        script_run(story, sizeof story);                                                                     \
    }

static void stories(void **state)
{
    (void)state;
    STORY("meet", 3, SCRIPT_RUN, 30)
    STORY("disconnect", 3, SCRIPT_RUN, 20, SCRIPT_COMMAND, 0, COMMAND_DISCONNECTED + 8 * 1, SCRIPT_RUN, 3,
          SCRIPT_FILTER, 2, SCRIPT_COMMAND, 1, COMMAND_DISCONNECTED, SCRIPT_RUN, 20, SCRIPT_FILTER, 0,
          SCRIPT_PROVE, 0, 0, SCRIPT_COMMAND, 0, COMMAND_DISCONNECTED + 8 * BOOT(0),
          SAY(0, 0, 0, WIRE_DISCONNECT + ASK, 0, 0, 0, 0), 1,
          SAY(0, 0, 1, WIRE_DISCONNECT + ASK, HAS_TARGET, 0, 0, 0), 0, 2, SCRIPT_RUN, 20)
    STORY("crash", 3, SCRIPT_RUN, 30, SCRIPT_PAUSE, 1, SCRIPT_RUN, 60, SCRIPT_PAUSE, 1, SCRIPT_RUN, 60)
    STORY("restart", 3, SCRIPT_RUN, 20, SCRIPT_RESTART, 1, SCRIPT_ALIVE, 1, 2, SCRIPT_RUN, 60)
    STORY("restart-other-life", 3, SCRIPT_RUN, 20, SCRIPT_RESTART, 1, SCRIPT_ALIVE, 1, 3, SCRIPT_RUN, 60)
    STORY("leave", 19, SCRIPT_RUN, 20, SCRIPT_COMMAND, 1, COMMAND_LEAVE, SCRIPT_RUN, 30, SCRIPT_ALIVE, 1, 2,
          SCRIPT_RUN, 30)
    STORY("hide", 3, SCRIPT_RUN, 20, SCRIPT_COMMAND, 0, COMMAND_HIDE, SCRIPT_ALIVE, 0, 4, SCRIPT_RUN, 30)
    STORY("stop", 3, SCRIPT_RUN, 20, SCRIPT_STOP, 250, SCRIPT_RUN, 50, SCRIPT_PAUSE, 0, SCRIPT_RUN, 5,
          SCRIPT_PAUSE, 0, SCRIPT_RUN, 9)
    STORY("dark", 3, SCRIPT_RUN, 20, SCRIPT_FILTER, 4, SCRIPT_RUN, 60, SCRIPT_FILTER, 0, SCRIPT_RUN, 40)
    STORY("lossy", 35, SCRIPT_FILTER, 1, SCRIPT_RUN, 60, SCRIPT_FILTER, 2, SCRIPT_RUN, 60)
    STORY("twins", 3, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SCRIPT_PROVE, 0, 1, SCRIPT_RUN, 3, SCRIPT_PROVE, 0,
          0, SCRIPT_RUN_MS, 120, SCRIPT_PROVE, 0, 0, SCRIPT_RUN, 90)
    STORY("own-name", 3, SCRIPT_RUN, 20, SCRIPT_BECOME, 2, 1, BOOT(2), 0, 0, SCRIPT_PROVE, 0, 2, SCRIPT_RUN,
          90)
    STORY("hello", 3, SCRIPT_RUN, 20, SAY(0, 0, 1, WIRE_HELLO, HAS_QUESTION, 0, 0, 0), 0, SCRIPT_RUN_MS, 50,
          SCRIPT_PROVE, 0, 0, SCRIPT_RUN, 2, SCRIPT_REPLAY, 1, 0, 3, SCRIPT_RUN, 80)
    STORY("vouch", 15, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SAY(0, 0, 1, WIRE_NEWS, 0, 0, 0, 3), 2, BOOT(2),
          15, 3, BOOT(3), 6, 4, BOOT(4), 5, SCRIPT_RUN, 90)
    STORY("stranger-vouches", 15, SCRIPT_RUN, 20, SAY(0, 0, 1, WIRE_NEWS, 0, 1, 0, 1), 0, 7, 2, BOOT(2), 15,
          SCRIPT_RUN, 3)
    STORY("verdicts", 15, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SCRIPT_PROVE, 0, 2, SCRIPT_RUN, 9,
          SAY(0, 0, 1, WIRE_NEWS, 0, 0, 4, 0), VERDICT_SUSPECT, BOOT(2), VERDICT_DEAD, BOOT(2), VERDICT_DEAD,
          0, VERDICT_LEFT, 1, SCRIPT_RUN, 90)
    STORY("revived", 15, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SCRIPT_PROVE, 0, 2, SCRIPT_RUN, 12,
          SAY(0, 0, 1, WIRE_NEWS, 0, 0, 1, 0), VERDICT_DEAD, BOOT(2), SAY(0, 0, 1, WIRE_NEWS, 0, 0, 0, 1), 2,
          BOOT(2), 31, SCRIPT_RUN, 20)
    STORY("pages", 15, SCRIPT_RUN, 20, SAY(0, 0, 0, WIRE_ROSTER, HAS_CURSOR, 1, 0, 0), BOOT(6), 0, 0,
          SAY(0, 0, 0, WIRE_ROSTER, HAS_CURSOR, 0, 0, 0), BOOT(0),
          SAY(0, 0, 0, WIRE_ROSTER, HAS_CURSOR | HAS_TOTAL, 1, 0, 2), BOOT(7), 0, 0, 2, BOOT(2), 15, 3,
          BOOT(3), 15, SCRIPT_RUN, 20)
    STORY("relay", 15, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0,
          SAY(0, 0, 0, WIRE_PROBE_FOR | ASK, HAS_TARGET, 0, 0, 0), 1,
          SAY(0, 0, 0, WIRE_ACK, HAS_TARGET | HAS_RELAY, 1, 0, 0), 1, 1, 0, 0, SCRIPT_RUN, 20)
    STORY("byes", 15, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SAY(0, 0, 1, WIRE_BYE, HAS_REASON, 0, 0, 0), 2,
          SCRIPT_PROVE, 0, 0, SCRIPT_RUN, 9, SCRIPT_RUN, 255)
    STORY("moved", 15, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SAY(0, 0, 18, WIRE_HELLO, 0, 0, 0, 0),
          SAY(0, 0, 18, WIRE_ACK, 0, 1, 0, 0), 0, 0, SCRIPT_RUN, 20)
    STORY("full", 0, SCRIPT_RUN, 20, SCRIPT_PROVE, 0, 0, SCRIPT_PROVE, 0, 2, SCRIPT_PROVE, 0, 4, SCRIPT_RUN,
          60, SCRIPT_PROVE, 0, 2, SCRIPT_RUN, 250)
    STORY("new-sidecar", 0, SCRIPT_FILTER, 2, SCRIPT_PAUSE, 1, SCRIPT_PROVE, 0, 0, SCRIPT_BECOME, 0, 4,
          BOOT(2), 0, 1, SCRIPT_PROVE, 0, 0, SAY(0, 0, 0, WIRE_ROSTER, HAS_CURSOR, 0, 0, 1), BOOT(6), 0,
          BOOT(3), 4, SCRIPT_RUN, 20)
    STORY("keys", 3, SCRIPT_RUN, 20, SCRIPT_COMMAND, 0, 128 + COMMAND_KEYS, SCRIPT_RUN, 20, SCRIPT_COMMAND, 1,
          COMMAND_SNAPSHOT, SCRIPT_COMMAND, 1, COMMAND_PULSE, SCRIPT_RUN, 20)
    STORY("far", 67, SCRIPT_RUN, 20, SCRIPT_FILTER, 5, SCRIPT_RUN, 90, SCRIPT_PROVE, 0, 0,
          SAY(0, 0, 0, WIRE_PROBE + ASK + 16 * WIRE_FAR, 0, 0, 0, 1), 2, BOOT(2), 15, SCRIPT_COMMAND, 2,
          COMMAND_LEAVE, SCRIPT_RUN, 40, SCRIPT_FILTER, 0, SCRIPT_RUN, 20)
    STORY("missed", 15, SCRIPT_RUN, 60, SCRIPT_PROVE, 0, 0, SAY(0, 2, 1, WIRE_HELLO, 0, 0, 0, 0),
          SCRIPT_RUN_MS, 150, SCRIPT_KNOW, 0, 0, BOOT(2), 1, SAY(0, 0, 1, WIRE_HELLO, 0, 0, 0, 0), SCRIPT_RUN,
          3, SAY(0, 0, 1, WIRE_HELLO, 0, 0, 0, 0), SCRIPT_RUN, 30)
    /* A copy comes from another address; and then its sender says that this is its own. */
    STORY("copy-then-claim", 3, SCRIPT_RUN, 20, SCRIPT_BECOME, 1, 22, 0, 249, 255, SCRIPT_REPLAY, 1, 13, 0,
          SAY(1, 1, 28, WIRE_ACK, 0, 0, 0, 0))
    STORY("junk", 3, SCRIPT_RUN, 20, SCRIPT_RAW, 0, 0, 3, 'G', 'S', 'C', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
          12, SCRIPT_BYTES, 0, 0, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, SCRIPT_RUN, 20)
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),
        cmocka_unit_test(datagrams),
        cmocka_unit_test(stories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
