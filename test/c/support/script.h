/* A story of two or three members and some holders of the key, told in bytes: what happens, to whom, from
 * where. Every string of bytes is a story; the members' witnesses judge it. For the fuzzer, and for whoever
 * wants to make up stories by hand. */
#ifndef TEST_SUPPORT_SCRIPT_H
#define TEST_SUPPORT_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#define SCRIPT_NODES  3 /* or one less */
#define SCRIPT_FORGED 6

/* In the first byte: a long story. Most that a story can tell, it tells with its first datagrams. */
#define SCRIPT_LONG 128

/* First a byte that chooses max_peers (low 4 bits: 1 to 16), heartbeats (16), the shortest interval (32: 100
 * ms, not 1 s), how many members there are (64: three, else two), and whether it may be long (128). Then
 * steps, each of them an op and its bytes; missing bytes are 0. `who` picks a node or a forged member, modulo
 * how many there are. */
enum script_op {
    SCRIPT_RUN_MS,  /* n: time passes, n ms */
    SCRIPT_RUN,     /* n: so many 100 ms */
    SCRIPT_STOP,    /* n: nobody runs for so many 100 ms */
    SCRIPT_PAUSE,   /* who: stops, or goes on */
    SCRIPT_ALIVE,   /* who, name; whose upper bits are tags and host */
    SCRIPT_COMMAND, /* who, type; of a disconnect the type's upper bits say from whom, of seeds (0) where */
    SCRIPT_RESTART, /* who */
    SCRIPT_FILTER,  /* n: 0 nothing is lost, 1 a third, 2 all unicast, 3 who is node 0, 4 node 1, 5 what goes
                       to the group */
    SCRIPT_BECOME,  /* forged, name, boot, incarnation, steps of the sequence (16 each) */
    SCRIPT_SAY,     /* who, forged, way, type and flags, has, echoes (upper bits: own tags, host), verdicts,
                       entries     (upper bits: tags and host of each); then what these need. An entry that
                       bears the forged one's own name has its bits far and stalled in the two lowest of n */
    SCRIPT_BYTES,   /* who, forged, way, n, and n bytes of a message */
    SCRIPT_RAW,     /* who, way, n, and n bytes of a datagram */
    SCRIPT_REPLAY, /* who, way, k: what was sent k datagrams ago, from where it came or from the way's address
                    */
    SCRIPT_PROVE,  /* who, forged: an ACK with the right echo */
    SCRIPT_KNOW,   /* who, forged, boot, n: it says from now on that it knows whom that node knows, and that
                      one, and   that there are so many more, modulo 4 */
    SCRIPT_OPS,
};

/* A way: bit 0 by the group; the other bits pick the source address, modulo all there are (0: the sender's
 * own). */

/* How many bytes the step takes that begins here; some may be missing. */
size_t script_step_size(const uint8_t *step, size_t size);

/* Another story, made of this one by changing, adding, moving or taking away whole steps: at most `most`
 * bytes. For fuzzers. Returns its size. */
size_t script_mutate(uint8_t *story, size_t size, size_t most, uint32_t seed);

/* Runs a story from beginning to end. */
void script_run(const uint8_t *data, size_t size);

#endif
