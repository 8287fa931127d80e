#include "decimal.h"

int decimal_parse(const char *text, size_t len, uint32_t least, uint32_t most, uint32_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        number = 10 * number + (uint64_t)(text[i] - '0');
        if (number > most) {
            return -1;
        }
    }
    if (len == 0 || number < least) {
        return -1;
    }
    *out = (uint32_t)number;
    return 0;
}
