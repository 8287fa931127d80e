/* Bytes in the place of others, for mutators. */
#ifndef TEST_SUPPORT_SPLICE_H
#define TEST_SUPPORT_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands from `from` to `to` of the `size` bytes becomes these `len`, which stand elsewhere; NULL is
 * allowed where there are none. False, and nothing changes, where more than `most` would come of it. */
bool splice(uint8_t *data, size_t *size, size_t most, size_t from, size_t to, const uint8_t *bytes,
            size_t len);

#endif
