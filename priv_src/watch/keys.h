/* The keys of a person, one byte after another; and among them what a terminal says of its size, as xterm
 * does: ESC [ 8 ; rows ; columns t. Pure. */
#ifndef GOSSIP_WATCH_KEYS_H
#define GOSSIP_WATCH_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define KEYS_NUMBERS 3

enum key_press { KEY_NONE = 0, KEY_QUIT, KEY_SORT, KEY_SIZE };

/* Zeroed memory is a beginning. */
struct keys {
    uint8_t step;   /* 0: not within a sequence; 1: behind ESC; 2: behind ESC [ */
    uint8_t number; /* which one is read */
    unsigned numbers[KEYS_NUMBERS];
    size_t columns, rows; /* of the last KEY_SIZE; 0: no terminal */
};

/* What this byte means, an enum key_press. */
int keys_take(struct keys *k, uint8_t byte);

#endif
