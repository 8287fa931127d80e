/* The terms that the owner sends, made with libei, for tests of what reads them. */
#ifndef TEST_SUPPORT_PORT_TERMS_H
#define TEST_SUPPORT_PORT_TERMS_H

#include "term.h"

#include <ei.h>

/* What a test may want different; the rest of the configuration is valid and keeps to loopback. */
struct port_config {
    const char *without;   /* a key to leave out */
    const char *interface; /* {only, [it]}; default "lo"; "" means all */
    const char *secret;    /* a cookie; NULL: a key of 32 bytes of `key` */
    uint8_t key;
    uint16_t port;
    uint32_t interval;
    bool heartbeats;
    const char *advertise;
    uint16_t unicast_first, unicast_last;
    bool broadcast;
    const char *group6; /* NULL: IPv4 alone */
};

/* Each starts a new term in `x` (version byte included), which the caller frees with ei_x_free; zeroed is
 * empty. */
void port_configure(ei_x_buff *x, const struct port_config *c);
void port_alive(ei_x_buff *x, const char *name, uint32_t creation);
void port_word(ei_x_buff *x, const char *word);
void port_leave(ei_x_buff *x, const char *reason);
void port_disconnected(ei_x_buff *x, const char *boot, size_t len);
void port_stats(ei_x_buff *x, long ref);
void port_measures(ei_x_buff *x, long from);
void port_keys(ei_x_buff *x, const char *cookie, size_t count);

/* {compat, Map}: libcluster's wire on the group 233.252.1.32, with this secret or, where it is NULL, with
 * none. */
void port_compat(ei_x_buff *x, uint16_t port, const char *secret);

/* {siblings, Ports} */
void port_siblings(ei_x_buff *x, const uint16_t *ports, size_t count);

/* {seeds, [{Address, First, Last}]} */
struct port_seed {
    const char *ip;
    size_t len;
    long first, last;
};
void port_seeds(ei_x_buff *x, const struct port_seed *seeds, size_t count);

#endif
