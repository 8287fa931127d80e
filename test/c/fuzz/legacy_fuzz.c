/* Any bytes may come as libcluster's beat: whatever they are, nothing behind them is read; what is taken for
 * one names a node that could be a member, is likely by its first bytes, and is said again to the same
 * effect; and what is padded is not longer without its padding. */
#include "legacy.h"

#include <string.h>

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const uint8_t *data, size_t size)
{
    struct name name = {0};
    if (legacy_read(data, size, &name) != 0) {
        return;
    }
    require(legacy_plain_likely(data, size));
    struct name valid, back = {0};
    require(name_set(&valid, name.text, name.len) == 0 && name_same(&valid, &name));
    uint8_t beat[LEGACY_BEAT_MAX];
    size_t len = legacy_write(&name, beat);
    require(len < size + 2 * sizeof name.text && legacy_read(beat, len, &back) == 0 &&
            name_same(&name, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    look_at(data, size);
    size_t len = legacy_unpad(data, size);
    require(len == 0 || (len < size && size - len <= LEGACY_BLOCK));
    look_at(data, len);
    (void)legacy_sealed_likely(data, size);
    return 0;
}
