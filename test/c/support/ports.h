/* UDP ports of this process's own, so that tests that run at the same time do not hear each other. */
#ifndef TEST_SUPPORT_PORTS_H
#define TEST_SUPPORT_PORTS_H

#include <stdint.h>

#define PORTS_EACH 16

/* The first of PORTS_EACH in a row, always the same. */
uint16_t ports_first(void);

#endif
