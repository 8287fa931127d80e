#include "ports.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

/* Below those that a system gives to who asks for any (Linux from 32768 on, IANA's from 49152 on): a private
 * port of one test might be the group's of another. */
#define FIRST 10000
#define ROWS  1375

/* A row is claimed by a TCP port, which nobody connects to and whose socket ends with the process: whether it
 * is this one's. */
static bool claimed(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bool mine = bind(fd, (const struct sockaddr *)&in, sizeof in) == 0;
    if (!mine) {
        (void)close(fd);
    }
    return mine;
}

uint16_t ports_first(void)
{
    static uint16_t first;
    for (int i = 0; first == 0 && i < ROWS; i++) {
        uint16_t port = (uint16_t)(FIRST + (getpid() + i) % ROWS * PORTS_EACH);
        first = claimed(port) ? port : 0;
    }
    assert_int_not_equal(first, 0);
    return first;
}
