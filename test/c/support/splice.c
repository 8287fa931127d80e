#include "splice.h"

#include <string.h>

bool splice(uint8_t *data, size_t *size, size_t most, size_t from, size_t to, const uint8_t *bytes,
            size_t len)
{
    if (len > most - (*size - (to - from))) {
        return false;
    }
    memmove(data + from + len, data + to, *size - to);
    if (len > 0) {
        memcpy(data + from, bytes, len);
    }
    *size = *size - (to - from) + len;
    return true;
}
