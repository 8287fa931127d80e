/* What the system tells of its interfaces and addresses, read from bytes: rtnetlink(7). Pure. */
#ifndef GOSSIP_RTNETLINK_H
#define GOSSIP_RTNETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_CHANGES_GONE 64

/* What has changed. */
struct link_changes {
    bool lost; /* events were lost, or more were deleted than find room: any interface may have been */
    size_t gone_count;
    uint32_t gone[LINK_CHANGES_GONE]; /* numbers of interfaces that were deleted: whatever bears such a number
                                       * now is another, and what had been joined on it is joined no more */
};

/* Reads one datagram, and adds what it tells to `changes`. True when an interface, or an address of one, is
 * new, gone or another: then it is time to look. What is cut off is not read. */
bool rtnetlink_read(const uint8_t *data, size_t len, struct link_changes *changes);

#endif
