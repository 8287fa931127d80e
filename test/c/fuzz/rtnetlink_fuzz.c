/* Any bytes may come as an event of the system's: whatever they are, nothing behind them is read, what does
 * not fit is said, and reading the whole finds no less than reading its beginning. */
#include "rtnetlink.h"

#include <string.h>

#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link_changes whole = {0}, part = {0};
    bool look = rtnetlink_read(data, size, &whole);
    require(whole.gone_count <= LINK_CHANGES_GONE);
    require(look || (whole.gone_count == 0 && !whole.lost));
    for (size_t i = 0; i < whole.gone_count; i++) {
        require(whole.gone[i] != 0 && whole.gone[i] <= INT32_MAX);
    }
    bool soon = rtnetlink_read(data, size / 2, &part);
    require(look || !soon);
    require(part.gone_count <= whole.gone_count &&
            memcmp(part.gone, whole.gone, part.gone_count * sizeof part.gone[0]) == 0);
    return 0;
}
