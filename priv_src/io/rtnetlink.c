#include "rtnetlink.h"

#include <string.h>

/* The layout and the numbers of linux/netlink.h and linux/rtnetlink.h, which other systems do not have; so
 * this is read, and tested, everywhere. */
struct header {
    uint32_t len; /* this header, and what follows it */
    uint16_t type;
    uint16_t flags;
    uint32_t sequence, sender;
};

enum { NEW_LINK = 16, DELETED_LINK = 17, NEW_ADDRESS = 20, DELETED_ADDRESS = 21 };

struct link {
    uint8_t family; /* a bridge tells in its own (7) that a port leaves it: the interface itself stays */
    uint8_t pad;
    uint16_t hardware;
    int32_t index;
    uint32_t flags, change;
};

#define ALIGNED(len) (((len) + 3u) & ~(size_t)3u)

static void gone(struct link_changes *changes, const struct link *l)
{
    if (l->family != 0 || l->index <= 0) {
        return;
    }
    if (changes->gone_count == LINK_CHANGES_GONE) {
        changes->lost = true;
    } else {
        changes->gone[changes->gone_count++] = (uint32_t)l->index;
    }
}

bool rtnetlink_read(const uint8_t *data, size_t len, struct link_changes *changes)
{
    bool changed = false;
    struct header h;
    for (size_t at = 0; len - at >= sizeof h; at += ALIGNED(h.len)) {
        memcpy(&h, data + at, sizeof h);
        if (h.len < sizeof h || h.len > len - at) {
            break;
        }
        struct link l;
        if (h.type == DELETED_LINK && h.len >= sizeof h + sizeof l) {
            memcpy(&l, data + at + sizeof h, sizeof l);
            gone(changes, &l);
        }
        changed = changed || h.type == NEW_LINK || h.type == DELETED_LINK || h.type == NEW_ADDRESS ||
                  h.type == DELETED_ADDRESS;
        if (ALIGNED(h.len) > len - at) {
            break;
        }
    }
    return changed;
}
