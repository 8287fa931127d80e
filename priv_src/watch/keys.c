#include "keys.h"

#include <stdbool.h>

#define ESCAPE      0x1b
#define CTRL_C      3
#define NUMBER_MOST 9999
#define SIZE_REPORT 8

static int end_sequence(struct keys *k, uint8_t final)
{
    bool size = final == 't' && k->number == 2 && k->numbers[0] == SIZE_REPORT;
    k->step = 0;
    if (size) {
        k->rows = k->numbers[1];
        k->columns = k->numbers[2];
    }
    return size ? KEY_SIZE : KEY_NONE;
}

/* Within ESC [ ... (ECMA-48, 5.4): parameters, then a byte that ends it. */
static int take_parameter(struct keys *k, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        unsigned *n = &k->numbers[k->number < KEYS_NUMBERS ? k->number : KEYS_NUMBERS - 1];
        *n = *n * 10 + (unsigned)(byte - '0');
        *n = *n < NUMBER_MOST ? *n : NUMBER_MOST;
    } else if (byte == ';') {
        k->number = (uint8_t)(k->number + (k->number < KEYS_NUMBERS));
    } else if (byte >= 0x40 && byte <= 0x7e) {
        return end_sequence(k, byte);
    } else if (byte < 0x20 || byte > 0x7e) {
        k->step = 0;
    }
    return KEY_NONE;
}

int keys_take(struct keys *k, uint8_t byte)
{
    if (byte == ESCAPE) {
        k->step = 1;
        return KEY_NONE;
    }
    if (k->step == 1) {
        k->step = byte == '[' ? 2 : 0;
        k->number = 0;
        for (unsigned i = 0; i < KEYS_NUMBERS; i++) {
            k->numbers[i] = 0;
        }
        return KEY_NONE;
    }
    if (k->step == 2) {
        return take_parameter(k, byte);
    }
    switch (byte) {
    case 'q':
    case 'Q':
    case CTRL_C:
        return KEY_QUIT;
    case 's':
        return KEY_SORT;
    default:
        return KEY_NONE;
    }
}
