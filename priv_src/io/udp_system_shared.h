/* What the twins of udp_system.h share: sockets as every system has them. They alone use it. */
#ifndef GOSSIP_UDP_SYSTEM_SHARED_H
#define GOSSIP_UDP_SYSTEM_SHARED_H

#include "addr.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* Bytes to ask for. The default holds about 256 datagrams; a thousand nodes that answer at once send more. */
#define RECEIVE_BUFFER (4 * 1024 * 1024)

/* The system's form of an endpoint. Of IPv6 addresses those that every link has name their interface. */
struct endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } as;
    socklen_t len;
};

struct endpoint udp_system_endpoint(const struct addr *a);

/* And back; the interface of those that name none is 0. */
struct addr udp_system_addr(const struct endpoint *e);

/* Sets an option that is an int: 0, or -1 and errno. */
int udp_system_option(int fd, int level, int name, int value);

/* The bytes that the receive buffer has; 0 where the system does not tell. */
uint32_t udp_system_buffer(int fd);

#endif
